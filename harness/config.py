"""Reads the TOML files that people write and turns every mistake into one clear message."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import ConfigError, did_you_mean, one_line

Model = TypeVar("Model", bound="Strict")


class Strict(BaseModel):
    """A table of a TOML file: unknown keys are mistakes, values are never coerced into another type."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def load_toml(path: Path, model: type[Model]) -> Model:
    """Read `path` as `model`.

    Raises ConfigError naming file, place and remedy when the file is missing, is not TOML, or does not fit.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(str(path), "", "there is no such file.", "Create it, or correct the name.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "", f"cannot be read: {error}.", "Make it a readable UTF-8 file.") from None
    except RecursionError:
        raise ConfigError(str(path), "", "is nested too deeply.", "Write it as the examples are.") from None
    except ValueError as error:  # not only TOMLDecodeError: Python refuses numbers of thousands of digits by itself
        raise ConfigError(str(path), "", f"is not valid TOML: {error}.", "Correct that line.") from None
    try:
        # By way of JSON: pydantic's strict mode then takes arrays for tuples, and still refuses '1' for 1.
        return model.model_validate_json(json.dumps(data, default=_no_date))
    except (RecursionError, UnicodeEncodeError):
        raise ConfigError(str(path), "", "cannot be used as it is.", "Write it as the examples are.") from None
    except ValidationError as error:
        raise _first_mistake(path, model, data, error) from None


def _no_date(value: object) -> dict[str, str]:
    """TOML has dates and times and no file here has any: something that fits no field, and shows what was written."""
    return {"a date or time": str(value)}


def _first_mistake(path: Path, model: type[BaseModel], data: Any, error: ValidationError) -> ConfigError:
    mistakes = error.errors(include_url=False)
    # A misspelt key shows as one that is unknown and one that is missing: the first says more.
    first = min(mistakes, key=lambda mistake: mistake["type"] != "extra_forbidden")
    place = _place(first["loc"])
    kind, word = first["type"], str(first["loc"][-1]) if first["loc"] else ""
    if kind == "extra_forbidden":
        known = _known_keys(model, first["loc"][:-1])
        return ConfigError(str(path), place, f"the key '{word}' is not known here.", did_you_mean(word, known))
    if kind == "missing":
        return ConfigError(str(path), place, "is missing.", f"Add the key '{word}'.")
    given = f" (it is {one_line(repr(first['input']), most=80)})" if not isinstance(first["input"], dict) else ""
    message = first["msg"].removeprefix("Value error, ").rstrip(".")
    return ConfigError(str(path), place, f"{message}{given}.", "Correct that value.")


def _place(loc: tuple[int | str, ...]) -> str:
    """('claims', 2, 'line') -> 'claims[3].line', counted from one as people count."""
    text = ""
    for part in loc:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _known_keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Keys that the model allows at `loc`, found by walking its annotations."""
    current: Any = model
    for part in loc:
        known = current.model_fields if isinstance(current, type) and issubclass(current, BaseModel) else {}
        if part in known:
            current = _inner_model(known[str(part)].annotation)
    if isinstance(current, type) and issubclass(current, BaseModel):
        return list(current.model_fields)
    return []


def _inner_model(annotation: Any) -> Any:
    """The model inside `X`, `X | None`, `list[X]`, `dict[str, X]` or `tuple[X, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None
