"""Decisions of a target: asked for now and then, kept on the run's time axis with their reasons, and reported."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.clock import RunClock
from harness.decisions import Decider, DecisionWatch, deciders
from harness.errors import InstrumentError
from harness.history import BEGUN, Decision, Running, read_record, write_record
from harness.report.charts import run_chart
from harness.report.size import changes, decided, with_silences
from harness.report.write import render_html, render_markdown
from harness.scaling import news
from harness.summary import build_summary
from harness.target import Target, find_target
from tests.fakes.histories import campaign, history
from tests.fakes.lab import FakeStack

COMMAND = ("ask", "decisions?since={since}")


class Container:
    """Prints what the script says, one entry for each question; an exception is raised."""

    name = "autoscaler.1"

    def __init__(self, *answers: str | Exception) -> None:
        self._answers = list(answers)
        self.commands: list[tuple[str, ...]] = []
        self.asked = threading.Event()

    def run(self, command: tuple[str, ...], timeout_s: float = 10.0) -> str:
        self.commands.append(command)
        self.asked.set()
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Stack:
    """Holds these containers, whichever component is asked for."""

    def __init__(self, *containers: Container) -> None:
        self.there = list(containers)

    def containers(self, component: str) -> Sequence[Container]:
        return self.there


def said(clock: RunClock, at_s: float, service: str = "app-a", change: tuple[int, int] = (2, 2), **more: Any) -> Any:
    """One decision as the part prints it, `at_s` of the run."""
    current, desired = change
    return {"time": clock.t0_wall + at_s, "service": service, "current": current, "desired": desired} | {
        "reason": "on_target",
        **more,
    }


def page(*decisions: Any) -> str:
    return json.dumps({"decisions": decisions})


def watch_of(clock: RunClock, *containers: Container, every_s: float = 60.0) -> DecisionWatch:
    return DecisionWatch([Decider("autoscaler", COMMAND, Stack(*containers))], clock, every_s)


@pytest.fixture
def clock() -> RunClock:
    return RunClock.starting_in(3)  # the warm-up


def test_a_decision_is_kept_with_its_reason_and_its_load_on_the_runs_time_axis(clock: RunClock) -> None:
    load: dict[str, Any] = {"metric": 8.25, "target": 5, "ready": 2, "new": [1]}
    more: dict[str, Any] = {"reason": "above_target", "why": "more than wanted", **load}
    watch = watch_of(clock, Container(page(said(clock, 10.5, change=(2, 4), **more))))
    watch.look()
    assert watch.taken() == [
        Decision(10.5, "autoscaler", "app-a", 2, 4, "above_target", "more than wanted", measured=8.25, wanted=5)
    ]
    assert watch.notes() == []


def test_one_that_says_little_is_enough_and_words_fit_on_a_line(clock: RunClock) -> None:
    watch = watch_of(clock, Container(page(said(clock, 1, reason="a\nb\x1b", metric=None, applied=False))))
    watch.look()
    assert watch.taken() == [Decision(1, "autoscaler", "app-a", 2, 2, "a b", applied=False)]


def test_what_was_decided_before_the_run_is_left_out_and_not_even_asked_for(clock: RunClock) -> None:
    container = Container(page(said(clock, -60), said(clock, -2), said(clock, 1)))
    watch = watch_of(clock, container)
    watch.look()
    assert [one.t_s for one in watch.taken()] == [-2, 1]
    since = float(container.commands[0][1].removeprefix("decisions?since="))
    assert since == pytest.approx(clock.t0_wall - 3, abs=0.5)


def test_what_a_component_forgot_in_a_crash_is_kept_and_nothing_is_kept_twice(clock: RunClock) -> None:
    first, second, third = said(clock, 1), said(clock, 1, "app-b"), said(clock, 9)
    watch = watch_of(clock, Container(page(first, second), page(first, second), page(third)))
    for _ in range(3):
        watch.look()
    assert [(one.t_s, one.of) for one in watch.taken()] == [(1, "app-a"), (1, "app-b"), (9, "app-a")]


@pytest.mark.parametrize(
    ("containers", "why"),
    [
        ([Container(InstrumentError("it is gone."))], "it is gone."),
        ([Container("<html>")], "autoscaler.1 printed something else"),
        ([Container('{"decisions": [{"time": "noon"}]}')], "decisions.0.time"),
        ([Container('{"decisions": [{"time": NaN}]}')], "decisions.0.time"),
        ([], "no container of it is there."),
    ],
)
def test_what_is_not_answered_is_a_note(clock: RunClock, containers: list[Container], why: str) -> None:
    watch = watch_of(clock, *containers)
    watch.look()
    watch.look()
    assert watch.taken() == []
    (note,) = watch.notes()
    assert note.startswith("autoscaler did not say what it had decided (2 of 2 questions, 0.0 s): ") and why in note


def test_one_silence_among_answers_is_counted(clock: RunClock) -> None:
    watch = watch_of(clock, Container(page(), InstrumentError("paused."), page(said(clock, 2))))
    for _ in range(3):
        watch.look()
    assert "(1 of 3 questions, " in watch.notes()[0] and len(watch.taken()) == 1


def test_it_asks_while_the_block_lasts_and_once_more_at_its_end(clock: RunClock) -> None:
    container = Container(page())
    with watch_of(clock, container):
        assert container.asked.wait(10)
    assert len(container.commands) == 2
    with pytest.raises(KeyboardInterrupt), watch_of(clock, container):
        raise KeyboardInterrupt
    assert len(container.commands) <= 3, "a run that was interrupted does not wait for it"


def test_the_target_says_who_decides() -> None:
    (one,) = deciders(find_target("v2"), Stack())
    assert one.component == "autoscaler" and any("{since}" in word for word in one.command)
    assert deciders(find_target("v1"), Stack()) == []


def test_without_deciders_nothing_is_asked_and_nothing_noted(clock: RunClock, tmp_path: Path) -> None:
    target: Target = find_target("v1")
    stack: Any = FakeStack("http://127.0.0.1:1", tmp_path, lambda point: None)  # it has no containers to ask for
    with DecisionWatch(deciders(target, stack), clock) as watch:
        pass
    assert (watch.taken(), watch.notes()) == ([], [])


def decision(t_s: float, change: tuple[int, int], reason: str, of: str = "app-a", **more: Any) -> Decision:
    return Decision(t_s, "autoscaler", of, *change, reason, **more)


SPIKE = [
    decision(-2.0, (2, 2), "at_minimum", measured=0.4, wanted=5.0),
    decision(-2.0, (2, 2), "at_minimum", "app-b", measured=0.4, wanted=5.0),
    decision(4.0, (2, 2), "at_minimum", measured=0.6, wanted=5.0),
    decision(4.0, (2, 2), "at_minimum", "app-b", measured=0.6, wanted=5.0),
    decision(10.0, (2, 4), "above_target", why="more | than <wanted>", measured=8.25, wanted=5.0),
    decision(10.0, (2, 3), "above_target", "app-b", measured=8.25, wanted=5.0),
    decision(12.0, (4, 4), "at_maximum", measured=6.0, wanted=5.0),
    decision(12.0, (3, 4), "balancing", "app-b", measured=6.0, wanted=5.0, applied=False),
    decision(50.0, (4, 2), "below_target", measured=None, wanted=5.0),
]


def test_news_are_changes_and_new_reasons() -> None:
    assert [(one.t_s, one.of) for one in news(SPIKE)] == [
        (-2.0, "app-a"),
        (-2.0, "app-b"),
        (10.0, "app-a"),
        (10.0, "app-b"),
        (12.0, "app-a"),
        (12.0, "app-b"),
        (50.0, "app-a"),
    ]


def test_changes_at_one_moment_are_one_and_those_after_the_run_are_not_drawn() -> None:
    run = history(decisions=SPIKE)
    assert changes(run) == [
        {"at": 10.0, "before": 4, "after": 7, "label": "4 → 7: above target"},
        {"at": 12.0, "before": 7, "after": 8, "label": "7 → 8: balancing (not carried out)"},
    ]
    assert decided(run) == [(0.0, 4), (4.0, 4), (10.0, 7), (12.0, 8), (38.0, 6), (38.0, 6)]


def test_the_picture_shows_them_with_their_reasons_below_the_latency() -> None:
    run = history(decisions=SPIKE, replicas=[Running(-1.0, "app-a", 4), Running(14.0, "app-a", 7)])
    svg = run_chart(run, "c1", "A picture.")
    for wanted in ("4 → 7: above target", "7 → 8: balancing (not carried out)", "load measured", "instances running"):
        assert wanted in svg
    plain = run_chart(history(), "c1", "A picture.")
    assert "load measured" not in plain and "app instances" not in plain


def test_a_line_breaks_where_nothing_was_decided_for_long() -> None:
    assert with_silences([0, 2, 4, 20, 22], [1.0, None, 3.0, 4.0, 5.0]) == [
        (0, 1.0),
        (2, None),
        (4, 3.0),
        (12, None),
        (20, 4.0),
        (22, 5.0),
    ]
    assert with_silences([3], [1.0]) == [(3, 1.0)]


def test_a_picture_of_decisions_without_a_load_and_without_a_change() -> None:
    svg = run_chart(history(decisions=[decision(3.0, (2, 2), "idle")]), "c1", "A picture.")
    assert "instances decided on" in svg and "load measured" not in svg and "instances running" not in svg


@pytest.mark.parametrize("render", [render_markdown, render_html])
def test_reports_show_when_what_why_and_what_is_missing(render: Callable[..., str]) -> None:
    runs = [history(decisions=SPIKE, notes=["autoscaler did not say <all>"])]
    text = render(build_summary(campaign(), runs, []), runs)
    for wanted in ("2 → 4", "8.25, wanted 5", "unknown, wanted 5", "2, as before", "not carried out", "at minimum"):
        assert wanted in text
    escaped = render is render_html
    assert ("above target: more | than &lt;wanted&gt;" if escaped else r"above target: more \| than <wanted>") in text
    assert ("did not say &lt;all&gt;." if escaped else "Note: autoscaler did not say <all>.") in text
    plain = [history()]
    assert "as before" not in render(build_summary(campaign(), plain, []), plain)


def test_they_survive_the_disk_and_a_record_of_before_is_read(tmp_path: Path) -> None:
    record = replace(history(decisions=SPIKE, notes=["a note"]).record)
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    stored = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    del stored["decisions"], stored["notes"]
    (tmp_path / BEGUN).write_text(json.dumps(stored), encoding="utf-8")
    assert read_record(tmp_path, BEGUN).decisions == []
