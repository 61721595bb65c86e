"""Files of a result: written whole or not at all, and read back with one clear message when they are spoilt."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.errors import HarnessError, one_line


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the whole of it or none, also after a crash."""
    temporary = path.with_name(f"{path.name}.new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class Unreadable(HarnessError):
    """A file of a stored result is missing, cut off, or not what it should be."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(one_line(f"{path}: {why}.", most=1000), "Restore it from a copy, or run the experiment again.")


Stored = TypeVar("Stored")


def read_stored(path: Path, shape: type[Stored]) -> Stored:
    """Read a JSON file that the harness wrote as `shape`, a dataclass or a model.

    Raises Unreadable naming the file and the first thing in it that is wrong.
    """
    try:
        return TypeAdapter(shape).validate_json(path.read_bytes(), strict=True)
    except FileNotFoundError:
        raise Unreadable(path, "there is no such file") from None
    except OSError as error:
        raise Unreadable(path, f"it cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        why = first["msg"].rstrip(".")
        raise Unreadable(path, f"{place}: {why}" if place else why) from None
