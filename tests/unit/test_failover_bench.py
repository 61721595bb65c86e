"""The judge of the failover bench: a pause lies between two acknowledged rows, and no failure is forgotten."""

import pytest

from tests.bench.database_lab import Write
from tests.bench.failover import look, table


def writes(down: tuple[float, float], until: float = 60.0) -> list[Write]:
    """Ten writes a second, each answered after 0.01 s, none of those that begin while the database is down."""
    made = []
    for n in range(round(until * 10)):
        began = n / 10
        ok = not down[0] <= began < down[1]
        made.append(Write(n, began, began + 0.01, ok, "" if ok else "refused"))
    return made


def test_the_pause_ends_with_the_first_row_that_is_acknowledged_again() -> None:
    seen = look(writes(down=(20.0, 39.0)), fault=20.0, settled=50.0)
    assert seen.again_s == pytest.approx(19.01)
    assert seen.pause_s == pytest.approx(19.1)
    assert (seen.refused, seen.rejoined_s) == (190, 30.0)


def test_a_pause_that_never_ends_is_as_long_as_one_looked() -> None:
    assert look(writes(down=(20.0, 60.0)), fault=20.0, settled=50.0).again_s == 30.0


def test_without_harm_nothing_had_to_come_back() -> None:
    seen = look(writes(down=(0.0, 0.0)), fault=20.0, settled=50.0)
    assert (seen.again_s, seen.refused) == (0.0, 0)


def test_the_table_keeps_the_ways_apart_and_shows_the_range() -> None:
    found = [
        {"scenario": "pause", "way": way, "again_s": again, "refused": 7, "rejoined_s": 30.0}
        for way, again in (("libpq", 19.0), ("libpq", 21.0), ("libpq", 20.0), ("haproxy", 25.0))
    ]
    lines = table(found).splitlines()
    assert [line.split(" | ")[1:4] for line in lines[2:]] == [
        ["libpq", "3", "20.0 s (19.0 to 21.0)"],
        ["haproxy", "1", "25.0 s (25.0 to 25.0)"],
    ]
