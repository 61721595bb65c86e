"""Claims: the real file is true to its source, and every mistake gets one clear message."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks import CHECKS
from harness.claims import Claims, load_claims
from harness.errors import ConfigError
from harness.experiment import known_experiments

ROOT = Path(__file__).resolve().parents[3]
SEED = "First line\nSe o banco cair, tudo para\nAté 100 simultâneos\n"
GOOD = """
id = "database-down"
quote = "banco cair"
line = 2
claimed = "Nothing works."
kind = "weakness"
experiment = "database_crash"
check = "availability_under_fault"
at_most = 0.05
"""


def load(folder: Path, *claims: str) -> Claims:
    (folder / "seed.md").write_text(SEED, encoding="utf-8")
    text = 'schema = 1\nsource = "seed.md"\n' + "".join(f"[[claims]]\n{claim}\n" for claim in claims)
    (folder / "claims.toml").write_text(text, encoding="utf-8")
    return load_claims(folder / "claims.toml", ["control", "database_crash"])


@pytest.mark.parametrize("path", sorted(ROOT.glob("targets/*/claims.toml")), ids=lambda path: path.parent.name)
def test_every_claim_of_every_target_can_be_used(path: Path) -> None:
    """Each quote stands on its line of the seed README, each experiment and check exists."""
    claims = load_claims(path, known_experiments())
    assert claims.claims


def test_v1_has_a_claim_for_every_line_that_speaks_of_it() -> None:
    claims = load_claims(ROOT / "targets/v1/claims.toml", known_experiments())
    section = {26, 30, 32, 33, 34, *range(37, 41), *range(43, 46), *range(48, 51), *range(53, 56)}
    assert {claim.line for claim in claims.claims} == section | {*range(155, 159), 162, *range(184, 190)}


def test_v1_puts_its_points_of_failure_to_the_test() -> None:
    claims = {claim.line: claim for claim in load_claims(ROOT / "targets/v1/claims.toml", known_experiments()).claims}
    assert {claims[line].standing for line in (34, 48, 53, 54, 55, 162)} == {"tested"}
    assert claims[186].standing == claims[49].standing == "undecidable"


def test_v2_has_a_claim_for_every_line_that_speaks_of_it() -> None:
    claims = load_claims(ROOT / "targets/v2/claims.toml", known_experiments())
    section = {60, 64, 66, 67, 68, *range(71, 76), *range(78, 82), *range(84, 87)}
    assert {claim.line for claim in claims.claims} == section | {161, 163, 164, *range(184, 190)}
    tested = {claim.line for claim in claims.claims if claim.standing == "tested"}
    assert {64, 68, 71, 72, 73, 74, 78, 79, 81, 86} <= tested


def test_a_claim_gives_its_check_defaults_for_what_it_leaves_open(tmp_path: Path) -> None:
    text = GOOD.replace("availability_under_fault", "latency").replace("0.05", "5.0")

    claim = load(tmp_path, text + "\nkinds = ['chat']").claims[0]
    question = claim.question(CHECKS["latency"])
    assert question.parameters == {"percentile": 95.0}
    assert question.kinds == {"chat"}


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("database_crash", "database_crush", "experiment", "Did you mean 'database_crash'?"),
        ("availability_under_fault", "availabilty", "check", "Did you mean 'availability'?"),
        ("banco cair", "banco caiu", "quote", "word for word"),
        ("line = 2", "line = 3", "quote", "It stands on line 2."),
        ("line = 2", "line = 99", "quote", "It stands on line 2."),
        ("at_most = 0.05", "at_most = 5", "at_most", "Write 0.95 for 95 %."),
        ("at_most = 0.05", "at_mots = 0.05", "at_mots", "Did you mean 'at_most'?"),
        ("at_most = 0.05", "at_most = 0.05\nat_least = 0.01", "claims[1]", "one of at_least and at_most"),
        ("at_most = 0.05", "", "claims[1]", "one of at_least and at_most"),
        ("at_most = 0.05", "at_most = '5 %'", "at_most", "valid number"),
        ("at_most = 0.05", "at_most = 0.05\nparameters = {percent = 9}", "parameters.percent", "Known: none."),
        ("at_most = 0.05", "at_most = 0.05\nkinds = ['chats']", "kinds", "'chats'"),
        ("at_most = 0.05", "at_most = 0.05\nkinds = []", "claims[1]", "no kind"),
        ("at_most = 0.05", "at_most = 0.05\nnot_testable_because = 'x'", "claims[1]", "not testable has no experiment"),
        ('"weakness"', '"weak"', "kind", "'strength' or 'weakness'"),
        ('"database-down"', '"Database down"', "id", "pattern"),
    ],
)
def test_a_mistake_names_file_place_and_remedy(tmp_path: Path, old: str, new: str, place: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, GOOD.replace(old, new))
    assert "claims.toml" in str(caught.value)
    assert place in caught.value.place
    assert says in str(caught.value)


def test_a_parameter_out_of_its_range_is_a_mistake(tmp_path: Path) -> None:
    text = GOOD.replace("availability_under_fault", "latency") + "\nparameters = {percentile = 100}"
    with pytest.raises(ConfigError, match="below 100"):
        load(tmp_path, text)


def test_a_claim_may_be_about_the_users_of_one_place(tmp_path: Path) -> None:
    text = GOOD.replace("availability_under_fault", "availability") + '\nplace = "tokyo"'
    found = load(tmp_path, text).claims[0]
    assert found.question(CHECKS["availability"]).place == "tokyo"


@pytest.mark.parametrize(
    ("check", "place", "says"),
    [
        ("availability", "toky", "Did you mean 'tokyo'"),
        ("recovery", "tokyo", "apart. Those that do: availability, availability_under_fault, latency."),
    ],
)
def test_a_place_that_cannot_be_asked_about_is_a_mistake(tmp_path: Path, check: str, place: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, GOOD.replace("availability_under_fault", check) + f'\nplace = "{place}"')
    assert caught.value.place.endswith(".place") and says in str(caught.value)


def test_two_claims_with_one_id_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="taken by claims"):
        load(tmp_path, GOOD, GOOD)


def test_two_reasons_are_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at most one of"):
        load(tmp_path, GOOD + "\nuntested_because = 'x'\nundecidable_because = 'y'")


def test_a_source_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "claims.toml").write_text('schema = 1\nsource = "gone.md"\nclaims = []\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"'gone\.md' cannot be read"):
        load_claims(tmp_path / "claims.toml", [])
