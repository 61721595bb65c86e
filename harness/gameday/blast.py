"""What faults may take away at the same moment, and the limits that a game day sets to that.

Which component is the primary only the running target knows, so a fault may have several *reaches*: sets of components
of which it takes one. A limit holds when it holds for every one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations, product

from harness.alerts import PAGER
from harness.errors import NothingToBreak
from harness.faults.bad_deploy import BadDeploy
from harness.faults.base import Fault
from harness.faults.component import ComponentFault
from harness.faults.link import LinkFault
from harness.faults.partition import Partition
from harness.faults.provider import ProviderFault
from harness.faults.rolling_deploy import RollingDeploy
from harness.target import Component, Target

Reach = frozenset[str]
QUORUM = 3  # from so many components of one role on, more than half of them are a majority that others go by


def reaches(fault: Fault, target: Target) -> list[Reach]:
    """Return the sets of components of which the fault takes away one.

    Raises NothingToBreak when the target has nothing for it, or nobody can say what it takes.
    """
    if isinstance(fault, ComponentFault):
        return _of_components(fault, target)
    if isinstance(fault, LinkFault):
        return [frozenset(link.to for link in target.links_named(fault.link))]
    if isinstance(fault, ProviderFault):
        found = target.find(role=fault.role, zone=fault.zone, region=fault.region)
        return [_names(part for part in found if part.control_port is not None)]
    if isinstance(fault, Partition):
        return [_names(target.find(zone=zone)) for zone in fault.zones]
    if isinstance(fault, RollingDeploy | BadDeploy):
        return _of_deploy(fault, target)
    raise NothingToBreak(f"It cannot be told beforehand what {fault.name} takes away.")


def _of_components(fault: ComponentFault, target: Target) -> list[Reach]:
    zones = [fault.zone] if fault.zone_of is None else sorted({p.zone for p in target.find(role=fault.zone_of)})
    found = [target.find(role=fault.role, zone=zone, region=fault.region) for zone in zones]
    if fault.only == "all":
        return [_names(parts) for parts in found]
    if fault.only == "primary" and any(len(parts) < 2 for parts in found):
        raise NothingToBreak("There is only one such component: no second could take over from it.")
    if fault.only == "majority" and any(len(parts) < QUORUM for parts in found):
        raise NothingToBreak("There are too few such components: nobody would be left.")
    return [
        frozenset(part.name for part in taken)
        for parts in found
        for taken in combinations(parts, len(parts) // 2 + 1 if fault.only == "majority" else 1)
    ]


def _of_deploy(fault: RollingDeploy | BadDeploy, target: Target) -> list[Reach]:
    """A Swarm replaces instances one by one, so that a deploy takes none away; Compose stops what it replaces."""
    found = target.find(role=fault.role, zone=fault.zone, region=fault.region)
    if isinstance(fault, BadDeploy):
        target.bad_version(fault.version)
        if target.deployer != "swarm":
            raise NothingToBreak("Nobody watches over a deploy under Compose, so nothing could stop a bad version.")
    return [frozenset() if target.deployer == "swarm" else _names(found)]


def beyond_limits(faults: Sequence[Fault], target: Target) -> str:
    """Say why these faults may not be on at the same time: a majority of a quorum, or several zones; '' if they may.

    Raises what `reaches` does.
    """
    for taken in product(*(reaches(fault, target) for fault in faults)):
        why = _too_much(frozenset[str]().union(*taken), target)
        if why:
            return why
    return ""


def _too_much(taken: Reach, target: Target) -> str:
    """Simulated providers are somebody else's: they are in no zone of the target, and no quorum of it."""
    ours = {name: part for name, part in target.components.items() if not _simulated(part)}
    zones = sorted({ours[name].zone for name in taken if name in ours})
    if len(zones) > 1:
        return f"it could take components of several zones at once ({', '.join(zones)})"
    for role in sorted({part.role for part in ours.values()}):
        all_of_it = [name for name, part in ours.items() if part.role == role]
        lost = len(taken.intersection(all_of_it))
        if len(all_of_it) >= QUORUM and 2 * lost > len(all_of_it):
            return f"it could take the majority of the role {role} ({lost} of {len(all_of_it)})"
    return ""


def _simulated(part: Component) -> bool:
    return part.control_port is not None and part.role != PAGER


def _names(parts: Iterable[Component]) -> Reach:
    return frozenset(part.name for part in parts)
