"""What the summary says of the cost of runs, and of verdicts that rest on runs of an overloaded machine."""

from __future__ import annotations

from collections.abc import Sequence

from harness.cost import Cost, PartCost, together
from harness.history import History
from harness.summary_schema import CostPart, PartCostPart


def cost_part(cost: Cost | None) -> CostPart | None:
    """Return what the summary says of a cost, dearest parts first; None of one that is not known."""
    if cost is None:
        return None
    to_be_had_s = cost.seconds * cost.processors
    return CostPart(
        seconds=cost.seconds,
        processors=cost.processors,
        busy_s=cost.busy_s,
        components=_dearest_first(cost.components, to_be_had_s),
        harness=_dearest_first(cost.harness, to_be_had_s),
    )


def campaign_cost(histories: Sequence[History]) -> CostPart | None:
    """Return what all runs cost together; None where none of them was watched."""
    return cost_part(together([history.record.cost for history in histories if history.record.cost is not None]))


def overloaded_among(runs: Sequence[str], histories: Sequence[History]) -> list[str]:
    """Return those of `runs` in which the machine was overloaded."""
    overloaded = {history.record.run for history in histories if history.record.overloaded}
    return [run for run in runs if run in overloaded]


def _dearest_first(parts: Sequence[PartCost], to_be_had_s: float) -> list[PartCostPart]:
    found = [PartCostPart(**vars(part), share=round(part.cpu_s / to_be_had_s, 5)) for part in parts]
    return sorted(found, key=lambda part: (-part.cpu_s, part.name))
