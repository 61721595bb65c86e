"""The budget of fail-overs, and a breaker that is told for how long to stay away."""

from __future__ import annotations

import pytest

from targets.chat.errors import SettingsError
from targets.chat.resilience.breaker import Breaker, Permit
from targets.chat.resilience.budget import AT_LEAST, WINDOW_S, FailoverBudget
from targets.chat.resilience.failover import FailoverProvider
from targets.chat.settings import GeminiSettings, ResilienceSettings
from tests.unit.chat.resilience.scripted import Scripted

ERROR = RuntimeError("failed")


class Clock:
    """Seconds, as set."""

    s = 100.0

    def __call__(self) -> float:
        return self.s


def spent(budget: FailoverBudget, wanted: int) -> int:
    return sum(budget.withdraw() for _ in range(wanted))


def test_so_many_are_never_denied() -> None:
    budget = FailoverBudget(0.0, Clock())
    assert spent(budget, 3 * AT_LEAST) == AT_LEAST
    assert not budget.allows()


def test_a_share_of_the_requests_of_the_window() -> None:
    clock = Clock()
    budget = FailoverBudget(0.5, clock)
    for _ in range(1000):
        budget.deposit()
        clock.s += WINDOW_S / 2000
    assert spent(budget, 1000) == 500


def test_what_is_older_than_the_window_does_not_count() -> None:
    clock = Clock()
    budget = FailoverBudget(0.5, clock)
    for _ in range(1000):
        budget.deposit()
    assert spent(budget, 1000) == 500
    clock.s += WINDOW_S + 1
    assert spent(budget, 1000) == AT_LEAST, "neither the requests nor the fail-overs"


def test_a_ratio_of_one_never_denies_two_providers() -> None:
    clock, denied = Clock(), 0
    budget = FailoverBudget(1.0, clock)
    for _ in range(5000):
        budget.deposit()
        denied += not budget.withdraw()
        clock.s += 0.01
    assert denied == 0


class Told(Breaker):
    """A breaker that opens after 3 failures for 5 s, and its clock."""

    def __init__(self) -> None:
        self.time = Clock()
        super().__init__("openai", 3, 5.0, clock=self.time)

    def entered(self) -> Permit:
        permit = self.enter()
        assert permit is not None
        return permit


@pytest.mark.parametrize("stay_away_s", [1.0, 20.0])
def test_one_failure_that_says_so_opens_it_for_as_long(stay_away_s: float) -> None:
    breaker = Told()
    breaker.failed(breaker.entered(), ERROR, stay_away_s)
    assert (breaker.state, breaker.rest_s) == ("open", stay_away_s)
    breaker.time.s += stay_away_s
    probe = breaker.entered()
    assert breaker.state == "half_open"
    breaker.succeeded(probe)
    assert breaker.state == "closed"


@pytest.mark.parametrize(("stay_away_s", "rest_s"), [(1.0, 5.0), (20.0, 20.0)])
def test_opened_by_failures_it_rests_as_long_as_either_says(stay_away_s: float, rest_s: float) -> None:
    breaker = Told()
    for _ in range(2):
        breaker.failed(breaker.entered(), ERROR)
    breaker.failed(breaker.entered(), ERROR, stay_away_s)
    assert breaker.rest_s == rest_s
    breaker.time.s += rest_s
    breaker.failed(breaker.entered(), ERROR, stay_away_s)
    assert (breaker.state, breaker.rest_s) == ("open", rest_s), "a failed probe likewise"


def test_calls_that_were_under_way_may_ask_for_more_but_not_for_less() -> None:
    breaker = Told()
    early = [breaker.entered() for _ in range(4)]
    breaker.failed(early[0], ERROR, 4.0)
    breaker.failed(early[1], ERROR, 2.0)
    assert breaker.rest_s == 4.0
    breaker.failed(early[2], ERROR, 9.0)
    assert breaker.rest_s == 9.0
    breaker.time.s += 9.0
    probe = breaker.entered()
    breaker.failed(early[3], ERROR, 9.0)
    assert breaker.state == "half_open", "only the probe decides"
    breaker.succeeded(probe)
    assert breaker.state == "closed"


def made(providers: int, **env: str) -> FailoverProvider:
    settings = ResilienceSettings.from_env({"PROVIDER_DEADLINE_S": "9", **env})
    return FailoverProvider([Scripted(str(number)) for number in range(providers)], settings)


def test_how_many_providers_fit_into_nine_seconds() -> None:
    made(3)
    made(3, PROVIDER_ATTEMPT_S="2.8", PROVIDER_FIRST_TOKEN_S="1.8")
    made(4, PROVIDER_ATTEMPT_S="2.2", PROVIDER_FIRST_TOKEN_S="1.8")
    with pytest.raises(SettingsError, match="4 providers"):
        made(4, PROVIDER_ATTEMPT_S="2.8", PROVIDER_FIRST_TOKEN_S="1.8")


def test_two_providers_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="a name of its own"):
        FailoverProvider([Scripted("openai"), Scripted("openai")], ResilienceSettings.from_env({}))


def test_the_order_is_the_configured_one_unless_it_is_asked_for() -> None:
    assert ResilienceSettings.from_env({}).order == "configured"
    with pytest.raises(SettingsError, match="PROVIDER_ORDER"):
        ResilienceSettings.from_env({"PROVIDER_ORDER": "best"})


def test_gemini_needs_a_key_and_keeps_it_to_itself() -> None:
    with pytest.raises(SettingsError, match="GEMINI_API_KEY"):
        GeminiSettings.from_env({})
    settings = GeminiSettings.from_env({"GEMINI_API_KEY": "sk-secret", "GEMINI_BASE_URL": "http://gemini:8080/v1"})
    assert settings.base_url == "http://gemini:8080/v1"
    assert "secret" not in repr(settings)
