from pathlib import Path
from typing import Any

import pytest

from harness.clock import RunClock
from harness.load.generator import LoadGenerator
from harness.load.plan import Plan
from tests.contract.load.runs import Ran, read_run


@pytest.fixture
def keep_plan(tmp_path: Path) -> Any:
    """Runs a plan. `on_clock` gets the run's clock before the first arrival, `on_tick` is called often."""

    def run(plan: Plan, host: str, deadline_s: float, on_clock=lambda clock: None, on_tick=lambda: None) -> Ran:
        with LoadGenerator(tmp_path, plan, host=host, run="test", deadline_s=deadline_s) as load:
            load.ready(60)
            clock = RunClock.starting_in(0.7 - min(0.0, float(plan.due_s[0])))
            on_clock(clock)
            load.go(clock)
            load.wait(60, on_tick)
        return read_run(tmp_path, plan)

    return run
