"""The breaker opens, lets one probe through, closes; and learns nothing from calls that tell nothing."""

from __future__ import annotations

import pytest

from targets.chat.resilience.breaker import NEVER, Breaker, BreakerState, Permit

ERROR = RuntimeError("failed")


class Clock:
    """Seconds, as set."""

    s = 100.0

    def __call__(self) -> float:
        return self.s


class Subject(Breaker):
    """A breaker that opens after 3 failures for 5 s, its clock, and the states that it went to."""

    def __init__(self, failures: int = 3) -> None:
        self.time = Clock()
        self.seen: list[BreakerState] = []
        super().__init__("openai", failures, 5.0, self.seen.append, self.time)

    def entered(self) -> Permit:
        permit = self.enter()
        assert permit is not None
        return permit

    def opened(self) -> Subject:
        for _ in range(3):
            self.failed(self.entered(), ERROR)
        assert self.state == "open"
        return self

    def half_opened(self) -> Permit:
        self.opened()
        self.time.s += 5.0
        return self.entered()


@pytest.fixture
def breaker() -> Subject:
    return Subject()


def test_it_opens_after_so_many_failures_in_a_row(breaker: Subject) -> None:
    for good in (False, False, True, False, False):
        permit = breaker.entered()
        breaker.succeeded(permit) if good else breaker.failed(permit, ERROR)
    assert (breaker.state, breaker.seen) == ("closed", [])
    breaker.failed(breaker.entered(), ERROR)
    assert (breaker.state, breaker.seen) == ("open", ["open"])


def test_failures_at_the_same_time_are_in_a_row_too(breaker: Subject) -> None:
    for permit in [breaker.entered() for _ in range(3)]:
        breaker.failed(permit, ERROR)
    assert breaker.state == "open"


def test_open_it_lets_nobody_through_until_its_time_is_over(breaker: Subject) -> None:
    breaker.opened()
    assert breaker.rest_s == 5.0
    breaker.time.s += 4.999
    assert not breaker.admits()
    assert breaker.enter() is None
    assert breaker.rest_s == pytest.approx(0.001)
    breaker.time.s += 0.001
    assert breaker.admits()
    assert breaker.enter() is not None
    assert breaker.state == "half_open"


def test_half_open_it_lets_one_probe_through_at_a_time(breaker: Subject) -> None:
    probe = breaker.half_opened()
    assert not breaker.admits()
    assert breaker.enter() is None
    breaker.succeeded(probe)
    assert breaker.seen == ["open", "half_open", "closed"]
    assert breaker.enter() and breaker.enter()


def test_a_failed_probe_opens_it_for_the_whole_time_again(breaker: Subject) -> None:
    probe = breaker.half_opened()
    breaker.time.s += 3.0
    breaker.failed(probe, ERROR)
    assert breaker.seen == ["open", "half_open", "open"]
    assert breaker.rest_s == 5.0


def test_once_closed_again_it_takes_as_many_failures_as_before(breaker: Subject) -> None:
    breaker.succeeded(breaker.half_opened())
    for _ in range(2):
        breaker.failed(breaker.entered(), ERROR)
    assert breaker.state == "closed"


def test_a_call_that_tells_nothing_neither_opens_nor_closes(breaker: Subject) -> None:
    breaker.failed(breaker.entered(), ERROR)
    breaker.failed(breaker.entered(), ERROR)
    for _ in range(9):
        breaker.dropped(breaker.entered())
    assert breaker.state == "closed"
    breaker.failed(breaker.entered(), ERROR)
    assert breaker.state == "open", "the two failures before are not forgotten"


def test_a_probe_that_tells_nothing_makes_way_for_another(breaker: Subject) -> None:
    breaker.dropped(breaker.half_opened())
    assert breaker.state == "half_open"
    second = breaker.entered()
    assert breaker.enter() is None
    breaker.succeeded(second)
    assert breaker.state == "closed"


@pytest.mark.parametrize("good", [True, False])
def test_what_began_before_it_opened_does_not_decide_about_it(breaker: Subject, good: bool) -> None:
    early = [breaker.entered() for _ in range(3)]
    probe = breaker.half_opened()
    for permit in early:
        breaker.succeeded(permit) if good else breaker.failed(permit, ERROR)
    assert breaker.state == "half_open"
    assert breaker.enter() is None, "the probe is still under way"
    breaker.succeeded(probe)
    assert breaker.state == "closed"


def test_a_breaker_that_never_opens() -> None:
    breaker = Subject(NEVER)
    for _ in range(1000):
        breaker.failed(breaker.entered(), ERROR)
    assert (breaker.state, breaker.seen) == ("closed", [])


def test_nothing_piles_up_inside(breaker: Subject) -> None:
    probe = breaker.half_opened()
    breaker.succeeded(probe)
    for _ in range(10):
        breaker.failed(breaker.entered(), ERROR)
        breaker.succeeded(breaker.entered())
    assert breaker._machine.messages == []
