"""v4, mission critical: a cell in each of two regions, one truth across them, four AI providers, the nearer ones first.

python -m targets.chat.serve targets.v4.app:app   as in compose.yml, from the environment
CHAT_MODE=dev uvicorn targets.v4.app:app          without Docker: a SQLite file, memory, a simulated provider
"""

from __future__ import annotations

from collections.abc import Callable

from targets.chat.api import Environment, create_app
from targets.chat.cache.redis import RedisCache
from targets.chat.cache.sentinel import SentinelConnection
from targets.chat.development import development_parts
from targets.chat.errors import SettingsError
from targets.chat.limits.redis import token_buckets
from targets.chat.providers.anthropic import AnthropicProvider
from targets.chat.providers.base import Provider
from targets.chat.providers.gemini import GeminiProvider
from targets.chat.providers.mistral import MistralProvider, MistralSettings
from targets.chat.providers.openai import OpenAIProvider
from targets.chat.resilience.failover import FailoverProvider
from targets.chat.service import Parts
from targets.chat.settings import (
    AnthropicSettings,
    ChatSettings,
    DocumentSettings,
    GeminiSettings,
    LimitSettings,
    OpenAISettings,
    ResilienceSettings,
    SentinelSettings,
)
from targets.chat.stores.mongo import MongoStore


def compose(env: Environment) -> Parts:
    """What a region has of its own, before the one store of all of them."""
    settings = ChatSettings.from_env(env)
    if settings.mode == "dev":
        return development_parts(settings)
    sentinel = SentinelSettings.from_env(env)
    redis = SentinelConnection(sentinel)  # to whichever of the region's nodes its sentinels call primary
    return Parts(
        store=MongoStore(DocumentSettings.from_env(env)),  # through whichever gateway of the region answers
        cache=RedisCache(sentinel, connection=redis),  # if both nodes fall, context comes from the store
        provider=FailoverProvider(providers_of(env), ResilienceSettings.from_env(env)),  # the healthiest first
        limiter=token_buckets(LimitSettings.from_env(env), redis),  # without the cache everybody is let in
    )


def providers_of(env: Environment) -> list[Provider]:
    """All four, in the region's order (PROVIDERS). Raises SettingsError when that is not each of them once."""
    makers: dict[str, Callable[[], Provider]] = {
        "openai": lambda: OpenAIProvider(OpenAISettings.from_env(env)),
        "anthropic": lambda: AnthropicProvider(AnthropicSettings.from_env(env)),
        "gemini": lambda: GeminiProvider(GeminiSettings.from_env(env)),
        "mistral": lambda: MistralProvider(MistralSettings.from_env(env)),
    }
    names = env.get("PROVIDERS", "").split() or list(makers)
    if sorted(names) != sorted(makers):
        raise SettingsError(f"PROVIDERS must name each of {', '.join(makers)} once, not {' '.join(names)!r}.")
    return [makers[name]() for name in names]


app = create_app("Chat API v4 (mission critical)", compose)
