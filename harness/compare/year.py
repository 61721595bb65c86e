"""A projected year beside others: what it lacks that strikes them, so that no silence passes for a good year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.errors import NothingToBreak
from harness.experiment import Experiment
from harness.projection.incidents import Incident
from harness.projection.project import Projection
from harness.target import Target
from harness.verdict import Verdict


def why_not(experiment: Experiment, target: Target) -> str:
    """Return why an experiment cannot be put to a target, so far as target.toml alone tells; '': it does not."""
    for strike in experiment.strikes():
        named = {word: getattr(strike.fault, word, None) for word in ("role", "zone", "region")}
        link = getattr(strike.fault, "link", None)
        try:
            if any(named.values()):
                target.find(**named)
            if isinstance(link, str):
                target.links_named(link)
        except NothingToBreak as error:
            return str(error)
    return ""


def lacking(
    projection: Projection, others: Sequence[Projection], cannot: Mapping[str, str] | frozenset[str]
) -> tuple[Incident, ...]:
    """Return the incidents that were measured of another version, could strike this one, and were not measured of it.

    What was measured of none is missing from all alike; where there is no other, whatever could strike is lacking.
    `cannot` are the experiments that cannot be put to the target: what only they measure does not strike it.
    """
    known = {swing.row.incident.id for other in others for swing in other.swings}
    return tuple(
        incident
        for incident, _ in projection.missing
        if (incident.id in known or not others) and not all(name in cannot for name in incident.experiments)
    )


def verdict(projected: Verdict, incomplete: bool) -> Verdict:
    """Return what may be said of a yearly claim: a year that lacks incidents can be too bad, never good enough."""
    return Verdict.INCONCLUSIVE if incomplete and projected is Verdict.HELD else projected
