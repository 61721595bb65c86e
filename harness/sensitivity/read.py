"""Reads the mechanisms of a target and checks them against claims, checks and experiments, before anything starts."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from harness.claims import Claims, check_the_checks
from harness.errors import ConfigError, did_you_mean
from harness.mechanism import Mechanism
from harness.sensitivity.compare import expectations, watched_claims
from harness.target import Target


def chosen_mechanisms(
    target: Target, claims: Claims, experiments: Collection[str], only: str | None = None
) -> dict[str, Mechanism]:
    """Return the target's mechanisms, or the one called `only`. Raises ConfigError with file, place and remedy."""
    path = target.folder / "target.toml"
    if not target.mechanisms:
        remedy = "Add a table [mechanisms.<name>]; docs/sensitivity.md says how."
        raise ConfigError(str(path), "mechanisms", "no mechanism is declared that could be switched off.", remedy)
    if only is not None and only not in target.mechanisms:
        remedy = did_you_mean(only, target.mechanisms)
        raise ConfigError("MECHANISM", "", f"the target {target.phase} declares no mechanism '{only}'.", remedy)
    chosen = {name: part for name, part in target.mechanisms.items() if only in (None, name)}
    for name, mechanism in chosen.items():
        _check(path, name, mechanism, claims, experiments)
    return chosen


def _check(path: Path, name: str, mechanism: Mechanism, claims: Claims, experiments: Collection[str]) -> None:
    place = f"mechanisms.{name}"
    if mechanism.experiment not in experiments:
        problem = f"there is no experiment '{mechanism.experiment}'."
        raise ConfigError(str(path), f"{place}.experiment", problem, did_you_mean(mechanism.experiment, experiments))
    theirs = {claim.id for claim in claims.claims if claim.experiment == mechanism.experiment}
    for wanted in mechanism.claims:
        if wanted not in theirs:
            problem = f"no claim '{wanted}' is tested by '{mechanism.experiment}'."
            raise ConfigError(str(path), f"{place}.claims", problem, did_you_mean(wanted, theirs))
    check_the_checks(path, Claims(schema=1, source=claims.source, claims=tuple(expectations(name, mechanism))))
    if not watched_claims(name, mechanism, claims):
        problem = f"nothing is measured in '{mechanism.experiment}': no claim and no expectation."
        raise ConfigError(str(path), place, problem, "Add [[mechanisms.<name>.expect]] with a check and a bound.")
