"""Claims: sentences of a document, each bound to an experiment, a check and a threshold, or to the reason why not.

A target's `claims.toml`:

    schema = 1
    source = "../../docs/seed-readme.md"    # the document, seen from the claims file

    [[claims]]
    id = "database-down"
    quote = "Se o banco cair, tudo para"    # word for word, on `line` of the source
    line = 48
    claimed = "While the database is away, nothing works."
    kind = "weakness"                       # or "strength"
    experiment = "database_crash"
    check = "availability_under_fault"
    at_most = 0.05                          # or at_least; in the check's unit
    place = "tokyo"                         # optional: only the users of this place (checks availability and latency)

A claim that cannot be tested says `not_testable_because`; one that is measured but cannot be decided says
`undecidable_because`; one that waits for its experiment says `untested_because`. `yearly = true` marks one whose
threshold is the availability of a year: the projection (`harness project`) says how likely it is to hold.
`faster_than = "v1"` marks an untested one that says that users in other countries wait less than with that phase: no
campaign of one phase can tell, `harness compare` decides it.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from harness.checks import CHECKS
from harness.checks.base import Check, Question, Threshold
from harness.config import Strict, load_toml
from harness.errors import ConfigError, did_you_mean
from harness.history import Kind
from harness.places import PLACES

Standing = Literal["tested", "undecidable", "untested", "not testable"]


class Claim(Strict):
    """One sentence of the source and what would show that it is true.

    HELD means that the sentence is true, also where it names a weakness.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    quote: str = Field(min_length=1)
    line: PositiveInt
    claimed: str = Field(min_length=1)
    kind: Literal["strength", "weakness"]
    experiment: str | None = None
    check: str | None = None
    kinds: tuple[Kind, ...] = tuple(Kind)
    at_least: float | None = None
    at_most: float | None = None
    parameters: dict[str, float] = Field(default_factory=dict)
    place: str | None = None
    yearly: bool = False
    faster_than: str | None = Field(default=None, min_length=1)
    not_testable_because: str | None = Field(default=None, min_length=1)
    undecidable_because: str | None = Field(default=None, min_length=1)
    untested_because: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _either_tested_or_not(self) -> Claim:
        reasons = (self.not_testable_because, self.undecidable_because, self.untested_because)
        if sum(reason is not None for reason in reasons) > 1:
            raise ValueError("give at most one of not_testable_because, undecidable_because and untested_because")
        asked = (self.experiment, self.check, self.at_least, self.at_most, self.parameters or None, self.place)
        if self.standing in ("untested", "not testable"):
            if any(part is not None for part in asked):
                raise ValueError(
                    f"a claim that is {self.standing} has no experiment, check, threshold or parameters, and no place"
                )
        elif self.experiment is None or self.check is None or (self.at_least is None) == (self.at_most is None):
            raise ValueError("a claim needs experiment, check and one of at_least and at_most, or a reason why not")
        if self.yearly and (self.check != "availability" or self.at_least is None):
            raise ValueError("a yearly claim has the check 'availability' and at_least")
        if self.faster_than is not None and self.standing != "untested":
            raise ValueError("a claim with faster_than is decided by a comparison: give untested_because, too")
        if not self.kinds:
            raise ValueError("kinds names no kind of arrival")
        return self

    @property
    def standing(self) -> Standing:
        """How far the claim can be put to the test."""
        if self.not_testable_because is not None:
            return "not testable"
        if self.untested_because is not None:
            return "untested"
        return "undecidable" if self.undecidable_because is not None else "tested"

    @property
    def threshold(self) -> Threshold | None:
        """The threshold, or None where nothing is asked."""
        if self.at_least is None and self.at_most is None:
            return None
        return Threshold(self.at_least, self.at_most)

    def question(self, check: Check) -> Question:
        """Return what this claim asks of `check`, with the check's defaults for what it leaves open."""
        defaults = {name: parameter.default for name, parameter in check.parameters.items()}
        kinds = frozenset(kind.value for kind in self.kinds)
        return Question(kinds, self.threshold, {**defaults, **self.parameters}, self.place)


class Claims(Strict):
    """The whole of `claims.toml`. `source` is the document's path, seen from the claims file."""

    schema_version: Literal[1] = Field(alias="schema")
    source: str
    claims: tuple[Claim, ...]


def load_claims(path: Path, experiments: Collection[str]) -> Claims:
    """Read a claims file and check it against the known experiments, the checks and its source, line by line.

    Raises ConfigError with file, place and remedy for the first mistake.
    """
    claims = load_toml(path, Claims)
    lines = _source_lines(path, claims)
    seen: dict[str, int] = {}
    for number, claim in enumerate(claims.claims, start=1):
        place = f"claims[{number}] '{claim.id}'"
        if claim.id in seen:
            problem = f"the id is taken by claims[{seen[claim.id]}]."
            raise ConfigError(str(path), f"{place}.id", problem, "Give each claim an id of its own.")
        seen[claim.id] = number
        _check_quote(path, place, claim, lines)
        if claim.experiment is not None and claim.experiment not in experiments:
            problem = f"there is no experiment '{claim.experiment}'."
            raise ConfigError(str(path), f"{place}.experiment", problem, did_you_mean(claim.experiment, experiments))
        if claim.check is not None:
            _check_the_check(path, place, claim, claim.check)
    return claims


def check_the_checks(path: Path, claims: Claims) -> None:
    """Raise ConfigError for the first claim that asks for a check, or a parameter of one, that there is not."""
    for number, claim in enumerate(claims.claims, start=1):
        if claim.check is not None:
            _check_the_check(path, f"claims[{number}] '{claim.id}'", claim, claim.check)


def _source_lines(path: Path, claims: Claims) -> list[str]:
    source = path.parent / claims.source
    try:
        return source.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:  # not UTF-8, or a path that cannot be one
        problem = f"'{claims.source}' cannot be read: {error}."
        raise ConfigError(str(path), "source", problem, "Give the document's path, seen from this file.") from None


def _check_quote(path: Path, place: str, claim: Claim, lines: list[str]) -> None:
    if claim.line <= len(lines) and claim.quote in lines[claim.line - 1]:
        return
    elsewhere = [str(number) for number, line in enumerate(lines, start=1) if claim.quote in line]
    problem = f"line {claim.line} of the source does not say '{claim.quote}'."
    remedy = f"It stands on line {', '.join(elsewhere)}." if elsewhere else "Quote the source word for word."
    raise ConfigError(str(path), f"{place}.quote", problem, remedy)


def _check_the_check(path: Path, place: str, claim: Claim, name: str) -> None:
    if name not in CHECKS:
        raise ConfigError(str(path), f"{place}.check", f"there is no check '{name}'.", did_you_mean(name, CHECKS))
    check = CHECKS[name]
    for word, value in claim.parameters.items():
        where = f"{place}.parameters.{word}"
        if word not in check.parameters:
            remedy = did_you_mean(word, check.parameters)
            raise ConfigError(str(path), where, f"the check '{name}' knows no such parameter.", remedy)
        limits = check.parameters[word]
        if not limits.above < value < limits.below:
            remedy = f"Write a number above {limits.above:g} and below {limits.below:g}."
            raise ConfigError(str(path), where, f"{value:g} cannot be.", remedy)
    if claim.place is not None:
        _check_the_place(path, place, claim.place, name)
    bound = claim.threshold.bound if claim.threshold is not None else 0.0
    if check.unit == "share" and not 0 <= bound <= 1:
        where = f"{place}.{'at_most' if claim.at_least is None else 'at_least'}"
        raise ConfigError(str(path), where, f"{bound:g} is not a share.", "Write 0.95 for 95 %.")


def _check_the_place(path: Path, where: str, place: str, check: str) -> None:
    if place not in PLACES:
        raise ConfigError(str(path), f"{where}.place", f"there is no place '{place}'.", did_you_mean(place, PLACES))
    if not CHECKS[check].by_place:
        able = ", ".join(name for name, one in CHECKS.items() if one.by_place)
        problem = f"the check '{check}' does not tell places apart."
        raise ConfigError(str(path), f"{where}.place", problem, f"Those that do: {able}.")
