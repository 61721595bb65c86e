"""When the machine itself was the bottleneck: only what lasts is said, and only of the counted window."""

from __future__ import annotations

import pytest

from harness.overload import overloads


def rows(busy: str, **more: float) -> list[dict[str, float | None]]:
    """A second for each letter: B is busy, - is not; '?' is not known."""
    share = {"B": 0.97, "-": 0.5, "?": None}
    return [{"t_s": k + 1.0, "cpu_busy": share[letter], **more} for k, letter in enumerate(busy)]


@pytest.mark.parametrize("busy", ["", "----------", "BBBB-BBBB-BBBB", "BBBB?BBBB", "??????????"])
def test_what_does_not_last_is_no_overload(busy: str) -> None:
    assert overloads(rows(busy), 60) == []


def test_what_lasts_is_said_with_its_time() -> None:
    (said,) = overloads(rows("---BBBBBB--B-"), 60)
    assert said == "all processors were at least 95 % busy for 7 of 13 s, for 6 s in a row from 3 s on"


def test_warm_up_and_drain_do_not_count() -> None:
    early = [{"t_s": t_s, "cpu_busy": 1.0} for t_s in (-4.0, -3.0, -2.0, -1.0, 0.0)]
    assert overloads([*early, *rows("BB--------")], 10) == []
    assert overloads(rows("----BBBBBBB"), 8) == []


def test_memory_and_the_hypervisor_are_looked_at_too() -> None:
    said = overloads(rows("-----", memory_some=0.5, steal=0.11), 60)
    assert [each.split(" for ")[0] for each in said] == [
        "somebody waited",
        "the hypervisor took at least 10 % of the processors away",
    ]
    assert overloads(rows("-----", memory_some=0.19, steal=0.09), 60) == []
