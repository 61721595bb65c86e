"""Fail-over over the wire: the official SDKs, two real provider simulators, and what they do to us."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from targets.chat.domain import Completion, ContextMessage
from targets.chat.errors import ProviderError, ProviderUnavailable
from targets.chat.providers.anthropic import AnthropicProvider
from targets.chat.providers.openai import OpenAIProvider
from targets.chat.resilience.failover import FailoverProvider
from targets.chat.settings import AnthropicSettings, OpenAISettings, ResilienceSettings
from targets.chat.stores.sqlite import SqliteDatabase
from targets.chat.telemetry import Telemetry
from tests.contract.chat.local_servers import free_port
from tests.contract.chat.tcp_proxy import proxy_to
from tests.fakes.simulator import Simulator, running_simulator
from tests.unit.chat.chat_fakes import FakeStore, assert_problem, events, world

MESSAGES = [ContextMessage("user", "How are you today, dear provider?")]
# The simulators answer in some 20 ms, but the machine may be busy: nobody is left early, nor asked again, by accident.
BOUNDS = {
    "PROVIDER_DEADLINE_S": "30",
    "PROVIDER_ATTEMPT_S": "10",
    "PROVIDER_FIRST_TOKEN_S": "10",
    "PROVIDER_BREAKER_OPEN_S": "60",
    "OPENAI_API_KEY": "key",
    "ANTHROPIC_API_KEY": "key",
}

IMPATIENT = {"PROVIDER_ATTEMPT_S": "1.5", "PROVIDER_FIRST_TOKEN_S": "1.5"}  # where the first one stays silent anyway
OPEN_S = 0.4
SOON_AGAIN = {"PROVIDER_BREAKER_OPEN_S": str(OPEN_S)}

both = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


@pytest.fixture(scope="module")
def running_pair() -> Iterator[tuple[Simulator, Simulator]]:
    with running_simulator() as openai, running_simulator() as anthropic:
        yield openai, anthropic


class Wire:
    """A fail-over from the OpenAI to the Anthropic simulator."""

    def __init__(self, openai: Simulator, anthropic: Simulator, **env: str) -> None:
        self.openai, self.anthropic = openai, anthropic
        self.env = {**BOUNDS, "OPENAI_BASE_URL": f"{openai.wire_url}/v1", "ANTHROPIC_BASE_URL": anthropic.wire_url}
        self.env |= env
        providers = (
            OpenAIProvider(OpenAISettings.from_env(self.env)),
            AnthropicProvider(AnthropicSettings.from_env(self.env)),
        )
        self.failover = FailoverProvider(providers, ResilienceSettings.from_env(self.env))
        self.telemetry = Telemetry()
        self.failover.report_to(self.telemetry)

    async def ask(self, *, stream: bool) -> str:
        """Ask; return who answered, or the name of the error."""
        try:
            if not stream:
                return (await self.failover.complete(MESSAGES)).provider
            said = ""
            async with aclosing(self.failover.stream(MESSAGES)) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Completion):
                        assert piece.text == said
                        return piece.provider
                    said += piece
        except ProviderError as error:
            return type(error).__name__
        raise AssertionError("a stream ends with a Completion or an error")

    async def ask_many(self, number: int, *, stream: bool) -> Counter[str]:
        return Counter(await asyncio.gather(*[self.ask(stream=stream) for _ in range(number)]))

    def asked(self) -> tuple[object, object]:
        """How many requests each simulator got."""
        return self.openai.settled_counters()["requests"], self.anthropic.settled_counters()["requests"]

    def breakers(self) -> list[str]:
        return [one.breaker for one in self.failover.health()]


@pytest.fixture
async def make_wire(running_pair: tuple[Simulator, Simulator]) -> AsyncIterator[Callable[..., Wire]]:
    """Makes fail-overs with more environment, over two simulators as if freshly started."""
    for simulator in running_pair:
        assert simulator.control("POST", "reset").status_code == 200
    made: list[Wire] = []

    def make(**env: str) -> Wire:
        made.append(Wire(*running_pair, **env))
        return made[-1]

    yield make
    for wire in made:
        await wire.failover.close()


@pytest.fixture
def wire(make_wire: Callable[..., Wire]) -> Wire:
    return make_wire()


@both
async def test_while_all_is_well_the_second_one_hears_nothing(wire: Wire, stream: bool) -> None:
    assert await wire.ask_many(20, stream=stream) == {"openai": 20}
    assert wire.asked() == (20, 0)


FAULTS: list[dict[str, object]] = [
    {"kind": "hang"},
    {"kind": "stall", "after_tokens": 0},
    {"kind": "cut", "after_tokens": 0},
    {"kind": "truncate", "after_tokens": 0},
    {"kind": "malformed", "after_tokens": 0},
    {"kind": "empty"},
    *({"kind": "status", "status": status} for status in (401, 429, 500)),
]


@both
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: "-".join(str(value) for value in fault.values()))
async def test_whatever_the_first_does_before_its_first_words_is_made_up_for(
    make_wire: Callable[..., Wire], fault: dict[str, object], stream: bool
) -> None:
    wire = make_wire(**IMPATIENT if fault["kind"] in ("hang", "stall") else {})
    wire.openai.set_fault(**fault)
    assert await wire.ask_many(6, stream=stream) == {"anthropic": 6}
    assert wire.breakers() == ["open", "closed"]
    assert wire.asked() == (6, 6)
    assert await wire.ask(stream=stream) == "anthropic"
    assert wire.asked() == (6, 7), "an open breaker costs no question"


@both
async def test_nobody_listens_at_the_first(make_wire: Callable[..., Wire], stream: bool) -> None:
    wire = make_wire(OPENAI_BASE_URL=f"http://127.0.0.1:{free_port()}/v1")
    assert await wire.ask_many(6, stream=stream) == {"anthropic": 6}
    assert wire.breakers() == ["open", "closed"]


@both
async def test_a_request_that_the_first_finds_wrong_goes_no_further(wire: Wire, stream: bool) -> None:
    wire.openai.set_fault(kind="status", status=400)
    assert await wire.ask_many(8, stream=stream) == {"ProviderBadAnswer": 8}
    assert wire.breakers() == ["closed", "closed"]
    assert wire.asked() == (8, 0)


@pytest.mark.parametrize(("status", "stream"), [(429, True), (500, False)])
async def test_a_share_of_bad_requests_goes_on_and_the_others_stay(
    make_wire: Callable[..., Wire], status: int, stream: bool
) -> None:
    wire = make_wire(PROVIDER_RETRY_AFTER_MAX_S="0")  # else one 429 would keep the others away as well, for a second
    wire.openai.set_fault(kind="status", status=status, share=0.3)
    answered = Counter([await wire.ask(stream=stream) for _ in range(30)])
    affected = wire.openai.settled_counters()["affected"]
    assert isinstance(affected, int) and 3 <= affected <= 18
    assert answered["openai"] + answered["anthropic"] == 30
    assert answered["anthropic"] >= affected
    assert wire.asked()[1] == answered["anthropic"], "nobody is asked twice"


@pytest.mark.parametrize("kind", ["cut", "truncate", "malformed"])
async def test_a_stream_that_dies_after_its_first_words_ends_with_an_error(wire: Wire, kind: str) -> None:
    wire.openai.set_fault(kind=kind, after_tokens=3)
    assert await wire.ask_many(5, stream=True) == {"ProviderBadAnswer": 5}
    assert wire.asked() == (5, 0)
    assert wire.breakers() == ["open", "closed"]
    assert await wire.ask(stream=True) == "anthropic"


async def test_a_plain_answer_that_is_cut_off_is_made_up_for(wire: Wire) -> None:
    wire.openai.set_fault(kind="truncate", after_tokens=3)
    assert await wire.ask_many(4, stream=False) == {"anthropic": 4}


@both
async def test_it_comes_back_through_one_probe(make_wire: Callable[..., Wire], stream: bool) -> None:
    wire = make_wire(**SOON_AGAIN)
    wire.openai.set_fault(kind="cut", after_tokens=0)
    assert await wire.ask_many(5, stream=stream) == {"anthropic": 5}
    await asyncio.sleep(OPEN_S)
    assert await wire.ask_many(10, stream=stream) == {"anthropic": 10}
    assert wire.asked() == (6, 15), "one probe, which failed"

    wire.openai.control("DELETE", "fault")
    await asyncio.sleep(OPEN_S)
    told = await wire.ask_many(10, stream=stream)
    assert told == {"openai": 1, "anthropic": 9}
    assert wire.breakers() == ["closed", "closed"]
    assert await wire.ask_many(10, stream=stream) == {"openai": 10}


@both
async def test_both_away_is_said_with_a_time_to_come_back(wire: Wire, stream: bool) -> None:
    for simulator in (wire.openai, wire.anthropic):
        simulator.set_fault(kind="status", status=503)
    assert await wire.ask_many(8, stream=stream) == {"ProviderUnavailable": 8}
    assert wire.breakers() == ["open", "open"]
    with pytest.raises(ProviderUnavailable) as caught:
        await wire.failover.complete(MESSAGES)
    assert caught.value.retry_after_s is not None and 1 < caught.value.retry_after_s <= 60
    assert wire.asked() == (8, 8)


@both
async def test_an_accident_of_the_one_that_is_left_is_repeated(wire: Wire, stream: bool) -> None:
    wire.anthropic.set_fault(kind="status", status=401)
    wire.openai.set_fault(kind="status", status=500, share=0.3)
    told = Counter([await wire.ask(stream=stream) for _ in range(20)])
    affected = wire.openai.settled_counters()["affected"]
    assert isinstance(affected, int) and affected >= 3
    assert told["openai"] > 20 - affected, "some of them were answered at the second try"


async def test_a_network_that_swallows_everything(
    make_wire: Callable[..., Wire], running_pair: tuple[Simulator, Simulator]
) -> None:
    async with proxy_to(running_pair[0].wire_port) as hole:
        url = f"http://127.0.0.1:{hole.port}/v1"
        wire = make_wire(OPENAI_BASE_URL=url, PROVIDER_FIRST_TOKEN_S="2", **SOON_AGAIN)
        hole.swallowing = True
        assert await wire.ask_many(5, stream=True) == {"anthropic": 5}
        hole.heal()
        await asyncio.sleep(OPEN_S)
        assert await wire.ask(stream=True) == "openai"


async def test_many_at_once_while_the_first_fails_and_returns(make_wire: Callable[..., Wire]) -> None:
    """Thirty callers, plain and streamed, through an outage and back: every one is answered."""
    wire = make_wire(**SOON_AGAIN)
    wire.openai.set_fault(kind="status", status=503)
    told: Counter[str] = Counter()

    async def caller(number: int) -> None:
        for _ in range(2):
            told[await wire.ask(stream=number % 2 == 0)] += 1

    await asyncio.gather(*[caller(number) for number in range(30)])
    wire.openai.control("DELETE", "fault")
    await asyncio.sleep(OPEN_S)
    await asyncio.gather(*[caller(number) for number in range(30)])
    assert set(told) == {"openai", "anthropic"}
    assert told.total() == 120
    assert wire.breakers() == ["closed", "closed"]


@both
async def test_one_answer_is_stored_whoever_gave_it(wire: Wire, tmp_path: Path, stream: bool) -> None:
    wire.openai.set_fault(kind="cut", share=0.5, after_tokens=0)
    store = FakeStore(SqliteDatabase(tmp_path / "chat.sqlite3"))
    async with world(store, wire.failover, wire.env) as chat:  # type: ignore[arg-type]
        names = []
        for number in range(8):
            response = await chat.ask(stream=stream, key=f"k{number}")
            assert response.status_code == 200
            reply = events(response.text)[-1][1] if stream else response.json()
            names.append(reply["provider"])
            stored = await chat.client.get(f"/v1/chat/{reply['conversation_id']}")
            _, answer = stored.json()["messages"]
            assert (answer["content"], answer["provider"]) == (reply["reply"], reply["provider"])
        assert set(names) == {"openai", "anthropic"}
        assert await chat.stored() == 2 * 8


async def test_the_api_says_that_nobody_answers(wire: Wire, tmp_path: Path) -> None:
    for simulator in (wire.openai, wire.anthropic):
        simulator.set_fault(kind="status", status=503)
    store = FakeStore(SqliteDatabase(tmp_path / "chat.sqlite3"))
    async with world(store, wire.failover, wire.env) as chat:  # type: ignore[arg-type]
        for _ in range(6):
            response = await chat.ask(stream=True)
            assert_problem(response, 503, "provider-unavailable")
            assert int(response.headers["retry-after"]) >= 1
        assert await chat.stored() == 0
