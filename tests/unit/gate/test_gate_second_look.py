"""Three pairs first; the rest of the baseline only where three do not decide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.gate import commands
from harness.gate.baseline import make_baseline, write_baseline
from harness.gate.decide import Outcome
from harness.gate.measure import Measured
from harness.history import History
from tests.fakes.histories import campaign
from tests.fakes.simulated_v1 import SimulatedV1

MACHINE = {"cores": "2"}
RECORD = replace(campaign(), experiments=("control", "app_crash"), machine=MACHINE)


def run(version: SimulatedV1, name: str, repeat: int, seed: int) -> History:
    found = version.run(name, repeat, np.random.default_rng([seed, repeat]))
    return replace(found, record=replace(found.record, seed=100 + repeat))


class Laboratory:
    """Stands in for `measure`: every run comes from a simulated v1, and what was asked for is remembered."""

    def __init__(self, folder: Path, versions: dict[int, SimulatedV1]) -> None:
        self.folder, self.versions, self.asked = folder, versions, list[tuple[list[str], int, int]]()

    def measure(self, phase: str, names: list[str], *, repeats: int, first: int = 1, **_: Any) -> Measured:
        self.asked.append((names, first, repeats))
        folder = self.folder / f"look{len(self.asked)}"
        folder.mkdir()
        histories = [
            run(self.versions[repeat], name, repeat, seed=2)
            for name in names
            for repeat in range(first, first + repeats)
        ]
        record = replace(RECORD, experiments=tuple(names))
        return Measured(folder, record, histories, [], dict.fromkeys(names, repeats))


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    histories = [run(SimulatedV1(), name, k, seed=1) for name in ("control", "app_crash") for k in range(1, 7)]
    path = tmp_path / "v1.json"
    write_baseline(path, make_baseline(replace(RECORD, repeats=6), histories))
    return path


def verified(
    baseline: Path, monkeypatch: pytest.MonkeyPatch, versions: dict[int, SimulatedV1], repeats: int = 0
) -> tuple[Outcome, Laboratory]:
    laboratory = Laboratory(baseline.parent, versions)
    monkeypatch.setattr(commands, "measure", laboratory.measure)
    return commands._verify("v1", [], repeats, baseline), laboratory


def test_three_pairs_that_decide_are_enough(baseline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, laboratory = verified(baseline, monkeypatch, dict.fromkeys(range(1, 7), SimulatedV1()))
    assert outcome is Outcome.NO_REGRESSION
    assert laboratory.asked == [(["control", "app_crash"], 1, 3)]


def test_what_three_pairs_leave_open_is_measured_on(baseline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of the first three runs is spoilt; the other experiment is decided and is not run again."""
    versions = dict.fromkeys(range(1, 7), SimulatedV1()) | {2: SimulatedV1(database_s=0.015)}
    outcome, laboratory = verified(baseline, monkeypatch, versions)
    assert laboratory.asked == [(["control", "app_crash"], 1, 3), (["control"], 4, 3)]
    assert (laboratory.folder / "look2" / "verify.md").is_file()
    assert outcome is not Outcome.WORSE


def test_as_many_as_were_asked_for_and_no_more(baseline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = dict.fromkeys(range(1, 7), SimulatedV1()) | {2: SimulatedV1(database_s=0.015)}
    _, laboratory = verified(baseline, monkeypatch, versions, repeats=3)
    assert len(laboratory.asked) == 1


def test_what_is_worse_already_needs_no_second_look(baseline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outcome, laboratory = verified(baseline, monkeypatch, dict.fromkeys(range(1, 7), SimulatedV1(database_s=0.05)))
    assert outcome is Outcome.WORSE
    assert len(laboratory.asked) == 1
