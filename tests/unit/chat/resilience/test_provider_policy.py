"""The table of failures, the retry budget, what the client is told, and that the documentation says the same."""

from __future__ import annotations

import re

import pytest

from targets.chat import resilience
from targets.chat.errors import ProviderBadAnswer, ProviderError, ProviderTimeout, ProviderUnavailable
from targets.chat.resilience import policy
from targets.chat.resilience.budget import RetryBudget
from targets.chat.resilience.policy import Action, Rule, no_answer, rule_for
from tests.unit.chat.resilience.scripted import answered, cut_off, silent, unreachable

RULES = [rule for rule in vars(policy).values() if isinstance(rule, Rule)]


@pytest.mark.parametrize(
    ("error", "outcome", "action", "counts", "alarming"),
    [
        (silent(), "timeout", Action.FAIL_OVER, True, False),
        (unreachable(), "unreachable", Action.FAIL_OVER, True, False),
        (answered(429), "overloaded", Action.FAIL_OVER, True, False),
        (answered(503), "overloaded", Action.FAIL_OVER, True, False),
        (answered(529), "overloaded", Action.FAIL_OVER, True, False),
        (answered(500), "bad_answer", Action.RETRY, True, False),
        (answered(502), "bad_answer", Action.RETRY, True, False),
        (cut_off(), "bad_answer", Action.RETRY, True, False),
        (answered(401), "refused", Action.FAIL_OVER, True, True),
        (answered(402), "refused", Action.FAIL_OVER, True, True),
        (answered(403), "refused", Action.FAIL_OVER, True, True),
        (answered(404), "refused", Action.FAIL_OVER, True, True),
        (answered(400), "rejected", Action.GIVE_UP, False, False),
        (answered(413), "rejected", Action.GIVE_UP, False, False),
        (answered(422), "rejected", Action.GIVE_UP, False, False),
    ],
)
def test_the_table(error: ProviderError, outcome: str, action: Action, counts: bool, alarming: bool) -> None:
    assert rule_for(error) == Rule(outcome, action, counts, alarming)


def documented() -> dict[str, str]:
    """Outcome -> its row in the package's docstring."""
    text = resilience.__doc__ or ""
    table = text.split("----------------\n", 1)[1].split("\n\n", 1)[0]
    rows = re.split(r"\n(?=\S)", table)
    return {row.split()[0]: " ".join(row.split()) for row in rows}


def test_the_documentation_has_the_same_table() -> None:
    rows = documented()
    assert {rule.outcome for rule in RULES} | {"ok", "cancelled", "error", "open"} == set(rows)
    for rule in RULES:
        row = rows[rule.outcome]
        says = {Action.GIVE_UP: "the client is told", Action.FAIL_OVER: "next provider", Action.RETRY: "once more"}
        assert says[rule.action] in row
        assert ("says nothing" in row) is not rule.counts
        assert ("ERROR in" in row) is rule.alarming
    assert {int(status) for status in re.findall(r"\b4\d\d\b", rows["rejected"])} == policy.THE_REQUEST_IS_WRONG


def test_the_documentation_names_every_setting_and_metric() -> None:
    from targets.chat.settings import ResilienceSettings
    from targets.chat.telemetry import Telemetry

    text = resilience.__doc__ or ""
    for field in ResilienceSettings.model_fields.values():
        assert field.alias and field.alias in text
    page = Telemetry().page().decode()
    for name in re.findall(r"chat_\w+", text):
        assert f"# HELP {name} " in page


def test_all_failed_in_the_same_way() -> None:
    told = no_answer({"openai": silent(), "anthropic": ProviderTimeout("anthropic was silent.")}, {})
    assert type(told) is ProviderTimeout
    assert (told.status, told.retry_after_s) == (504, None)
    assert str(told) == "openai did not answer in time. anthropic was silent."
    assert type(no_answer({"openai": cut_off()}, {})) is ProviderBadAnswer


def test_all_are_away_says_when_the_first_may_be_back() -> None:
    told = no_answer({"openai": answered(503), "anthropic": unreachable()}, {})
    assert type(told) is ProviderUnavailable
    assert (told.status, told.retry_after_s) == (503, 5)


def test_all_breakers_are_open() -> None:
    told = no_answer({}, {"openai": 3.2, "anthropic": 4.9})
    assert (told.status, told.retry_after_s) == (503, 4)
    assert "openai" in str(told) and "anthropic" in str(told)


def test_a_probe_under_way_may_end_at_any_moment() -> None:
    assert no_answer({}, {"openai": 0.0}).retry_after_s == 1


@pytest.mark.parametrize("error", [silent(), cut_off()])
def test_failed_differently_none_can_be_used_now(error: ProviderError) -> None:
    told = no_answer({"openai": error}, {"anthropic": 2.0})
    assert (told.status, told.retry_after_s) == (503, 2)
    mixed = no_answer({"openai": cut_off(), "anthropic": silent()}, {})
    assert (mixed.status, mixed.retry_after_s) == (503, policy.RETRY_AFTER_S)


def test_the_budget_is_a_share_of_all_requests() -> None:
    budget, granted = RetryBudget(ratio=0.1, burst=10), 0
    for _ in range(1000):
        budget.deposit()
        granted += budget.withdraw()
    assert 100 <= granted <= 110


def test_the_budget_saves_up_no_more_than_its_burst() -> None:
    budget = RetryBudget(ratio=0.1, burst=3)
    for _ in range(1000):
        budget.deposit()
    assert [budget.withdraw() for _ in range(4)] == [True, True, True, False]


def test_without_a_burst_nothing_is_repeated() -> None:
    budget = RetryBudget(ratio=1, burst=0)
    budget.deposit()
    assert not budget.withdraw()
