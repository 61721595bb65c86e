"""Numbers as people read them."""

from __future__ import annotations

import math

import pytest

from harness.wording import counted, percent, quantity, reach


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.95, "95 %"),
        (0.9793, "97.9 %"),
        (0.9999, "99.99 %"),
        (0.99996, "99.996 %"),
        (0.0004, "0.04 %"),
    ],
)
def test_a_percentage_never_rounds_to_certainty(share: float, text: str) -> None:
    assert percent(share) == text


def test_quantities_carry_their_unit() -> None:
    assert quantity(0.05, "share") == "5 %"
    assert quantity(2.3456, "s") == "2.346 s"
    assert quantity(math.inf, "s") == "without bound"
    assert reach(2.2, 5.0, "s") == "2.2 to 5 s"
    assert reach(0.1, 0.2, "share") == "10 % to 20 %"


def test_things_are_counted_in_their_number() -> None:
    assert [counted(1, "arrivals"), counted(1, "entries"), counted(1200, "messages")] == [
        "1 arrival",
        "1 entry",
        "1,200 messages",
    ]
