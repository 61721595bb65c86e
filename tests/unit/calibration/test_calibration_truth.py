"""The truth of arrivals, from plan and script alone."""

import numpy as np
import pytest

from harness.calibration.suite import default_suite
from harness.calibration.truth import bad_share, true_good, true_outages
from tests.unit.calibration.scripts import episode, script

DUE = np.arange(0.0, 20.0, 0.01) + 0.003


def bad_between(good):
    bad = DUE[~good]
    return (round(float(bad[0]), 3), round(float(bad[-1]), 3), len(bad)) if len(bad) else None


@pytest.mark.parametrize("form", ["hang", "503", "cut", "truncated"])
def test_what_arrives_while_it_is_on_is_bad(form):
    assert bad_between(true_good(DUE, script(episode(form, 5, 2)))) == (5.003, 6.993, 200)


def test_slow_is_bad_only_beyond_the_deadline():
    assert bad_between(true_good(DUE, script(episode("slow", 5, 2, seconds=1.5)))) is None
    assert bad_between(true_good(DUE, script(episode("slow", 5, 2, seconds=2.5)))) == (5.003, 6.993, 200)
    patient = script(episode("slow", 5, 2, seconds=2.5), deadline_s=10.0)
    assert bad_between(true_good(DUE, patient)) is None


def test_a_closing_socket_takes_what_is_under_way_with_it():
    assert bad_between(true_good(DUE, script(episode("refused", 5, 2), service_s=0.05))) == (4.953, 6.993, 205)
    slow = script(episode("slow", 3, 1.5, seconds=1), episode("refused", 5, 2), service_s=0.0)
    good = true_good(DUE, slow)
    assert not good[(DUE > 4.0) & (DUE < 4.5)].any()
    assert good[(DUE > 3.0) & (DUE < 4.0)].all()
    assert good[(DUE > 4.5) & (DUE < 5.0)].all()


def test_shares_add_up_and_agree_with_the_arrivals():
    mine = script(
        episode("503", 2, 10, share=0.2),
        episode("slow", 4, 4, share=0.5, seconds=0.5),
        episode("hang", 6, 6, share=0.5),
        episode("refused", 7, 1),
    )
    assert bad_share(mine, 3) == pytest.approx(0.2)
    assert bad_share(mine, 6.2) == pytest.approx(0.2 + 0.8 * 0.5 * 0.5)
    assert bad_share(mine, 6.8) == pytest.approx(0.2 + 0.8 * 0.5 + 0.8 * 0.5 * 0.5)  # slow ones are broken off
    assert bad_share(mine, 7.5) == 1
    assert bad_share(mine, 15) == 0
    many = np.sort(np.random.default_rng(3).uniform(0, 20, 40_000))
    good = true_good(many, mine)
    for start, end in ((2.1, 3.9), (6.05, 6.4), (6.6, 6.95), (7.1, 7.9), (9, 11.9), (12.1, 19)):
        inside = (many > start) & (many < end)
        expected = np.mean([bad_share(mine, moment) for moment in np.linspace(start, end, 50)])
        assert np.mean(~good[inside]) == pytest.approx(expected, abs=0.05)


def test_outages_with_two_clear_edges_are_found():
    mine = script(
        episode("hang", 2, 1),
        episode("503", 3, 1),  # joins the first
        episode("cut", 8, 1, share=0.9),  # not total
        episode("503", 12, 1),
        episode("503", 13.1, 1),  # too near for either to have clear edges
        episode("503", 19, 1),  # lasts to the end
    )
    found = true_outages(mine, clear_s=0.3)
    assert [(o.start_s, o.end_s, o.form) for o in found] == [(2, 4, "hang+503")]


def test_the_default_suite_has_what_the_issue_asks_for():
    suite = {one.name: one for one in default_suite(7)}
    assert set(suite) == {"hang", "503", "refused", "slow", "cut", "truncated", "singles", "random", "mixture"}
    assert sum(one.duration_s for one in suite.values()) < 240
    lengths = [round(outage.lasts_s, 2) for outage in true_outages(suite["singles"], clear_s=0.3)]
    assert len(lengths) == len(suite["singles"].episodes)
    assert {0.1, 0.3, 3.0, 10.0, 30.0} <= set(lengths)
    assert len(true_outages(suite["random"], clear_s=0.3)) == 6
    assert suite["random"] != default_suite(8)[7]
    assert suite["random"] == default_suite(7)[7]


@pytest.mark.parametrize("seed", range(60))
def test_every_seed_gives_a_pattern_that_can_be_told(seed):
    random = default_suite(seed)[7]
    assert len(true_outages(random, clear_s=0.3)) == 6
