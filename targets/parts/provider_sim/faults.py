"""The faults that the control API takes, each with its settings. Anything unknown or out of range is refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Tokens = Annotated[int, Field(ge=0, le=100_000)]

LIMITING = (429, 503, 529)  # statuses that may say when to come back


class _Fault(BaseModel):
    """`share` is the share of requests, drawn for each request, that meet the fault."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    share: float = Field(default=1.0, gt=0, le=1)


class StatusFault(_Fault):
    """An error status with the provider's own error body. A 429 always says when to come back (s)."""

    kind: Literal["status"]
    status: Literal[400, 401, 429, 500, 503, 529]
    retry_after_s: Annotated[int, Field(ge=1, le=3600)] | None = None

    @model_validator(mode="after")
    def _retry_after_fits(self) -> StatusFault:
        if self.retry_after_s is not None and self.status not in LIMITING:
            raise ValueError(f"retry_after_s goes with status {', '.join(map(str, LIMITING))}, not with {self.status}")
        if self.retry_after_s is None and self.status == 429:
            return self.model_copy(update={"retry_after_s": 1})
        return self


class HangFault(_Fault):
    """No byte of an answer, not even headers, until the client leaves."""

    kind: Literal["hang"]


class SlowFirstTokenFault(_Fault):
    """The first token comes `delay_s` later than it would have."""

    kind: Literal["slow_first_token"]
    delay_s: Seconds


class SlowTokensFault(_Fault):
    """Every token after the first takes `token_s`; with `delay_s` the first one is late as well."""

    kind: Literal["slow_tokens"]
    token_s: Seconds
    delay_s: Seconds = 0.0


class StallFault(_Fault):
    """After so many tokens not a byte more, until the client leaves."""

    kind: Literal["stall"]
    after_tokens: Tokens = 5


class CutFault(_Fault):
    """After so many tokens the connection is dropped."""

    kind: Literal["cut"]
    after_tokens: Tokens = 5


class TruncateFault(_Fault):
    """After so many tokens the answer ends cleanly, without its finish reason."""

    kind: Literal["truncate"]
    after_tokens: Tokens = 5


class MalformedFault(_Fault):
    """After so many tokens comes a chunk that is not JSON; a plain answer is a body that is not JSON."""

    kind: Literal["malformed"]
    after_tokens: Tokens = 5


class EmptyFault(_Fault):
    """A well-formed answer with nothing in it."""

    kind: Literal["empty"]


Fault = Annotated[
    StatusFault
    | HangFault
    | SlowFirstTokenFault
    | SlowTokensFault
    | StallFault
    | CutFault
    | TruncateFault
    | MalformedFault
    | EmptyFault,
    Field(discriminator="kind"),
]

_ADAPTER: TypeAdapter[Fault] = TypeAdapter(Fault)


def parse_fault(data: object) -> Fault:
    """Read a fault from decoded JSON. Raises pydantic's ValidationError."""
    return _ADAPTER.validate_python(data)
