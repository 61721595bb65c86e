"""Who is asked first: decisions alone, by a clock that is a number."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from targets.chat.resilience.order import ConfiguredOrder, HealthOrder

NAMES = ["openai", "anthropic", "gemini"]
PROBE_S = 5.0
NOBODY: frozenset[str] = frozenset()


class Subject(HealthOrder):
    """An order of three, and the time."""

    def __init__(self) -> None:
        super().__init__(NAMES, PROBE_S)
        self.s = 100.0

    def calls(self, name: str, *good: bool, pace: float = 0.2) -> None:
        for one in good:
            self.learn(name, self.s, good=one, pace=pace if one else None)

    def asked(self, resting: frozenset[str] = NOBODY) -> list[str]:
        return self.next_question(self.s, resting)


@pytest.fixture
def order() -> Subject:
    return Subject()


def test_as_configured_whatever_happens() -> None:
    order = ConfiguredOrder(NAMES)
    for _ in range(20):
        order.learn("openai", 1.0, good=False)
    assert order.standing({"openai"}) == order.next_question(2.0, {"openai"}) == NAMES


def test_while_all_are_well_the_configured_order_holds(order: Subject) -> None:
    assert order.standing(NOBODY) == order.asked() == NAMES
    order.calls("gemini", *[True] * 30, pace=0.05)
    order.calls("openai", *[True] * 30, pace=0.4)
    assert order.asked() == NAMES, "slower, but not too slow"


def test_one_failure_is_an_accident_and_two_in_a_row_send_back(order: Subject) -> None:
    order.calls("openai", True, False, True, True, True)
    assert order.standing(NOBODY) == NAMES
    order.calls("openai", False, False)
    assert order.standing(NOBODY) == ["anthropic", "gemini", "openai"]


def test_who_is_slow_goes_back_though_it_never_fails(order: Subject) -> None:
    order.calls("openai", *[True] * 3, pace=0.2)
    order.calls("openai", *[True] * 8, pace=0.9)
    assert order.standing(NOBODY) == ["anthropic", "gemini", "openai"]


def test_who_is_as_bad_as_all_the_others_does_not_stand_back(order: Subject) -> None:
    for _ in range(10):
        for name in NAMES:
            order.calls(name, False)
    assert order.standing(NOBODY) == NAMES
    order.calls("gemini", *[True] * 10)
    assert order.standing(NOBODY) == ["gemini", "openai", "anthropic"], "the one that is well goes before them"


def test_when_all_turn_out_to_be_slow_the_first_one_comes_back(order: Subject) -> None:
    for _ in range(3):
        first = order.standing(NOBODY)[0]
        order.calls(first, *[True] * 20, pace=0.9)
    assert order.standing(NOBODY) == NAMES


def test_who_rests_comes_last_and_is_not_probed(order: Subject) -> None:
    order.calls("openai", *[False] * 5)
    order.s += 2 * PROBE_S
    assert order.asked(frozenset({"openai", "anthropic"})) == ["gemini", "anthropic", "openai"]
    order.calls("anthropic", False, False)
    assert order.standing({"anthropic"}) == ["gemini", "openai", "anthropic"]


def test_a_probe_is_one_question_at_a_time(order: Subject) -> None:
    order.calls("openai", False, False)
    assert order.asked()[0] == "anthropic"
    order.s += PROBE_S
    assert order.asked() == ["openai", "anthropic", "gemini"]
    assert order.standing(NOBODY) == ["anthropic", "gemini", "openai"], "a probe changes no rank"
    assert order.asked()[0] == order.asked()[0] == "anthropic", "nobody else while it is under way"


def test_one_question_probes_one_provider(order: Subject) -> None:
    order.calls("openai", False, False)
    order.calls("anthropic", False, False)
    order.s += PROBE_S
    assert order.asked() == ["openai", "gemini", "anthropic"]
    assert order.asked() == ["anthropic", "gemini", "openai"]
    assert order.asked() == ["gemini", "openai", "anthropic"]


def test_a_good_probe_is_followed_sooner_and_a_bad_one_is_not(order: Subject) -> None:
    order.calls("openai", *[False] * 5)
    for good, wait_s in ((False, PROBE_S), (True, PROBE_S / 5), (False, PROBE_S)):
        order.calls("openai", good)
        order.s += wait_s - 0.01
        assert order.asked()[0] == "anthropic"
        order.s += 0.01
        assert order.asked()[0] == "openai"


def test_a_probe_whose_reader_left_is_made_again(order: Subject) -> None:
    order.calls("openai", False, False)
    order.s += PROBE_S
    assert order.asked()[0] == "openai"  # and nothing is learnt from it
    order.s += PROBE_S
    assert order.asked()[0] == "openai"


def test_it_comes_back_after_nine_good_probes_of_an_outage(order: Subject) -> None:
    order.calls("openai", *[False] * 5)
    order.s += PROBE_S
    began, probes = order.s, 0
    while order.standing(NOBODY)[0] != "openai":
        if order.asked()[0] == "openai":
            order.calls("openai", True)
            probes += 1
        order.s += 0.1
    assert probes == 9
    assert order.s - began < 10


def test_going_back_takes_more_than_coming_back(order: Subject) -> None:
    """A provider that fails one call in ten is left where it is, and one that has gone back does not flutter."""
    luck, places = random.Random(7), []
    for _ in range(3000):
        order.calls("openai", luck.random() >= 0.1)
        places.append(order.standing(NOBODY).index("openai"))
    changes = sum(before != after for before, after in pairwise(places))
    assert places.count(0) > 0.7 * len(places)
    assert changes < 0.05 * len(places)


def test_one_provider_alone_has_nobody_to_stand_back_behind() -> None:
    alone = HealthOrder(["openai"], PROBE_S)
    for _ in range(5):
        alone.learn("openai", 1.0, good=False)
    assert alone.next_question(2.0, NOBODY) == ["openai"]
