"""The null control: noise is measured as it is, and an unchanged target hardly ever alarms."""

from __future__ import annotations

import numpy as np
import pytest

from harness.control import false_alarms, markdown, noise_floor
from harness.gate.figures import run_figures
from tests.fakes.simulated_v1 import SimulatedV1


def figures(noise: float, count: int = 20) -> list[dict[str, float | None]]:
    random = np.random.default_rng(11)
    return [run_figures(SimulatedV1(noise=noise).run("control", k, random)) for k in range(1, count + 1)]


def test_the_noise_floor_is_the_spread_between_runs() -> None:
    floor = noise_floor(figures(0.05))
    read = floor["chat_p50_s"]
    assert read["sd"] == pytest.approx(0.05 * read["mean"], rel=0.5)
    assert read["least"] <= read["low"] <= read["mean"] <= read["high"] <= read["most"]
    assert floor["availability"]["sd"] == 0
    assert "recovery_s" not in floor  # nothing to recover from


def test_an_unchanged_target_hardly_ever_alarms() -> None:
    found = false_alarms(figures(0.03), repeats=3, draws=200)
    assert found["false_alarm_rate"] <= 0.05
    assert found["group"] == 3


def test_drawing_is_seeded_and_needs_two_groups() -> None:
    runs = figures(0.03, 8)
    assert false_alarms(runs, 3, draws=50) == false_alarms(runs, 3, draws=50)
    assert false_alarms(runs[:5], 3, draws=10)["group"] == 2
    with pytest.raises(ValueError, match="two groups"):
        false_alarms(runs[:3], 3)


def test_runs_of_two_kinds_do_alarm() -> None:
    fast, slow = figures(0.0, 10), [{**run, "read_p50_s": 0.2} for run in figures(0.0, 10)]
    found = false_alarms([*fast, *slow], repeats=2, draws=300)
    assert found["metrics_called_worse"] > 0


def test_the_page_says_rate_and_machine() -> None:
    runs = figures(0.03, 8)
    page = markdown({
        "phase": "v1", "runs": 8, "noise": noise_floor(runs), "gate": false_alarms(runs, 3, draws=20),
        "left_out": ["Run 3 is void."], "machine": {"cores": "2"}, "command": "make control",
    })  # fmt: skip
    assert "| chat_p50_s: median latency of plain chats |" in page
    assert "20 times 3 against 3" in page
    assert "* left out: Run 3 is void." in page
