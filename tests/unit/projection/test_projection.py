"""A projected year against a closed form, against a brute-force simulation, and what may be said of a claim."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from harness.claims import Claim
from harness.errors import ConfigError
from harness.projection.incidents import Incident, Length, Range, WhatIf, load_incidents, parse_what_if
from harness.projection.measured import Background, Cost, Costed
from harness.projection.project import _judged, _unseen
from harness.projection.simulate import YEAR_S, Years, expected_s, simulate
from harness.verdict import Verdict

QUIET = Background(0, 1000)


def incident(per_year: Range, minutes: Length | None = None, severity: float = 1.0) -> Incident:
    return Incident(
        id="storm",
        what="A storm",
        experiments=("storm",),
        per_year=per_year,
        minutes=minutes,
        severity=severity,
        source="made up",
    )


def fixed(rate: float) -> Range:
    return Range(likely=rate, low=rate, high=rate)


def row(what: Incident, *costs: Cost, times: int = 1) -> Costed:
    return Costed(what, "storm", times, costs)


def test_with_everything_certain_a_year_is_poisson_times_the_cost() -> None:
    years = simulate([row(incident(fixed(4.0)), Cost("r", 30.0, 0, 0))], QUIET, seed=1, years=200_000)
    assert float(np.mean(years.lost_s)) == pytest.approx(4 * 30, rel=0.01)
    assert float(np.var(years.lost_s)) == pytest.approx(4 * 30**2, rel=0.02)
    assert float(np.mean(years.lost_s == 0)) == pytest.approx(math.exp(-4), rel=0.05)


def test_the_mean_is_that_of_the_closed_form_with_everything_uncertain() -> None:
    what = incident(Range(likely=6, low=2, high=18), Length(median=20, p90=60), severity=0.4)
    one = row(what, Cost("a", 12.0, 10, 200), Cost("b", 20.0, 30, 200), times=2)
    years = simulate([one], QUIET, seed=3, years=300_000)
    assert float(np.mean(years.by_incident["storm"])) == pytest.approx(expected_s(one), rel=0.02)
    # By hand: mean rate, mean length and mean share, each of its own distribution.
    rate = 2 * 6 * math.exp((math.log(18 / 2) / (2 * 1.959964)) ** 2 / 2)
    length = 60 * 20 * math.exp((math.log(3) / 1.281552) ** 2 / 2)
    share = (10.5 / 201 + 30.5 / 201) / 2
    assert expected_s(one) == pytest.approx(rate * 0.4 * (16 + share * length), rel=1e-6)


def test_it_agrees_with_one_year_after_another_drawn_by_hand() -> None:
    what = incident(Range(likely=3, low=1, high=9), Length(median=30, p90=120))
    one = row(what, Cost("a", 5.0, 2, 40), Cost("b", 60.0, 20, 40))
    drawn = simulate([one], QUIET, seed=5, years=100_000).by_incident["storm"]
    by_hand = _by_hand(one, years=20_000)
    for q in (0.5, 0.9, 0.975):
        assert float(np.quantile(drawn, q)) == pytest.approx(float(np.quantile(by_hand, q)), rel=0.08)


def _by_hand(one: Costed, years: int) -> list[float]:
    """The model's definition, incident by incident, without any of the arrays."""
    rng, lost = np.random.default_rng(17), []
    rate, minutes = one.incident.per_year, one.incident.minutes
    assert minutes is not None
    for _ in range(years):
        believed = [one.costs[rng.integers(len(one.costs))] for _ in one.costs]
        shares = [rng.beta(cost.bad + 0.5, cost.total - cost.bad + 0.5) for cost in believed]
        total = 0.0
        for _ in range(rng.poisson(rate.likely * math.exp(rate.sigma * rng.standard_normal()))):
            which = rng.integers(len(believed))
            total += believed[which].once_s
            total += shares[which] * 60 * minutes.median * math.exp(minutes.sigma * rng.standard_normal())
        lost.append(total)
    return lost


def test_a_year_loses_no_more_than_a_year() -> None:
    years = simulate([row(incident(fixed(1000.0)), Cost("r", 1e6, 0, 0))], QUIET, seed=1, years=1000)
    assert float(years.availability.min()) == 0.0


def test_the_same_seed_draws_the_same_years_and_another_row_changes_none_of_them() -> None:
    one = row(incident(fixed(4.0)), Cost("r", 30.0, 0, 0))
    other = replace(one, incident=one.incident.model_copy(update={"id": "calm"}))
    alone = simulate([one], QUIET, seed=9, years=1000).by_incident["storm"]
    again = simulate([one, other], QUIET, seed=9, years=1000).by_incident["storm"]
    assert np.array_equal(alone, again)


def yearly(at_least: float) -> Claim:
    return Claim(
        id="year",
        quote="q",
        line=1,
        claimed="It is available.",
        kind="strength",
        experiment="control",
        check="availability",
        at_least=at_least,
        yearly=True,
    )


def years_losing(*lost_s: float) -> Years:
    return Years({"storm": np.array(lost_s)}, 0.0)


def test_a_claim_is_not_held_on_what_the_control_runs_were_too_short_to_see() -> None:
    drawn = years_losing(*[0.0] * 100)
    assert _judged(yearly(0.999), drawn, unseen_minutes=2645.0).verdict is Verdict.INCONCLUSIVE
    assert _judged(yearly(0.999), drawn, unseen_minutes=100.0).verdict is Verdict.HELD
    assert _judged(yearly(0.999), drawn, unseen_minutes=None).verdict is Verdict.INCONCLUSIVE


def test_a_claim_that_years_break_is_refuted_and_one_that_some_break_is_open() -> None:
    bad, good = 0.01 * YEAR_S, 0.0
    assert _judged(yearly(0.999), years_losing(*[bad] * 100), 0.0).verdict is Verdict.REFUTED
    assert _judged(yearly(0.999), years_losing(*[bad] * 50, *[good] * 50), 0.0).verdict is Verdict.INCONCLUSIVE


def test_without_any_measured_incident_nothing_is_decided() -> None:
    assert _judged(yearly(0.5), Years({}, 0.0), 0.0).verdict is Verdict.INCONCLUSIVE


def test_what_was_not_seen_shrinks_with_more_requests() -> None:
    few, many = _unseen(Background(0, 760)), _unseen(Background(0, 760_000))
    assert few is not None
    assert many is not None
    assert 1000 < few < 5000
    assert many < few / 500
    assert _unseen(Background(0, 0)) is None


def test_what_if_multiplies_rate_and_length_and_keeps_the_rest() -> None:
    what = incident(Range(likely=2, low=1, high=4), Length(median=10, p90=20))
    changed = WhatIf({"storm": 2.0}, {"storm": 0.5}, {}).applied(what)
    assert changed.per_year == Range(likely=4, low=2, high=8)
    assert changed.minutes == Length(median=5, p90=10)
    assert WhatIf({}, {}, {}).applied(what) == what


@pytest.mark.parametrize(
    ("given", "says"), [("storm=2y", "is not understood"), ("storm", "is not understood"), ("strom=2x", "storm")]
)
def test_a_factor_that_cannot_be_read_is_named(given: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        parse_what_if("--rate", [given], ["storm"])
    assert parse_what_if("--rate", ["storm=2x", "storm=3"], ["storm"]) == {"storm": 3.0}


def test_every_incident_of_the_file_has_a_source_and_experiments_that_exist() -> None:
    from harness.experiment import known_experiments

    waiting = {"two_providers_outage", "bad_deploy_errors"}
    for one in load_incidents():
        assert len(one.source) > 20
        assert set(one.experiments) <= set(known_experiments()) | waiting
