"""Between two runs: everything as it was after the start, so that no run inherits anything from the one before."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from harness.engine.toxiproxy import ToxiproxyServer
from harness.errors import InstrumentError
from harness.faults.base import LinkHandle

if TYPE_CHECKING:
    from harness.engine.pager import PagerControl
    from harness.engine.stack import Stack, Unit

SILENT_S = 15.0  # a link to something that runs
PUT_BACK_S = 60.0  # what puts back decides itself for how long it tries; this is for one that hangs
QUIET_S = 30.0  # for alerts that something before the run has caused
CARRIED_S = 3.0  # for those that were waited for in vain before an earlier run: a slow burn rate fires for hours


def settle(stack: Stack, timeout_s: float) -> list[str]:
    """Mend what is not in order and return it in words; empty when everything was.

    In this order: containers run, restart policies are their own, health checks pass, Toxiproxy has every proxy
    enabled and no toxic, simulators are reset, links answer (what stays silent is connected anew), the entry is ready,
    components put back what no restart does (`put_back` of target.toml); then pagers forget, as soon as nothing fires
    but what fired before the run before, or in vain. Raises InstrumentError when it is not all so within `timeout_s`
    (s).
    """
    deadline = time.monotonic() + timeout_s
    found: list[str] = []
    for unit in stack.fixed_units:
        found += _mend_container(unit)
    _wait_for_health(stack, deadline, found)
    between = {plan.proxy.server for plan in stack.weaving.wan}  # their delays are no faults, and stay
    for name, server in stack.servers.items():
        found += _mend_proxies(server) if name not in between else []
    found += stack.wide_area.mend()
    for provider in stack.providers.values():
        provider.reset()
    for link in stack.links.values():
        if not until(partial(answers, link), min(deadline, time.monotonic() + SILENT_S)):
            found += stack.reconnect(link.name)
            if not until(partial(answers, link), max(deadline, time.monotonic() + SILENT_S)):
                raise InstrumentError(f"The link {link.name} does not answer: {link.probe()}.")
    stack.ready(max(1.0, deadline - time.monotonic()))
    if put_back := _put_back(stack):
        found += put_back
        stack.ready(max(PUT_BACK_S, deadline - time.monotonic()))
    for pager in stack.pagers.values():
        until(partial(_quiet_enough, pager, time.monotonic()), min(deadline, time.monotonic() + QUIET_S), every_s=0.5)
        found += [f"alert {name}: it was still firing" for name in pager.forget()]
    return found


def _put_back(stack: Stack) -> list[str]:
    found = []
    for name, component in stack.target.components.items():
        for container in stack.containers(name)[:1] if component.put_back else ():
            said = container.run(component.put_back or (), PUT_BACK_S).strip()
            found += [f"{name}: {said}"] if said else []
    return found


def _quiet_enough(pager: PagerControl, since: float) -> bool:
    return pager.quiet() or (time.monotonic() - since > CARRIED_S and not pager.fires_anew())


def _mend_container(unit: Unit) -> list[str]:
    container, found = unit.container, []
    state = container.state()
    if container.drops:
        container.restore_packets()
        found.append(f"{container.name}: it dropped packets")
    if container.restart_policy() != unit.restart_policy:
        container.set_restart_policy(unit.restart_policy)
        found.append(f"{container.name}: its restart policy was held")
    if state.status == "paused":
        container.unpause()
        found.append(f"{container.name}: it was frozen")
    elif state.status in ("exited", "created", "dead") and not ended_well(unit):
        container.start()
        found.append(f"{container.name}: it was {state.status}")
    return found


def _wait_for_health(stack: Stack, deadline: float, found: list[str]) -> None:
    for unit in stack.fixed_units:
        if not healthy(unit):
            found.append(f"{unit.container.name}: it was {unit.container.state().status}, {unit.container.health()}")
        if not until(partial(healthy, unit), deadline):
            state = unit.container.state()
            raise InstrumentError(
                f"{unit.container.name} is {state.status} (health: {unit.container.health()}) and should run.\n"
                + stack.tail(unit.service)
            )


def healthy(unit: Unit) -> bool:
    """Whether a container runs, and its health check, if it has one, passes; or was a job and has done it."""
    if unit.container.state().status == "running":
        return unit.container.health() in ("none", "healthy")
    return ended_well(unit)


def ended_well(unit: Unit) -> bool:
    """Whether a container was a job that has ended without an error."""
    state = unit.container.state()
    return unit.may_end and state.status == "exited" and state.exit_code == 0


def _mend_proxies(server: ToxiproxyServer) -> list[str]:
    found = []
    for proxy in server.proxies().values():
        found += [f"link {proxy.name}: it had the toxic {toxic.kind} ({toxic.stream})" for toxic in proxy.toxics]
        if not proxy.enabled:
            found.append(f"link {proxy.name}: its proxy was disabled")
    server.reset()
    return found


def answers(link: LinkHandle) -> bool:
    """Whether the far side of a link gives a sign of life."""
    return link.probe().outcome == "answered"


def until(seen: Callable[[], bool], deadline: float, every_s: float = 0.1) -> bool:
    """Whether it was seen before `deadline` (monotonic s); asked at least once."""
    while not seen():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True
