"""Three providers over the wire, in v3's settings: the official SDKs, three real simulators, and their failures."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, aclosing
from pathlib import Path

import pytest

from targets.chat.domain import Completion, ContextMessage
from targets.chat.providers.anthropic import AnthropicProvider
from targets.chat.providers.gemini import GeminiProvider
from targets.chat.providers.openai import OpenAIProvider
from targets.chat.resilience.failover import FailoverProvider
from targets.chat.settings import AnthropicSettings, GeminiSettings, OpenAISettings, ResilienceSettings
from targets.chat.stores.sqlite import SqliteDatabase
from tests.fakes.simulator import Simulator, running_simulator
from tests.unit.chat.chat_fakes import FakeStore, world

MESSAGES = [ContextMessage("user", "How are you today, dear provider?")]
NAMES = ("openai", "anthropic", "gemini")
# As v3's, but patient: the simulators answer in some 20 ms, and the machine may be busy.
SETTINGS = {
    "PROVIDER_ORDER": "health",
    "PROVIDER_FAILOVER_RATIO": "0.5",
    "PROVIDER_DEADLINE_S": "30",
    "PROVIDER_ATTEMPT_S": "8",
    "PROVIDER_FIRST_TOKEN_S": "8",
    "OPENAI_API_KEY": "key",
    "ANTHROPIC_API_KEY": "key",
    "GEMINI_API_KEY": "key",
}

both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


@pytest.fixture(scope="module")
def running_three() -> Iterator[dict[str, Simulator]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(running_simulator()) for name in NAMES}


class Three:
    """A fail-over over all of them."""

    def __init__(self, simulators: dict[str, Simulator], **env: str) -> None:
        self.simulators = simulators
        self.env = {
            **SETTINGS,
            "OPENAI_BASE_URL": f"{simulators['openai'].wire_url}/v1",
            "ANTHROPIC_BASE_URL": simulators["anthropic"].wire_url,
            "GEMINI_BASE_URL": f"{simulators['gemini'].wire_url}/v1beta/openai",
            **env,
        }
        providers = (
            OpenAIProvider(OpenAISettings.from_env(self.env)),
            AnthropicProvider(AnthropicSettings.from_env(self.env)),
            GeminiProvider(GeminiSettings.from_env(self.env)),
        )
        self.failover = FailoverProvider(providers, ResilienceSettings.from_env(self.env))

    async def ask(self, *, stream: bool) -> str:
        if not stream:
            return (await self.failover.complete(MESSAGES)).provider
        async with aclosing(self.failover.stream(MESSAGES)) as pieces:
            *_, completion = [piece async for piece in pieces]
        assert isinstance(completion, Completion)
        return completion.provider

    def asked(self) -> list[object]:
        return [simulator.settled_counters()["requests"] for simulator in self.simulators.values()]


@pytest.fixture
async def three(running_three: dict[str, Simulator]) -> AsyncIterator[Three]:
    for simulator in running_three.values():
        assert simulator.control("POST", "reset").status_code == 200
    made = Three(running_three)
    yield made
    await made.failover.close()


@both
async def test_two_away_at_once_and_the_third_answers(three: Three, stream: bool) -> None:
    three.simulators["openai"].set_fault(kind="status", status=503)
    three.simulators["anthropic"].set_fault(kind="cut", after_tokens=0)
    assert Counter([await three.ask(stream=stream) for _ in range(30)]) == {"gemini": 30}
    assert [one.name for one in three.failover.health()] == ["gemini", "openai", "anthropic"]
    assert three.asked() == [2, 2, 30], "after two failures each nobody asks them before the probe is due"


@both
async def test_a_share_of_429_sends_the_first_one_back(three: Three, stream: bool) -> None:
    three.simulators["openai"].set_fault(kind="status", status=429, share=0.6, retry_after_s=30)
    told = Counter([await three.ask(stream=stream) for _ in range(30)])
    assert told.total() == 30 and told["gemini"] == 0
    assert three.simulators["openai"].settled_counters()["affected"] == 1, "it said 30 s"
    assert three.failover.health()[0].name == "anthropic"


async def test_geminis_own_way_to_say_when_to_come_back(three: Three) -> None:
    for name in ("openai", "anthropic"):
        three.simulators[name].set_fault(kind="status", status=503, retry_after_s=30)
    three.simulators["gemini"].set_fault(kind="status", status=429, retry_after_s=1)
    with pytest.raises(Exception, match="gemini takes no requests now"):
        await three.ask(stream=False)
    three.simulators["gemini"].control("DELETE", "fault")
    await asyncio.sleep(1.0)
    assert await three.ask(stream=False) == "gemini"


async def test_a_third_one_is_known_everywhere_by_its_name_alone(three: Three, tmp_path: Path) -> None:
    """Readiness, metrics and what is stored: nothing but the row in the composition says that there is a Gemini."""
    for name in ("openai", "anthropic"):
        three.simulators[name].set_fault(kind="status", status=503, retry_after_s=30)
    store = FakeStore(SqliteDatabase(tmp_path / "chat.sqlite3"))
    async with world(store, three.failover, three.env) as chat:  # type: ignore[arg-type]
        response = await chat.ask()
        assert (response.status_code, response.json()["provider"]) == (200, "gemini")
        stored = await chat.client.get(f"/v1/chat/{response.json()['conversation_id']}")
        assert stored.json()["messages"][1]["provider"] == "gemini"
        dependencies = (await chat.client.get("/v1/ready")).json()["dependencies"]
        assert [dependencies[name]["breaker"] for name in NAMES] == ["open", "open", "closed"]
        assert await chat.metric('chat_provider_attempts_total{outcome="ok",provider="gemini"}') == 1
        await chat.ask()
        assert await chat.metric('chat_provider_rank{provider="gemini"}') == 1
