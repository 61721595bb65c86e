"""The command: one campaign with everything, one without each mechanism, and what comes of campaigns that fail."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.__main__ import app, guarded
from harness.errors import EngineBusy, InstrumentError
from harness.history import History, Outcome
from harness.sensitivity import command
from tests.fakes.histories import Trouble, fault, history

Campaigns = list[tuple[dict[str, dict[str, str]], tuple[str, ...], str]]


@pytest.fixture
def campaigns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Campaigns:
    """Campaigns that take no time: without the fall-back half of the arrivals fail, the rest changes nothing."""
    ran: Campaigns = []

    def run_campaign(plan: Any, root: Path, view: Any, *, held: bool) -> tuple[Path, dict[str, Any]]:
        assert held
        ran.append((plan.target.environment, tuple(e.name for e in plan.experiments), plan.command))
        return tmp_path / str(len(ran) - 1), {"valid": True, "runs": [], "void_because": []}

    def read_history(folder: Path) -> History:
        environment, experiments, _ = ran[int(folder.parent.name)]
        lost = "CHAT_CACHE_MAY_FAIL" in environment.get("app", {})
        troubles = [Trouble(8, 20, Outcome.HTTP_ERROR, share=0.5)] if lost else []
        return history(
            *troubles, experiment=experiments[int(folder.name)], faults=[fault(contents_before=90, contents_after=4)]
        )

    def read_campaign(folder: Path) -> Any:
        return SimpleNamespace(runs=[str(k) for k in range(len(ran[int(folder.name)][1]))], void_because=())

    monkeypatch.setenv("TESTBED_RESULTS", str(tmp_path / "results"))
    monkeypatch.setattr(command.campaign, "run_campaign", run_campaign)
    monkeypatch.setattr(command, "read_history", read_history)
    monkeypatch.setattr(command, "read_campaign", read_campaign)
    monkeypatch.setattr(command, "ensure_engine", lambda say: SimpleNamespace(close=lambda: None))
    monkeypatch.setattr(command, "engine_id", lambda client: "none")
    monkeypatch.setattr(command, "EngineLock", lambda engine, who: nullcontext())
    return ran


def run(*arguments: str) -> int:
    return guarded(lambda: app(["sensitivity", "v1", *arguments]))


def written(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "results" / "sensitivity" / "v1.json").read_text())
    return found


def test_each_mechanism_gets_a_campaign_without_it(campaigns: Campaigns, tmp_path: Path) -> None:
    assert run() == 0
    assert campaigns[0][0] == {}
    assert set(campaigns[0][1]) == {"cache_down", "database_black_hole", "provider_truncates"}
    switched = [set(environment["app"]) for environment, _, _ in campaigns[1:]]
    assert {"CHAT_CACHE_MAY_FAIL"} in switched and {"PROVIDER_REQUIRE_END"} in switched
    assert {what for _, _, what in campaigns} == {"make sensitivity PHASE=v1 SEED=1 REPEATS=1"}
    found = {each["name"]: each["status"] for each in written(tmp_path)["mechanisms"]}
    assert found["cache-fallback"] == "tested"
    assert found["cache-rest"] == found["truncation-check"] == "untested"


def test_one_mechanism_alone_and_an_unknown_one(
    campaigns: Campaigns, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--mechanism", "cache-rest", "--seed", "4") == 0
    assert [names for _, names, _ in campaigns] == [("cache_down",), ("cache_down",)]
    assert written(tmp_path)["command"] == "make sensitivity PHASE=v1 MECHANISM=cache-rest SEED=4 REPEATS=1"
    assert run("--mechanism", "cache-rust") == 1
    assert "Did you mean 'cache-rest'" in capsys.readouterr().err
    assert len(campaigns) == 2


def replaced(monkeypatch: pytest.MonkeyPatch, change: Callable[[int, Any], Any]) -> None:
    """Let `change(number, what came out)` have its way with each campaign."""
    whole, count = command.campaign.run_campaign, iter(range(100))

    def run_campaign(*arguments: Any, **more: Any) -> Any:
        return change(next(count), lambda: whole(*arguments, **more))

    monkeypatch.setattr(command.campaign, "run_campaign", run_campaign)


def test_a_campaign_that_is_not_valid_ends_in_2_and_is_named(
    campaigns: Campaigns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def void(number: int, run_it: Callable[[], Any]) -> Any:
        folder, summary = run_it()
        return folder, {**summary, "valid": False, "void_because": ["a link died"]} if number == 1 else summary

    replaced(monkeypatch, void)
    assert run("--mechanism", "cache-rest") == 2
    assert written(tmp_path)["void_because"] == {"cache-rest": "a link died"}


def test_the_engine_is_held_for_all_campaigns_together_and_a_busy_one_is_refused(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    holders: list[str] = []

    class Lock(nullcontext[None]):
        def __init__(self, engine: str, who: str) -> None:
            super().__init__()
            holders.append(who)

    monkeypatch.setattr(command, "EngineLock", Lock)
    assert run("--mechanism", "cache-rest") == 0
    assert holders == ["make sensitivity PHASE=v1 MECHANISM=cache-rest SEED=1 REPEATS=1"]

    def busy(engine: str, who: str) -> Any:
        raise EngineBusy("Another harness is at work.")

    monkeypatch.setattr(command, "EngineLock", busy)
    assert run("--mechanism", "cache-rest") == 1
    assert len(campaigns) == 2


def test_a_campaign_without_a_single_run_is_the_instruments_failure(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(_: Path) -> Any:
        return SimpleNamespace(runs=(), void_because=("the disk is full",))

    monkeypatch.setattr(command, "read_campaign", nothing)
    with pytest.raises(InstrumentError, match="the disk is full"):
        command.sensitivity("v1", mechanism="cache-rest", seed=1, repeats=1)
