"""What can go wrong, each with its HTTP status; RFC 9457 bodies are made from these in `problems.py`."""

from __future__ import annotations


class ChatError(Exception):
    """Something the client is told about. `str()` is the problem's detail: never a secret, never an internal.

    `kind` names the problem's type for programs, `title` names it for people. `retry_after_s` becomes a Retry-After
    header.
    """

    status = 500
    kind = "internal"
    title = "Internal error"

    def __init__(self, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class ConversationUnknown(ChatError):
    """There is no conversation with that id."""

    status, kind, title = 404, "conversation-unknown", "Unknown conversation"


class KeyInProgress(ChatError):
    """Another request with the same Idempotency-Key has not ended yet."""

    status, kind, title = 409, "idempotency-key-in-progress", "A request with this Idempotency-Key is in progress"


class KeyReused(ChatError):
    """The Idempotency-Key was used for another request body."""

    status, kind, title = 422, "idempotency-key-reused", "The Idempotency-Key belongs to another request"


class RateLimited(ChatError):
    """The client has made more requests than it may."""

    status, kind, title = 429, "rate-limited", "Too many requests"


class StoreUnavailable(ChatError):
    """The database is away, or did not answer in time."""

    status, kind, title = 503, "database-unavailable", "The database is not available"


class ProviderError(ChatError):
    """The AI provider failed. `outcome` is its word in the metrics.

    `upstream_status` is the HTTP status that the provider answered with, None when it gave no status or the failure
    came after one of 200. What to do about a failure may hang on it; the client is told our status, not this one.
    `leave_alone_s` is how long the provider itself asked not to be asked again; None when it did not.
    """

    outcome = "error"

    def __init__(
        self,
        detail: str,
        *,
        retry_after_s: int | None = None,
        upstream_status: int | None = None,
        leave_alone_s: float | None = None,
    ) -> None:
        super().__init__(detail, retry_after_s=retry_after_s)
        self.upstream_status = upstream_status
        self.leave_alone_s = leave_alone_s


class ProviderUnavailable(ProviderError):
    """The provider cannot be reached, is overloaded, or refuses because of its own limits."""

    status, kind, title = 503, "provider-unavailable", "The AI provider is not available"
    outcome = "unavailable"


class ProviderTimeout(ProviderError):
    """The provider did not answer in time."""

    status, kind, title = 504, "provider-timeout", "The AI provider did not answer in time"
    outcome = "timeout"


class ProviderBadAnswer(ProviderError):
    """The provider answered, but not with a whole answer: an error, nonsense, nothing, or a part."""

    status, kind, title = 502, "provider-bad-answer", "The AI provider did not give a usable answer"
    outcome = "bad_answer"


class CacheUnavailable(Exception):
    """The cache cannot be used now. Never shown to a client: the API goes on without it."""


class SettingsError(Exception):
    """The environment says something that cannot be used. `str()` names the variable and the remedy."""
