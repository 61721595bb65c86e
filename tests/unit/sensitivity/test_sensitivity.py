"""The sensitivity test judges what the loss of a mechanism changed, and says when nothing did."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.claims import Claims, load_claims
from harness.engine.project import Project, Service
from harness.engine.weave import weave
from harness.errors import ConfigError
from harness.experiment import known_experiments
from harness.history import History, Outcome
from harness.mechanism import Expectation, Mechanism
from harness.sensitivity.compare import Finding, compare
from harness.sensitivity.read import chosen_mechanisms
from harness.sensitivity.report import Report, as_data, as_markdown, write_report
from harness.target import Target, find_target, load_target
from tests.fakes.histories import Trouble, claim, fault, history

NONE = Claims(schema=1, source="seed.md", claims=())
FALLBACK = Mechanism(
    description="Falls back.",
    service="app",
    env={"SWITCH": "off"},
    experiment="database_crash",
    expect=(Expectation(says="Most are served.", check="availability_under_fault", at_least=0.95),),
)


def run(*troubles: Trouble, **changes: object) -> History:
    changes.setdefault("faults", [fault()])
    return history(*troubles, experiment="database_crash", **changes)  # type: ignore[arg-type]


def found(kept: History, lost: History, mechanism: Mechanism = FALLBACK, claims: Claims = NONE) -> Finding:
    return compare("fallback", mechanism, claims, [kept], [lost])


def test_a_mechanism_whose_loss_turns_its_expectation_red_is_tested() -> None:
    finding = found(run(), run(Trouble(8, 20)))
    assert finding.status == "tested"
    assert [each.change for each in finding.watched] == ["turned red"]
    assert finding.watched[0].expected
    assert "Most are served." in finding.because


def test_a_mechanism_whose_loss_changes_nothing_is_untested() -> None:
    finding = found(run(), run(seed=8))
    assert finding.status == "untested"
    assert [each.change for each in finding.watched] == ["unchanged"]
    assert "changed nothing" in finding.because


def test_worse_beyond_the_intervals_is_enough() -> None:
    half = Trouble(8, 20, share=0.3)
    finding = found(run(half), run(Trouble(8, 20, share=0.8)))
    assert [each.change for each in finding.watched] == ["worse"]  # red already with the mechanism
    assert finding.status == "tested"


def test_better_without_it_is_told_and_does_not_count_as_tested() -> None:
    finding = found(run(Trouble(8, 20)), run())
    assert [each.change for each in finding.watched] == ["better"]
    assert finding.status == "untested"


@pytest.mark.parametrize(
    "doubt",
    [{"void_because": ["late"]}, {"faults": [fault(status="mismatch")]}, {"faults": [fault(healed=False)]}],
)
def test_a_run_in_doubt_on_either_side_is_inconclusive(doubt: dict[str, object]) -> None:
    for pair in ((run(**doubt), run(Trouble(8, 20))), (run(), run(Trouble(8, 20), **doubt))):
        finding = found(*pair)
        assert finding.status == "inconclusive"
        assert [each.change for each in finding.watched] == ["not measured"]
        assert "gives no verdict" in finding.because


def test_claims_about_the_experiment_are_watched_and_others_are_not() -> None:
    claims = Claims(schema=1, source="s", claims=(claim(), claim(id="other", experiment="cache_down")))
    bare = FALLBACK.model_copy(update={"expect": (), "claims": ("a-claim",)})
    finding = found(run(Trouble(8, 20)), run(), bare, claims)
    assert [(each.id, each.change, each.expected) for each in finding.watched] == [("a-claim", "turned red", True)]


def test_a_prompt_error_is_told_and_silence_is_not() -> None:
    mechanism = FALLBACK.model_copy(
        update={
            "expect": (
                Expectation(says="Told.", check="told_in_time", parameters={"within_s": 4.0}, at_least=0.9),
                Expectation(says="Served.", check="availability_under_fault", at_most=0.05),
            )
        }
    )
    prompt = run(Trouble(8, 20, Outcome.HTTP_ERROR, after_s=3.0))
    for silent in (Trouble(8, 20, Outcome.DEADLINE, after_s=10.0), Trouble(8, 20, Outcome.HTTP_ERROR, after_s=5.0)):
        finding = found(prompt, run(silent), mechanism)
        assert [each.change for each in finding.watched] == ["turned red", "unchanged"]


def test_half_an_answer_is_not_honest_and_an_error_is() -> None:
    expect = (Expectation(says="Honest.", check="honest_answers", at_least=0.95),)
    mechanism = FALLBACK.model_copy(update={"expect": expect})
    finding = found(run(Trouble(8, 20)), run(Trouble(8, 20, Outcome.TRUNCATED)), mechanism)
    assert [each.change for each in finding.watched] == ["turned red"]
    silent = found(run(Trouble(8, 20)), run(Trouble(8, 20, Outcome.DEADLINE)), mechanism)
    assert silent.status == "untested"


def test_the_mechanisms_of_v1_can_be_read_and_are_switched_off_in_the_woven_file_alone() -> None:
    target = find_target("v1")
    claims = load_claims(target.folder / "claims.toml", known_experiments())
    mechanisms = chosen_mechanisms(target, claims, known_experiments())
    assert {"cache-fallback", "truncation-check", "database-timeouts"} <= set(mechanisms)
    assert target.environment == {}
    assert environment(target) is None
    switched = target.without("cache-fallback")
    assert environment(switched) == {"CHAT_CACHE_MAY_FAIL": "false"}
    price = switched.model_copy(update={"environment": {"app": {"PRICE": "5 $"}}})
    assert environment(price) == {"PRICE": "5 $$"}


def environment(target: Target) -> dict[str, str] | None:
    services = {name: Service(name, {"default": ()}) for name in target.components}
    ports = iter(range(40000, 40100))
    plain = Project("chat-v1", "compose.yml", services)
    woven = weave(target, plain, ports=ports, env={}, campaign="c", resolve=str)
    found: dict[str, str] | None = woven.override["services"]["app"].get("environment")
    if found is not None:
        assert all(value in woven.yaml() for value in found.values())
    return found


MISTAKES = {
    "service": ('service = "app"', 'service = "apps"', "Did you mean 'app'"),
    "experiment": ('experiment = "cache_down"', 'experiment = "cache_gone"', "no experiment 'cache_gone'"),
    "check": ('check = "latency"', 'check = "latencies"', "Did you mean 'latency'"),
}


@pytest.mark.parametrize("what", ["service", "experiment", "check"])
def test_a_mistake_in_a_mechanism_names_file_place_and_remedy(tmp_path: Path, what: str) -> None:
    right, wrong, says = MISTAKES[what]
    v1 = find_target("v1").folder
    (tmp_path / "compose.yml").write_text("services: {}\n")
    text = (v1 / "target.toml").read_text()
    (tmp_path / "target.toml").write_text(text.replace(right, wrong))
    with pytest.raises(ConfigError) as caught:
        chosen_mechanisms(
            load_target(tmp_path), load_claims(v1 / "claims.toml", known_experiments()), known_experiments()
        )
    assert "target.toml" in str(caught.value)
    assert says in str(caught.value)


def test_an_unknown_mechanism_lists_the_known_ones_and_none_at_all_says_how() -> None:
    target = find_target("v1")
    with pytest.raises(ConfigError, match="Did you mean 'cache-fallback'"):
        chosen_mechanisms(target, NONE, known_experiments(), "cache-fallbak")
    with pytest.raises(ConfigError, match=r"docs/sensitivity\.md"):
        chosen_mechanisms(target.model_copy(update={"mechanisms": {}}), NONE, known_experiments())
    nothing = FALLBACK.model_copy(update={"expect": ()})
    with pytest.raises(ConfigError, match="nothing is measured"):
        chosen_mechanisms(target.model_copy(update={"mechanisms": {"a": nothing}}), NONE, known_experiments())
    lost = FALLBACK.model_copy(update={"claims": ("gone",)})
    with pytest.raises(ConfigError, match="no claim 'gone'"):
        chosen_mechanisms(target.model_copy(update={"mechanisms": {"a": lost}}), NONE, known_experiments())


def test_the_report_says_what_changed_in_both_forms(tmp_path: Path) -> None:
    findings = (found(run(), run(Trouble(8, 20))),)
    folders = {"": tmp_path / "all", "fallback": tmp_path / "without"}
    report = Report("v1", datetime(2026, 11, 23, tzinfo=UTC), "make sensitivity PHASE=v1", 1, 1, folders, {}, findings)
    path = write_report(tmp_path / "sensitivity", report)
    text = path.read_text()
    assert "| fallback | **tested** | database_crash |" in text
    assert "turned red" in text and "`SWITCH=off`" in text
    data = json.loads(path.with_suffix(".json").read_text())
    assert (data["schema"], data["valid"], data["campaign"]) == (1, True, "all")
    watched = data["mechanisms"][0]["watched"][0]
    assert (watched["with"]["verdict"], watched["without"]["verdict"]) == ("HELD", "REFUTED")
    assert watched["without"]["high"] < 0.05
    void = Report("v1", report.started, report.command, 1, 1, folders, {"fallback": "late"}, findings)
    assert as_data(void)["valid"] is False
    assert "- fallback: late" in as_markdown(void)
