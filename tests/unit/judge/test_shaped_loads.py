"""What is judged of users who come from places, of a load that climbs, and beside a client that abuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.checks import CHECKS
from harness.checks.base import ALL_KINDS, Question, scheduled
from harness.claims import Claims
from harness.conclusion import rejudge
from harness.history import History, Outcome, Stretch, Way
from harness.judge import judge
from harness.places import PLACES
from harness.report.write import render_html, render_markdown
from harness.summary import build_summary
from harness.summary_schema import RunPart
from harness.verdict import Measurement, Verdict
from tests.fakes.histories import Trouble, campaign, claim, fault, history
from tests.fakes.stored import stored_campaign


def asked(name: str, runs: list[History], place: str | None = None, **parameters: float) -> Measurement:
    check = CHECKS[name]
    defaults = {word: each.default for word, each in check.parameters.items()}
    return check.measure(runs, Question(ALL_KINDS, None, {**defaults, **parameters}, place))


def of_the_world(*troubles: Trouble, **more: Any) -> History:
    """Arrivals in turn from each place; whoever is far away waits as much longer as the way there takes."""
    ways = [Way(place.name, place.rtt_ms, [place.rtt_ms, None]) for place in PLACES.values()]
    run = history(*troubles, experiment="users_of_the_world", ways=ways, clients=1000, **more)
    where = np.arange(len(run.arrivals)) % len(PLACES)
    later_s = np.array([place.rtt_ms for place in PLACES.values()])[where] / 1000
    names = np.array(list(PLACES), dtype=object)[where]
    return replace(run, arrivals=replace(run.arrivals, place=names, ended_s=run.arrivals.ended_s + later_s))


def abused(limited: float = 0.9, **more: Any) -> History:
    """Every third arrival is the abuser's, and this share of them is answered 429."""
    run = history(experiment="abusive_client", clients=1000, abuser_per_s=100.0, **more)
    size = len(run.arrivals)
    mine = np.arange(size) % 3 == 0
    refused = mine & (np.random.default_rng(1).random(size) < limited)
    outcome = np.where(refused, Outcome.LIMITED.value, run.arrivals.outcome).astype(object)
    classes = np.where(mine, "abuser", "users").astype(object)
    return replace(run, arrivals=replace(run.arrivals, outcome=outcome, client_class=classes))


def climbing(*troubles: Trouble, rates: tuple[float, ...] = (10, 20, 30, 40), **more: Any) -> History:
    stretches = [Stretch(rate, 10.0 * k, 10.0 * (k + 1)) for k, rate in enumerate(rates)]
    given = {"experiment": "capacity", "duration_s": 10.0 * len(rates), "stretches": stretches, "clients": 1000}
    return history(*troubles, **{**given, **more})


def test_latency_is_told_by_place() -> None:
    run = of_the_world(latency_s=0.1, spread=0.01)
    near, far = (asked("latency", [run], place, percentile=50) for place in ("virginia", "tokyo"))
    assert near.value == pytest.approx(0.101, abs=0.01)
    assert far.value == pytest.approx(0.245, abs=0.01)
    assert near.count + far.count == pytest.approx(len(run.counted()) / 2, abs=4)


def test_availability_is_told_by_place() -> None:
    run = of_the_world()
    bad = run.arrivals.place == "frankfurt"
    outcome = np.where(bad, Outcome.RESET.value, run.arrivals.outcome).astype(object)
    run = replace(run, arrivals=replace(run.arrivals, outcome=outcome))
    assert asked("availability", [run], "frankfurt").value == 0
    assert asked("availability", [run], "tokyo").value == 1
    assert asked("availability", [run]).value == pytest.approx(0.75, abs=0.01)


def test_the_harm_of_a_fault_is_told_by_place() -> None:
    run = of_the_world()
    on_s, off_s = 10.0, 20.0
    due_s = run.arrivals.due_s
    bad = (run.arrivals.place == "frankfurt") & (due_s >= on_s) & (due_s < off_s)
    outcome = np.where(bad, Outcome.RESET.value, run.arrivals.outcome).astype(object)
    arrivals = replace(run.arrivals, outcome=outcome, ended_s=np.where(bad, due_s, run.arrivals.ended_s))
    run = replace(run, arrivals=arrivals, record=replace(run.record, faults=[fault(on_s, off_s)]))
    assert asked("availability_under_fault", [run], "frankfurt").value == 0
    assert asked("availability_under_fault", [run], "tokyo").value == 1
    lost = {part["place"]: part["lost_s"] for part in summary_of(run)["runs"][0]["places"]}
    assert lost.pop("frankfurt") == pytest.approx(10, abs=0.2)
    assert set(lost.values()) == {0.0}


def test_the_place_that_fares_best_is_another_one_in_each_run() -> None:
    runs = []
    for well in ("tokyo", "virginia"):
        run = of_the_world()
        bad = (run.arrivals.place != well) | (run.arrivals.due_s < 3)
        outcome = np.where(bad, Outcome.RESET.value, run.arrivals.outcome).astype(object)
        runs.append(replace(run, arrivals=replace(run.arrivals, outcome=outcome)))
    shares = [asked("availability", [run], place).value for run, place in zip(runs, ("tokyo", "virginia"), strict=True)]
    assert min(shares) > 0.5 and max(shares) < 1
    best = asked("availability_of_best_place", runs)
    assert min(shares) <= best.value <= max(shares)
    assert best.count == pytest.approx(sum(len(run.counted()) for run in runs) / 4, abs=4)


def test_a_run_without_places_says_nothing_of_one() -> None:
    assert asked("availability_of_best_place", [history()]).value is None
    assert asked("latency", [history()], "tokyo").value is None


def test_an_abuser_counts_in_no_figure_of_the_users() -> None:
    run = abused()
    measured = asked("availability", [run])
    assert (measured.value, measured.count) == (1.0, int(np.sum(run.counted().client_class == "users")))
    limited = asked("limited_share", [run])
    assert limited.value == pytest.approx(0.9, abs=0.05)
    assert limited.count == int(np.sum(run.counted().client_class == "abuser"))


def test_a_user_who_is_refused_undeservedly_is_a_failure() -> None:
    run = history(Trouble(5, 10, Outcome.LIMITED), clients=1000)
    assert asked("availability", [run]).value == pytest.approx(1 - 5 / 38, abs=0.02)


def test_in_an_older_run_a_refused_client_is_left_out() -> None:
    run = history(Trouble(5, 10, Outcome.LIMITED))
    assert asked("availability", [run]).value == 1
    assert len(scheduled(run)) < len(run.counted())


def test_where_there_is_no_abuser_nothing_is_said_of_one() -> None:
    assert asked("limited_share", [history(clients=1000)]).value is None


def test_the_capacity_lies_between_the_last_step_that_held_and_the_first_that_broke() -> None:
    measured = asked("capacity", [climbing(Trouble(25, 30))])
    assert (measured.value, measured.low, measured.high, measured.unit) == (20, 20, 30, "arrivals/s")
    assert measured.because.startswith("At 30/s the good share was ")


def test_slow_answers_break_a_step_too() -> None:
    slow = Trouble(10, 40, Outcome.OK, after_s=6.0)
    measured = asked("capacity", [climbing(slow)])
    assert (measured.value, measured.high) == (10, 20)
    assert measured.because == "At 20/s the latency (p95) was 6 s, not 5 s."
    assert asked("capacity", [climbing(slow)], within_s=7.0).value == 40


def test_a_step_that_holds_after_one_that_broke_does_not_count() -> None:
    assert asked("capacity", [climbing(Trouble(12, 14))]).value == 10


def test_when_every_step_held_the_capacity_has_no_upper_bound() -> None:
    measured = asked("capacity", [climbing()])
    assert (measured.value, measured.low, measured.high) == (40, 40, float("inf"))
    assert measured.because == "Every step up to 40/s held."


def test_when_the_first_step_broke_nothing_held() -> None:
    measured = asked("capacity", [climbing(Trouble(0, 5))])
    assert (measured.value, measured.high) == (0, 10)


def test_of_several_runs_the_worst_and_the_best_bound_the_capacity() -> None:
    runs = [climbing(Trouble(start, start + 5), repeat=k) for k, start in enumerate((15, 25, 35), start=1)]
    measured = asked("capacity", runs)
    assert (measured.value, measured.low, measured.high) == (20, 10, 40)


def test_a_run_that_does_not_climb_has_no_capacity() -> None:
    assert asked("capacity", [history()]).value is None


def test_the_time_to_mitigation_is_that_of_a_fail_over() -> None:
    faults = [fault(8.0, 20.0)]
    runs = [history(Trouble(8, 8 + took), faults=faults, repeat=k) for k, took in enumerate((3, 4, 5), start=1)]
    assert asked("mitigation", runs).value == pytest.approx(4, abs=0.3)


def test_a_fail_over_that_did_not_come_is_censored_and_not_left_out() -> None:
    measured = asked("mitigation", [history(Trouble(8, 21), faults=[fault(8.0, 20.0)])])
    assert (measured.value, measured.high, measured.count) == (float("inf"), float("inf"), 1)
    assert "Not mitigated while they were on: 1 fault." in measured.because


def summary_of(*runs: History) -> dict[str, Any]:
    verdicts = judge(Claims(schema=1, source="seed.md", claims=(claim(),)), runs)
    return build_summary(campaign(), runs, verdicts)


def test_the_summary_tells_of_places_steps_and_the_abuser() -> None:
    world, climb, abuse = summary_of(of_the_world(), climbing(Trouble(25, 30)), abused())["runs"]
    assert [part["place"] for part in world["places"]] == list(PLACES)
    assert world["places"][3]["added_ms"] == [145.3, None]
    assert sum(part["scheduled"] for part in world["places"]) == world["scheduled"]
    assert [part["per_s"] for part in climb["steps"]] == [10, 20, 30, 40]
    assert climb["steps"][2]["availability"]["value"] < 0.7 < climb["steps"][3]["availability"]["value"]
    assert sum(part["scheduled"] for part in climb["steps"]) == climb["scheduled"]
    assert abuse["abuser"]["limited"] == abuse["abuser"]["outcomes"]["limited"] > 0
    assert abuse["limited"] == 0 and "limited" not in abuse["outcomes"]
    assert abuse["scheduled"] + abuse["abuser"]["scheduled"] == 760
    for run in (world, climb, abuse):
        RunPart.model_validate(run)


def test_a_summary_of_an_older_run_has_none_of_the_new_keys() -> None:
    run = summary_of(history())["runs"][0]
    assert not {"clients", "places", "steps", "abuser"} & set(run)


@pytest.mark.parametrize("render", [render_markdown, render_html])
def test_reports_show_places_steps_and_the_abuser_where_there_are_any(render: Any) -> None:
    runs = [of_the_world(), climbing(), abused()]
    text = render(summary_of(*runs), runs)
    assert "sao-paulo" in text and "145 ms, no answer" in text
    assert "40/s" in text
    assert "One client sent 100/s beside the others" in text
    plain = render(summary_of(history()), [history()])
    assert "sao-paulo" not in plain and "One client sent" not in plain


def test_stored_runs_with_places_and_an_abuser_are_judged_again_to_the_same_bytes(tmp_path: Path) -> None:
    asked_of = claim(experiment="users_of_the_world", check="latency", at_most=5.0, place="tokyo")
    claims = Claims(schema=1, source="seed.md", claims=(asked_of,))
    folder = stored_campaign(tmp_path / "c", claims, [of_the_world(), abused(), climbing()])
    rejudge(folder)
    first = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    rejudge(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == first
    found = json.loads(first["summary.json"])
    assert found["claims"][0]["verdict"] == Verdict.HELD
    assert found["runs"][1]["abuser"]["limited"] > 0


def test_a_run_record_of_before_there_were_clients_is_read(tmp_path: Path) -> None:
    claims = Claims(schema=1, source="seed.md", claims=(claim(),))
    folder = stored_campaign(tmp_path / "c", claims, [history(Trouble(5, 10, Outcome.LIMITED))])
    path = folder / "runs" / "control-1" / "run.json"
    stored = json.loads(path.read_text())
    for key in ("clients", "stretches", "ways", "abuser_per_s"):
        del stored[key]
    path.write_text(json.dumps(stored))
    run = rejudge(folder)["runs"][0]
    assert run["availability"]["value"] == 1 and run["limited"] > 0
