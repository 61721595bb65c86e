"""A stack that cannot be put in order between two runs is really replaced: the second one serves as the first did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from harness.campaign import make_plan, run_campaign
from harness.campaign_record import read_campaign
from harness.engine.residue import residue, snapshot
from harness.engine.stack import Stack
from harness.errors import InstrumentError
from harness.live import LiveView

pytestmark = [pytest.mark.engine, pytest.mark.slow]


def test_the_campaign_goes_on_with_a_new_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle, stacks = Stack.settle, list[Stack]()

    def once_in_vain(stack: Stack, timeout_s: float) -> list[str]:
        stacks.append(stack)
        if len(stacks) == 2:
            raise InstrumentError("The link app-database does not answer: silent.")
        return settle(stack, timeout_s)

    monkeypatch.setattr(Stack, "settle", once_in_vain)
    plan = make_plan("v1", "control", 1, 2)
    (control,) = plan.experiments
    before = snapshot(docker.from_env())
    short = replace(plan, experiments=(replace(control, duration_s=4.0, warmup_s=1.0),))
    folder, summary = run_campaign(short, tmp_path, LiveView("v1", 2))
    assert stacks[0] is stacks[1] and stacks[2] is not stacks[0]
    record = read_campaign(folder)
    assert record.afresh == {"runs/02-control-2": "The link app-database does not answer: silent."}
    assert record.runs == ("runs/01-control-1", "runs/02-control-2")
    runs: list[dict[str, Any]] = summary["runs"]
    assert summary["valid"] and [run["valid"] for run in runs] == [True, True]
    assert all(run["availability"]["value"] == 1.0 for run in runs)
    assert "Before runs/02-control-2 the stack was replaced" in (folder / "report.md").read_text()
    assert (folder / "logs" / "app.log").read_text().count("==> ") == 2
    assert residue(before, snapshot(docker.from_env())) == []
