"""Advice: the same answer for the same question, with its reasons; ties and contradictions are told."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from harness.advise.command import as_data, as_lines, seen_in, version_of, versions_of
from harness.advise.decide import SURE, TIE, Version, advise
from harness.advise.signs import SIGNS, Needs, read_signs
from harness.compare.matrix import build
from harness.compare.seed import SEED, seed_table
from tests.fakes.compared import two_versions

V1 = Version("v1", 150, (0, 100), (1, 2), hours_lost=(52, 30, 80), sla_chance=0.0)
V2 = Version("v2", 800, (100, 1000), (2, 5), hours_lost=(2, 0, 6), sla_chance=0.6)
V3 = Version("v3", 3000, (1000, 10000), (5, 15), hours_lost=(0.5, 0, 2), sla_chance=0.99)
V4 = Version("v4", 15000, (10000, None), (15, None), because="untested, there is no such target (yet)")
ALL = (V1, V2, V3, V4)


def needs(**changes: Any) -> Needs:
    return replace(Needs(users=50, downtime_cost=10, team=4), **changes)


# 12 x 150 + 52 x d, 12 x 800 + 2 x d, 12 x 3000 + 0.5 x d: v1 = v2 at d = 156, v2 = v3 at d = 17,600.
@pytest.mark.parametrize(
    ("asked", "phase", "fits"),
    [
        ({}, "v1", True),
        ({"downtime_cost": 0}, "v1", True),
        ({"downtime_cost": 150}, "v1", True),  # 9,600 and 9,900: the same within a twentieth
        ({"downtime_cost": 200}, "v2", True),
        ({"downtime_cost": 500}, "v2", True),
        ({"downtime_cost": 500, "team": 1}, "v1", True),  # v2 asks for two
        ({"downtime_cost": 50_000, "team": 10}, "v3", True),
        ({"downtime_cost": 50_000, "team": 4}, "v2", True),  # v3 asks for five
        ({"users": 100}, "v1", True),
        ({"users": 300}, "v2", True),
        ({"users": 300, "team": 1}, "v2", False),
        ({"users": 300, "budget": 500}, "v1", False),
        ({"users": 300, "budget": 800}, "v2", True),
        ({"users": 300, "budget": 100}, "v1", False),
        ({"users": 5000, "team": 10}, "v3", True),
        ({"users": 50_000, "team": 20}, "v3", False),  # v4 is untested, and never chosen
        ({"sla": 0.999, "team": 10}, "v3", True),
        ({"sla": 0.999, "team": 4}, "v3", False),
        ({"sla": 0.999, "team": 10, "budget": 1000}, "v1", False),
    ],
)
def test_the_choice(asked: dict[str, Any], phase: str, fits: bool) -> None:
    advice = advise(needs(**asked), ALL)
    assert (advice.phase, advice.fits) == (phase, fits)
    assert bool(advice.reasons)


def test_over_a_grid_it_is_the_same_each_time_and_obeys_its_own_rules() -> None:
    grid = itertools.product(
        (1, 50, 99, 100, 101, 1000, 20_000), (0, 155, 1e3, 1e5), (1, 2, 5, 20), (None, 0, 150, 799, 3000), (None, 0.999)
    )
    for users, cost, team, budget, sla in grid:
        asked = Needs(users, cost, team, budget, sla)
        advice = advise(asked, ALL)
        assert advice == advise(asked, ALL)
        chosen = next(version for version in ALL if version.phase == advice.phase)
        assert chosen.measured
        fitting = [
            v
            for v in (V1, V2, V3)
            if v.monthly <= (budget if budget is not None else 1e9)
            and (v.users[1] or 1e9) >= users
            and v.team[0] <= team
            and (sla is None or (v.sla_chance or 0) >= SURE)
        ]
        assert advice.fits == bool(fitting)
        if fitting:  # of those that fit, none costs less beyond a tie
            least = min(v.total(asked) or 0 for v in fitting)
            assert chosen in fitting
            assert (chosen.total(asked) or 0) <= least * (1 + TIE)


def test_a_tie_goes_to_the_simpler_one_and_is_told() -> None:
    advice = advise(needs(downtime_cost=156), ALL)
    assert advice.phase == "v1"
    assert any("v2 costs the same within 5 %" in reason and "line 195" in reason for reason in advice.reasons)


def test_contradictions_are_told() -> None:
    small = advise(needs(users=300, team=1), ALL).contradictions
    assert any("team is too small" in each and "line 189" in each for each in small)
    poor = advise(needs(users=300, budget=500, downtime_cost=500), ALL).contradictions
    assert any("does not bear 300 users" in each and "line 187" in each for each in poor)
    assert any("v2 would cost less" in each and "beyond the budget" in each for each in poor)
    broke = advise(needs(budget=100), ALL).contradictions
    assert any("too low" in each and "$150" in each for each in broke)
    alone = advise(needs(downtime_cost=5000, team=1), ALL).contradictions
    assert any("v2 would cost less" in each and "asks for 2 people" in each for each in alone)
    assert advise(needs(), ALL).contradictions == ("The seed's signs point to v2; the numbers say v1.",)


def test_what_was_not_measured_is_never_recommended_and_is_named() -> None:
    rich = needs(users=50_000, downtime_cost=1e6, team=30)
    advice = advise(rich, ALL)
    assert advice.by_signs == "v4"
    assert advice.phase == "v3"
    assert advice.missing == ("v4: untested, there is no such target (yet)",)
    assert any("v4, which was not measured" in each for each in advice.contradictions)
    nothing = advise(needs(), [replace(v, hours_lost=None, because="untested") for v in ALL])
    assert (nothing.phase, nothing.fits, len(nothing.missing)) == (None, False, 4)
    assert "none was measured" in as_lines(nothing)[0]


def test_what_does_not_fit_is_no_advice_while_the_simpler_one_was_not_measured() -> None:
    others = [v if v.phase == "v3" else replace(v, hours_lost=None, because="untested") for v in ALL]
    asked = needs(users=300, team=2)
    silent = advise(asked, others)
    assert (silent.phase, silent.fits, silent.by_signs) == (None, False, "v2")
    assert silent.contradictions[0] == "v3, the best of what was measured, does not fit, and v2 is simpler."
    assert as_lines(silent)[0] == "No version can be recommended: v2 was not measured. make experiment PHASE=v2"
    assert advise(needs(users=300, team=8), others).phase == "v3", "what fits may be taken"


def test_users_that_were_measured_not_to_be_served_do_not_count_as_borne() -> None:
    weak = replace(V2, served=330)
    assert advise(needs(users=300), (V1, weak, V3, V4)).phase == "v2"
    advice = advise(needs(users=400, team=10), (V1, weak, V3, V4))
    assert advice.phase == "v3"
    assert any("Not v2" in each and "330 were served" in each for each in advice.reasons)


def test_signs_are_quoted_word_for_word_and_seen_where_they_can_be() -> None:
    lines = SEED.read_text().splitlines()
    for sign in SIGNS:
        assert sign.quote in lines[sign.line - 1], sign
        assert sign.phase in seed_table()
    seen = {each.sign.line: each.applies for each in read_signs(Needs(300, 500, 4, 2000, 0.999), {162: True})}
    assert (seen[156], seen[157], seen[158], seen[162], seen[167], seen[173]) == (
        False,
        False,
        False,
        True,
        True,
        False,
    )
    assert seen[164] is None  # growth: only they can tell
    assert {each.sign.line: each.applies for each in read_signs(Needs(10, 0, 1), {})}[197] is None


def test_a_team_that_could_is_no_reason_to() -> None:
    assert advise(needs(users=10, team=30), ALL).by_signs == "v1"
    assert advise(needs(users=10, downtime_cost=20_000), ALL).by_signs == "v4"


def test_from_stored_runs_to_advice(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESTBED_RESULTS", str(tmp_path))
    two_versions(tmp_path)
    matrix = build(["v1", "v2"], years=2000)
    asked = Needs(300, 500, 4, sla=0.9)
    versions = versions_of(matrix, asked)
    assert [version.phase for version in versions] == ["v1", "v2", "v3", "v4"]
    assert [version.measured for version in versions] == [True, True, False, False]
    assert seen_in(matrix) == {162: False}  # the control's latency is far below 5 s
    advice = advise(asked, versions, seen_in(matrix))
    assert (advice.phase, advice.fits) == ("v2", True)
    text = "\n".join(as_lines(advice))
    assert "Take v2." in text and "line 187" in text and "v4: untested" in text
    assert json.loads(json.dumps(as_data(asked, advice)))["phase"] == "v2"
    assert version_of(matrix.seed_table["v3"], None, asked).because.startswith("untested")
