"""What the official openai and anthropic SDKs raise, and what it means. Both are made by the same generator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import httpx2

from targets.chat.errors import ProviderBadAnswer, ProviderError, ProviderTimeout, ProviderUnavailable

RETRY_AFTER_S = 5  # what we tell a client when the provider does not say
LONGEST_WAIT_S = 3600  # what we tell a client at most
OVERLOADED = {408, 425, 429, 503, 529}  # "not now": asking again later may help

# An idle connection is given up before any server does (uvicorn: after 5 s), so that a request never goes out on a
# connection that is being closed under it.
LIMITS = httpx2.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=4.0)


class SdkErrors(NamedTuple):
    """The exception classes of one SDK, from the narrowest to the widest."""

    timeout: type[Exception]
    connection: type[Exception]
    status: type[Exception]
    any: type[Exception]


class Refusal(NamedTuple):
    """What an error status means: the status itself or a truer one, and how long (s) we are asked to stay away."""

    status: int
    wait_s: int | None


def refusal(response: httpx2.Response, body: object) -> Refusal:
    """Take the status for what it says, and the Retry-After header. Its other form, a date, is rare and passed over."""
    value = response.headers.get("retry-after")
    return Refusal(response.status_code, int(value) if value and value.isascii() and value.isdigit() else None)


@contextmanager
def translated(
    provider: str, sdk: SdkErrors, refused: Callable[[httpx2.Response, object], Refusal] = refusal
) -> Iterator[None]:
    """Turn whatever the SDK raises inside the block into a ProviderError. `refused` reads an error status.

    Besides its own exceptions an SDK lets raw ones through: a JSONDecodeError for a chunk that is not JSON, an
    httpx2 error when a stream breaks, and TypeErrors and the like when JSON is not shaped like an answer.
    """
    try:
        yield
    except (sdk.timeout, httpx2.TimeoutException) as error:
        raise ProviderTimeout(f"{provider} did not answer in time.") from error
    except sdk.status as error:
        raise _from_status(provider, error, refused) from error
    except (sdk.connection, httpx2.TransportError) as error:
        raise _from_connection(provider, error) from error
    except (sdk.any, httpx2.HTTPError, httpx2.StreamError) as error:
        raise ProviderBadAnswer(f"{provider} reported an error in its answer.") from error
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, IndexError, KeyError, TypeError) as error:
        raise ProviderBadAnswer(f"{provider} gave an answer that cannot be read.") from error


def _from_status(
    provider: str, error: Exception, refused: Callable[[httpx2.Response, object], Refusal]
) -> ProviderError:
    response = getattr(error, "response", None)
    if not isinstance(response, httpx2.Response) or response.status_code < 400:
        # an error event inside a stream that began with 200
        return ProviderBadAnswer(f"{provider} reported an error in its answer.")
    status, wait_s = refused(response, getattr(error, "body", None))
    if status in OVERLOADED:
        detail = f"{provider} takes no requests now (status {status})."
        later_s = RETRY_AFTER_S if wait_s is None else min(wait_s, LONGEST_WAIT_S)
        return ProviderUnavailable(detail, retry_after_s=later_s, upstream_status=status, leave_alone_s=wait_s)
    return ProviderBadAnswer(f"{provider} answered with status {status}.", upstream_status=status)


def _from_connection(provider: str, error: Exception) -> ProviderError:
    cause = error if isinstance(error, httpx2.TransportError) else error.__cause__
    if isinstance(cause, httpx2.ProtocolError | httpx2.ReadError):  # it took the request, then hung up
        return ProviderBadAnswer(f"{provider} hung up before its answer was complete.")
    return ProviderUnavailable(f"{provider} cannot be reached.", retry_after_s=RETRY_AFTER_S)
