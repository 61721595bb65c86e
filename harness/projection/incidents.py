"""`incidents.toml`: the yearly rates and the lengths of incidents, each with a source and a range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, PositiveFloat, model_validator

from harness.config import Strict, load_toml
from harness.errors import ConfigError, did_you_mean

FILE = Path(__file__).parent / "incidents.toml"
Z_95 = 1.959964
Z_90 = 1.281552


class Range(Strict):
    """A rate (a year) between the ends of its 95 % range; log-normal about `likely`, which is its median."""

    likely: PositiveFloat
    low: PositiveFloat
    high: PositiveFloat

    @model_validator(mode="after")
    def _in_order(self) -> Range:
        if not self.low <= self.likely <= self.high:
            raise ValueError("low, likely and high must be in this order")
        return self

    @property
    def sigma(self) -> float:
        """The spread of the rate's logarithm. Where the range is lopsided its two sides share it."""
        return float(np.log(self.high / self.low)) / (2 * Z_95)


class Length(Strict):
    """How many minutes an incident lasts; log-normal."""

    median: PositiveFloat
    p90: PositiveFloat

    @model_validator(mode="after")
    def _in_order(self) -> Length:
        if self.p90 < self.median:
            raise ValueError("p90 must not be below the median")
        return self

    @property
    def sigma(self) -> float:
        """The spread of the length's logarithm."""
        return float(np.log(self.p90 / self.median)) / Z_90

    @property
    def mean(self) -> float:
        """The mean length (minutes)."""
        return float(self.median * np.exp(self.sigma**2 / 2))


class Incident(Strict):
    """One kind of incident. The file's head says what each field means."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    what: str = Field(min_length=1)
    experiments: tuple[str, ...] = Field(min_length=1)
    per: str = "target"
    per_year: Range
    minutes: Length | None = None
    severity: float = Field(default=1.0, gt=0, le=1)
    assumed: bool = False
    source: str = Field(min_length=1)


class Incidents(Strict):
    """The whole file."""

    schema_version: Literal[1] = Field(alias="schema")
    incidents: tuple[Incident, ...]


def load_incidents(path: Path = FILE) -> tuple[Incident, ...]:
    """Read the file. Raises ConfigError with file, place and remedy."""
    incidents = load_toml(path, Incidents).incidents
    ids = [incident.id for incident in incidents]
    for number, name in enumerate(ids):
        if name in ids[:number]:
            problem = f"the id '{name}' is taken by another incident."
            raise ConfigError(str(path), f"incidents[{number + 1}].id", problem, "Give each an id of its own.")
    return incidents


@dataclass(frozen=True)
class WhatIf:
    """By how much something is multiplied, by the incident's id: how often, how long, what it costs once."""

    rate: dict[str, float]
    length: dict[str, float]
    once: dict[str, float]

    def applied(self, incident: Incident) -> Incident:
        """Return the incident as it would be."""
        by, long = self.rate.get(incident.id, 1.0), self.length.get(incident.id, 1.0)
        rate, minutes = incident.per_year, incident.minutes
        changed = Range(likely=rate.likely * by, low=rate.low * by, high=rate.high * by)
        if minutes is not None:
            minutes = Length(median=minutes.median * long, p90=minutes.p90 * long)
        return incident.model_copy(update={"per_year": changed, "minutes": minutes})


def parse_what_if(option: str, given: Sequence[str], known: Sequence[str]) -> dict[str, float]:
    """Read `provider-away=2x` and the like. Raises ConfigError naming option, value and remedy."""
    factors: dict[str, float] = {}
    for text in given:
        name, sign, factor = text.partition("=")
        name = name.replace("_", "-")
        try:
            value = float(factor.removesuffix("x"))
        except ValueError:
            value = -1.0
        if not sign or not 0 < value < 1e6:
            raise ConfigError(option, text, "is not understood.", f"Write {option} {known[0]}=2x, or =0.5x.")
        if name not in known:
            raise ConfigError(option, text, f"there is no incident '{name}'.", did_you_mean(name, known))
        factors[name] = value
    return factors
