"""Outages found without knowing where they are."""

import numpy as np
import pytest

from harness.calibration.edges import found_outages, sightings
from harness.calibration.truth import Outage

due_s = np.arange(0.0, 20.0, 0.01) + 0.003


def good_except(*windows):
    good = np.ones(len(due_s), dtype=np.bool_)
    for start, end in windows:
        good &= ~((due_s >= start) & (due_s < end))
    return good


def test_edges_lie_between_two_arrivals():
    (one,) = found_outages(due_s, good_except((5, 5.1)), 20)
    assert one.start_s == pytest.approx(4.998)
    assert one.end_s == pytest.approx(5.098)


def test_one_or_two_stray_failures_are_no_outage():
    assert found_outages(due_s, good_except((5, 5.02)), 20) == []
    assert found_outages(due_s, good_except(), 20) == []


def test_a_stray_success_does_not_cut_an_outage_in_two():
    good = good_except((5, 6))
    good[550] = True
    assert len(found_outages(due_s, good, 20)) == 1
    assert len(found_outages(due_s, good_except((5, 6), (6.04, 7)), 20)) == 2


def test_an_outage_at_either_end_reaches_to_it():
    first, last = found_outages(due_s, good_except((0, 1), (19, 20)), 20)
    assert (first.start_s, last.end_s) == (0.0, 20)


@pytest.mark.parametrize(
    ("seen_at", "expected"),
    [((5.0, 6.0), True), ((5.09, 6.0), True), ((5.2, 6.0), False), ((5.0, 6.2), False), ((8.0, 9.0), False)],
)
def test_seen_means_that_both_edges_are_where_they_were(seen_at, expected):
    found = found_outages(due_s, good_except(seen_at), 20)
    (one,) = sightings([Outage(5, 6, "hang")], found, bound_ms=110)
    assert one.seen is expected


def test_errors_are_signed_and_missing_where_nothing_was_found():
    found = found_outages(due_s, good_except((5.05, 5.9)), 20)
    near, none = sightings([Outage(5, 6, "hang"), Outage(10, 11, "hang")], found, bound_ms=110)
    assert near.start_error_ms == pytest.approx(48, abs=6)
    assert near.end_error_ms == pytest.approx(-102, abs=6)
    assert (none.start_error_ms, none.end_error_ms, none.seen) == (None, None, False)
