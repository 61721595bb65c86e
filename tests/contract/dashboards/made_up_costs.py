"""What components and the harness cost in a recorded run: made up, because these runs were recorded before costs were.

Figures of the kind that the engine gives: a processor at a quarter, memory that grows slowly. Only whether a panel
finds and adds them up is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from harness.observe import names
from harness.observe.openmetrics import write_openmetrics
from harness.observe.promtool import create_blocks
from harness.observe.series import Series
from tests.contract.dashboards.looked_at import Window, windows

COMPONENTS = (("app", "app"), ("database", "database"), ("openai", "provider"))
CPU_SHARE = 0.25
MIB = 1 << 20


def put_costs(campaigns: list[Path], data: Path, scratch: Path) -> None:
    """Put the costs of all runs that have none of their own into a Prometheus' data directory."""
    scratch.mkdir()
    wanted = [each for campaign in campaigns for each in windows(campaign)]
    write_openmetrics(scratch / "costs.om", (series for chosen, window in wanted for series in costs(chosen, window)))
    blocks = scratch / "blocks"
    blocks.mkdir()
    create_blocks(scratch / "costs.om", blocks)
    for block in blocks.iterdir():
        block.rename(data / block.name)


def costs(chosen: dict[str, str], window: Window) -> Iterator[Series]:
    """Yield what one run cost, a sample each second."""
    at_ms = np.arange(int(window.from_s), int(window.until_s) - 60, dtype=np.int64) * 1000
    spent = np.arange(len(at_ms), dtype=np.float64) * CPU_SHARE
    used = np.linspace(40 * MIB, 60 * MIB, len(at_ms), dtype=np.float64)
    for component, role in COMPONENTS:
        about = {**chosen, "component": component, "role": role}
        yield Series(names.COMPONENT_CPU, about, at_ms, spent)
        yield Series(names.COMPONENT_MEMORY, about, at_ms, used)
    for process in ("harness", "generator"):
        yield Series(names.HARNESS_CPU, {**chosen, "process": process}, at_ms, spent)
        yield Series(names.HARNESS_MEMORY, {**chosen, "process": process}, at_ms, used)
