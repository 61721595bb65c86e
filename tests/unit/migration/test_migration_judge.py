"""Verdicts about a move whose truth is known, and the pages made of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.campaign_record import Git
from harness.history import Durability, History, Outcome
from harness.migration.copier import Round
from harness.migration.judge import judge
from harness.migration.page import html, markdown
from harness.migration.result import MigrationSummary
from harness.migration.steps import Moved
from harness.verdict import Verdict
from tests.fakes.histories import Hang, Trouble, history

ROUNDS = [Round("a", 40, 100, 100, 1.5), Round("b", 9, 20, 12, 0.4), Round("c", 45, 120, 3, 0.6)]
MOVED = Moved(ROUNDS, [10.0, 13.0, 21.0], 20.0, 21.0, 22.5, 22.6)


def judged(seen: History, moved: Moved = MOVED) -> MigrationSummary:
    return judge(seen, moved, "make migrate FROM=v1 TO=v2", git=Git("abc", False), versions={}, machine={"cores": "2"})


def run(*troubles: Trouble, lost: int = 0, unchecked: int = 0, **record: Any) -> History:
    return history(*troubles, phase="v1-v2", durability=Durability(500, lost, 0, 0, unchecked), **record)


def verdicts(summary: MigrationSummary) -> list[str]:
    return [claim.verdict.value for claim in summary.claims]


def test_a_move_that_nobody_notices_holds() -> None:
    found = judged(run(Hang(20.0, 22.6)))
    assert verdicts(found) == ["HELD", "HELD", "HELD"]
    assert (found.source, found.sink, found.verdict) == ("v1", "v2", Verdict.HELD)
    assert (found.moved_in_s, found.writes_held_s, found.writes_refused) == (12.5, 2.6, 0)
    assert [part.writes_stopped for part in found.rounds] == [False, False, True]


def test_every_arrival_is_in_one_span() -> None:
    whole, *parts = judged(run()).spans
    assert whole.arrivals == sum(part.arrivals for part in parts) == 760
    assert all(part.arrivals for part in parts)


def test_a_lost_message_refutes() -> None:
    assert verdicts(judged(run(lost=1))) == ["REFUTED", "HELD", "HELD"]


def test_a_message_that_could_not_be_looked_for_proves_nothing() -> None:
    assert verdicts(judged(run(unchecked=2)))[0] == "INCONCLUSIVE"


def test_refused_writes_are_counted_and_refute() -> None:
    seen = run(Trouble(21.0, 22.0, Outcome.HTTP_ERROR))
    refused = (seen.arrivals.due_s >= 21.0) & (seen.arrivals.due_s < 22.0)
    status = np.where(refused, 503, seen.arrivals.status)
    found = judged(History(seen.record, replace(seen.arrivals, status=status)))
    assert verdicts(found) == ["HELD", "REFUTED", "HELD"]
    assert found.writes_refused == int(refused.sum())
    assert 0.5 < found.refused_for_s < 1


def test_trouble_long_before_the_stop_is_not_blamed_on_it() -> None:
    assert verdicts(judged(run(Trouble(2.0, 4.0))))[1] == "HELD"


def test_users_who_were_not_switched_refute_and_the_reason_is_told() -> None:
    moved = Moved(ROUNDS[:2], [10.0, 13.0], because="The copy ended with 2.")
    found = judged(run(), moved)
    assert verdicts(found) == ["HELD", "INCONCLUSIVE", "REFUTED"]
    assert "The copy ended with 2." in markdown(found, run())


def test_a_switch_that_nobody_followed_is_no_switch_under_load() -> None:
    late = Moved(ROUNDS, [30.0, 31.0, 39.5], 39.0, 39.2, 40.0, 40.1)
    assert verdicts(judged(run(), late))[2] == "INCONCLUSIVE"


def test_a_void_run_holds_nothing() -> None:
    assert set(verdicts(judged(run(void_because=["it was late"])))) == {"INCONCLUSIVE"}


@pytest.mark.parametrize("render", [markdown, html])
def test_the_pages_say_what_was_found(render: Any) -> None:
    seen = run(Hang(20.0, 22.6), lost=3)
    page = render(judged(seen), seen)
    for words in (
        "v1 → v2",
        "REFUTED",
        "3 lost, 0 doubled",
        "2.60 s",
        "make migrate FROM=v1 TO=v2",
        "open during the stop",
    ):
        assert words in page
