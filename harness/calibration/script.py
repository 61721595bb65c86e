"""A truth script: what the reference server does to requests, and when. docs/calibration.md documents the file.

An *episode* reaches from `start_s` up to, and not including, `start_s + lasts_s` of run time. A request's fate is
decided at one moment, when it arrives: the first episode of the script that is on by then and that draws the request
decides; without one it is answered after `service_s`. `refused` is no such episode: nothing arrives while it is on.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from harness.config import Strict

TELLING_S = 0.25
"""How far (s) an answer must lie from the deadline: nearer than that, the truth would hang on the machine's mood."""


class Form(StrEnum):
    """What the reference server does to a request."""

    HANG = "hang"  # takes it, and never says a word
    UNAVAILABLE = "503"
    REFUSED = "refused"  # the listening socket is closed, and what is in flight is broken off
    SLOW = "slow"  # answers `seconds` later than usual
    CUT = "cut"  # closes the connection in the middle of the answer
    TRUNCATED = "truncated"  # the answer is well-formed HTTP and ends without its end


class Episode(Strict):
    """One thing that the server does for a while, to a share of requests. Times are seconds of run time."""

    form: Form
    start_s: float = Field(ge=0, allow_inf_nan=False)
    lasts_s: float = Field(ge=0.001, allow_inf_nan=False)
    share: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False)
    seconds: float | None = Field(default=None, gt=0, le=3600, allow_inf_nan=False)

    @property
    def end_s(self) -> float:
        """When it is over (s)."""
        return self.start_s + self.lasts_s

    def on(self, t_s: float) -> bool:
        """Whether it is on at run time `t_s`."""
        return self.start_s <= t_s < self.end_s

    @model_validator(mode="after")
    def _makes_sense(self) -> Episode:
        if (self.form is Form.SLOW) != (self.seconds is not None):
            raise ValueError("'seconds' belongs to the form 'slow', and to no other")
        if self.form is Form.REFUSED and self.share != 1:
            raise ValueError("a closed socket refuses everyone: the share of 'refused' is 1")
        return self


class Script(Strict):
    """The whole truth of one run. `service_s` is how long (s) a healthy answer takes."""

    schema_version: Literal[1] = Field(alias="schema")
    name: str = Field(default="script", pattern=r"^[a-z0-9][a-z0-9_.-]{0,39}$")
    duration_s: float = Field(ge=1, le=3600, allow_inf_nan=False)
    deadline_s: float = Field(default=2.0, ge=0.5, le=60, allow_inf_nan=False)
    service_s: float = Field(default=0.005, ge=0, le=10, allow_inf_nan=False)
    seed: int = Field(default=1, ge=0, le=2**53)
    episodes: tuple[Episode, ...] = Field(default=(), max_length=1000)

    @model_validator(mode="after")
    def _fits_together(self) -> Script:
        for number, episode in enumerate(self.episodes, start=1):
            if episode.end_s > self.duration_s + 1e-9:
                raise ValueError(f"episode {number} ends at {episode.end_s:g} s, after the run ({self.duration_s:g} s)")
            if abs(self.service_s + (episode.seconds or 0.0) - self.deadline_s) < TELLING_S:
                raise ValueError(f"the answers of episode {number} come within {TELLING_S:g} s of the deadline")
        if abs(self.service_s - self.deadline_s) < TELLING_S:
            raise ValueError(f"healthy answers come within {TELLING_S:g} s of the deadline")
        closed = sorted((e for e in self.episodes if e.form is Form.REFUSED), key=lambda e: e.start_s)
        for one, two in pairwise(closed):
            if two.start_s < one.end_s + TELLING_S:
                raise ValueError(f"two episodes 'refused' are less than {TELLING_S:g} s apart")
        return self

    def fate(self, t_s: float, seq: int) -> int | None:
        """Return the index of the episode that decides about a request arriving at `t_s`; None when it is healthy."""
        for index, episode in enumerate(self.episodes):
            if episode.form is not Form.REFUSED and episode.on(t_s) and self.draws(index, seq):
                return index
        return None

    def draws(self, index: int, seq: int) -> bool:
        """Whether episode `index` draws the arrival `seq`: the same for everyone who knows the script."""
        share = self.episodes[index].share
        if share >= 1:
            return True
        digest = hashlib.blake2b(f"{self.seed}/{index}/{seq}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64 < share

    def answered_after_s(self, index: int | None) -> float | None:
        """Return how long (s) after its arrival a request gets its right answer; None when it gets none."""
        if index is None:
            return self.service_s
        episode = self.episodes[index]
        return self.service_s + (episode.seconds or 0.0) if episode.form is Form.SLOW else None
