"""Read settings from environment variables; an empty variable counts as one that is not set."""

from __future__ import annotations

from collections.abc import Mapping


def number(
    environment: Mapping[str, str], name: str, default: float, *, at_least: float, more_than: float | None = None
) -> float:
    """Return the variable as a number. Raises ValueError that names it when it is none, or out of range."""
    text = environment.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, not '{text}'") from None
    if not at_least <= value < float("inf"):
        raise ValueError(f"{name} must be a number of at least {at_least:g}, not {text}")
    if more_than is not None and value <= more_than:
        raise ValueError(f"{name} must be more than {more_than:g}, not {text}")
    return value


def whole(environment: Mapping[str, str], name: str, default: int, *, at_least: int) -> int:
    """Return the variable as a whole number. Raises ValueError that names it when it is none, or too small."""
    value = number(environment, name, default, at_least=at_least)
    if value != int(value):
        raise ValueError(f"{name} must be a whole number, not {value:g}")
    return int(value)


def words(environment: Mapping[str, str], name: str, default: str) -> tuple[str, ...]:
    """Return the words of the variable, each once. Raises ValueError that names it when it has none."""
    found = tuple(dict.fromkeys((environment.get(name, "").strip() or default).split()))
    if not found:
        raise ValueError(f"{name} must name at least one")
    return found
