"""Settings from the environment, every time-out among them. Read by a composition root, never at import.

The defaults are v1's. A time-out is written in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
)

from targets.chat.errors import SettingsError


def _addresses(text: object) -> object:
    """Take `host:port,host:port` apart."""
    if not isinstance(text, str):
        return text
    parts = [one.strip().rpartition(":") for one in text.split(",")]
    if not all(host and port.isdecimal() and int(port) < 65536 for host, _, port in parts):
        raise ValueError("this must be 'host:port,host:port,...'")
    return tuple((host, int(port)) for host, _, port in parts)


Addresses = Annotated[tuple[tuple[str, int], ...], BeforeValidator(_addresses)]


class _FromEnvironment(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Read the variables that the fields are named after. Raises SettingsError naming the variable."""
        given = {name: value for name, value in env.items() if value != ""}  # Compose passes unset ones as empty
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise SettingsError(f"{first['loc'][0]}: {first['msg']}. Correct that environment variable.") from None


class PostgresSettings(_FromEnvironment):
    """How to reach PostgreSQL. `transaction_s` bounds a whole transaction on the client's side as well.

    The URL may name several hosts (`//a:5432,b:5432/chat?target_session_attrs=read-write`); `connect_s` holds for all
    of them together. What breaks on the way is tried again as long as `repeat_s` have not passed since its beginning.
    """

    url: SecretStr = Field(SecretStr("postgresql://chat:chat@127.0.0.1:5432/chat"), alias="DATABASE_URL")
    connect_s: PositiveFloat = Field(2.0, alias="DATABASE_CONNECT_S", ge=1)
    pool_size: PositiveInt = Field(10, alias="DATABASE_POOL_SIZE")
    pool_wait_s: PositiveFloat = Field(2.0, alias="DATABASE_POOL_WAIT_S")
    transaction_s: PositiveFloat = Field(4.0, alias="DATABASE_TRANSACTION_S")
    repeat_s: float = Field(0.0, alias="DATABASE_REPEAT_S", ge=0)


class DocumentSettings(_FromEnvironment):
    """How to reach the document store: gateways that speak MongoDB's protocol, each as good as any other.

    `operation_s` bounds one operation at one gateway. One that says nothing for `connect_s` is asked whether it is
    there; without an answer the next one is tried beside it. What breaks is tried again for `repeat_s`.
    """

    gateways: Addresses = Field((("127.0.0.1", 27017),), alias="MONGODB_GATEWAYS")
    database: str = Field("chat", alias="MONGODB_DATABASE", min_length=1)
    repeat_s: float = Field(0.0, alias="MONGODB_REPEAT_S", ge=0)
    connect_s: PositiveFloat = Field(0.5, alias="MONGODB_CONNECT_S")
    operation_s: PositiveFloat = Field(2.0, alias="MONGODB_OPERATION_S")
    pool_size: PositiveInt = Field(20, alias="MONGODB_POOL")


class RedisSettings(_FromEnvironment):
    """How to reach Redis. After a failure it is left alone for `rest_s`, so that not every request pays for it."""

    url: SecretStr = Field(SecretStr("redis://127.0.0.1:6379/0"), alias="REDIS_URL")
    timeout_s: PositiveFloat = Field(0.3, alias="REDIS_TIMEOUT_S")
    rest_s: PositiveFloat = Field(1.0, alias="REDIS_REST_S")
    ttl_s: PositiveInt = Field(3600, alias="CACHE_TTL_S")


class SentinelSettings(RedisSettings):
    """How to find the primary of several Redis servers. Of `url` only the credentials and the database count then.

    The sentinels are asked every `look_s`, and every `search_s` while the primary does not answer.
    """

    sentinels: Addresses = Field(alias="REDIS_SENTINELS")
    primary: str = Field("chat", alias="REDIS_MASTER", min_length=1)
    look_s: PositiveFloat = Field(2.0, alias="REDIS_LOOK_S")
    search_s: PositiveFloat = Field(0.2, alias="REDIS_SEARCH_S")


class LimitSettings(_FromEnvironment):
    """How many requests a client may make: `burst` at once, and `per_s` a second in the long run; 0 is no limit.

    `proxies` is how many proxies of ours stand before the app, of which each appends to X-Forwarded-For.
    """

    per_s: float = Field(0.0, alias="RATE_LIMIT_PER_S", ge=0)
    burst: PositiveInt = Field(20, alias="RATE_LIMIT_BURST")
    proxies: int = Field(0, alias="RATE_LIMIT_PROXIES", ge=0)


class ServeSettings(_FromEnvironment):
    """How `python -m targets.chat.serve` serves. A server that is told to stop says so for `drain_s` before it does.

    `keep_alive_s` must be longer than idle clients and load balancers keep their connections (design/facts.md: 120).
    What is still being answered after `stop_s` more is broken off.
    """

    host: str = Field("0.0.0.0", alias="SERVE_HOST")  # noqa: S104 - in a container that is what is wanted
    port: PositiveInt = Field(8000, alias="SERVE_PORT", lt=65536)
    keep_alive_s: PositiveInt = Field(120, alias="KEEP_ALIVE_S")
    drain_s: float = Field(0.0, alias="DRAIN_S", ge=0)
    stop_s: PositiveInt = Field(10, alias="STOP_S")


class SdkSettings(_FromEnvironment):
    """What the two official SDKs have in common: connecting, and the longest silence that is borne.

    Without `require_end` an answer that just stops is passed on as it is, with the finish reason 'unknown'.
    """

    connect_s: PositiveFloat = Field(3.0, alias="PROVIDER_CONNECT_S")
    read_s: PositiveFloat = Field(15.0, alias="PROVIDER_READ_S")
    deadline_s: PositiveFloat = Field(30.0, alias="PROVIDER_DEADLINE_S")
    max_tokens: PositiveInt = Field(1024, alias="PROVIDER_MAX_TOKENS")
    require_end: bool = Field(True, alias="PROVIDER_REQUIRE_END")


class ServiceSettings(SdkSettings):
    """Where a provider is, what lets us in, and the model that is asked. Each provider names the variables."""

    base_url: str
    api_key: SecretStr
    model: str


class OpenAISettings(ServiceSettings):
    """How to reach OpenAI, or the simulator that speaks like it."""

    base_url: str = Field("https://api.openai.com/v1", alias="OPENAI_BASE_URL")
    api_key: SecretStr = Field(alias="OPENAI_API_KEY")
    model: str = Field("gpt-4o-mini", alias="OPENAI_MODEL")


class AnthropicSettings(ServiceSettings):
    """How to reach Anthropic, or the simulator that speaks like it."""

    base_url: str = Field("https://api.anthropic.com", alias="ANTHROPIC_BASE_URL")
    api_key: SecretStr = Field(alias="ANTHROPIC_API_KEY")
    model: str = Field("claude-haiku-4-5", alias="ANTHROPIC_MODEL")


class GeminiSettings(ServiceSettings):
    """How to reach Gemini's OpenAI-compatible endpoint, or the simulator that speaks like it."""

    base_url: str = Field("https://generativelanguage.googleapis.com/v1beta/openai", alias="GEMINI_BASE_URL")
    api_key: SecretStr = Field(alias="GEMINI_API_KEY")
    model: str = Field("gemini-3.1-flash-lite", alias="GEMINI_MODEL")


class ResilienceSettings(_FromEnvironment):
    """How several providers stand in for one another; `targets/chat/resilience/` tells what becomes of each failure.

    A provider that another one may stand in for gets `attempt_s` for a whole answer, or `first_token_s` for the first
    words of a streamed one. The last one left gets what remains of `deadline_s`. After `breaker_failures` failures in a
    row a provider is left alone for `breaker_open_s`, and when it says for how long itself, for so long, but at most
    `retry_after_max_s` (0: what it says does not count). Repeating a question at the same provider is allowed for a
    share of `retry_ratio` of all requests, and `retry_burst` more at once; going on to another one for a share of
    `failover_ratio` (1 never denies the second of two providers).
    """

    failover: bool = Field(True, alias="CHAT_FAILOVER")
    breaker: bool = Field(True, alias="CHAT_BREAKER")
    deadline_s: PositiveFloat = Field(30.0, alias="PROVIDER_DEADLINE_S")
    attempt_s: PositiveFloat = Field(3.0, alias="PROVIDER_ATTEMPT_S")
    first_token_s: PositiveFloat = Field(2.0, alias="PROVIDER_FIRST_TOKEN_S")
    breaker_failures: PositiveInt = Field(5, alias="PROVIDER_BREAKER_FAILURES")
    breaker_open_s: PositiveFloat = Field(5.0, alias="PROVIDER_BREAKER_OPEN_S")
    retry_ratio: float = Field(0.1, alias="PROVIDER_RETRY_RATIO", ge=0, le=1)
    retry_burst: float = Field(10, alias="PROVIDER_RETRY_BURST", ge=0)
    retry_after_max_s: float = Field(30.0, alias="PROVIDER_RETRY_AFTER_MAX_S", ge=0)
    failover_ratio: float = Field(1.0, alias="PROVIDER_FAILOVER_RATIO", ge=0)
    order: Literal["configured", "health"] = Field("configured", alias="PROVIDER_ORDER")


class ChatSettings(_FromEnvironment):
    """The product itself: mode, limits, deadline, and where development keeps its file.

    `lease_s` is how long an Idempotency-Key stays reserved for a process that may have died; it must outlast the
    longest request, which is what the default of 60 s does with a provider deadline of 30 s. Unless `cache_may_fail`,
    a turn that cannot read its context from the cache fails, and spares the store the question.
    """

    mode: Literal["production", "dev"] = Field("production", alias="CHAT_MODE")
    sqlite_path: Path = Field(Path("chat.sqlite3"), alias="CHAT_SQLITE_PATH")
    provider_deadline_s: PositiveFloat = Field(30.0, alias="PROVIDER_DEADLINE_S")
    lease_s: PositiveFloat = Field(60.0, alias="CHAT_LEASE_S")
    context_messages: PositiveInt = Field(20, alias="CHAT_CONTEXT_MESSAGES")
    cache_may_fail: bool = Field(True, alias="CHAT_CACHE_MAY_FAIL")
    simulated_token_s: float = Field(0.02, alias="CHAT_SIMULATED_TOKEN_S", ge=0)
