"""Errors that a person can act on: what is wrong, where, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(Exception):
    """Something the user can mend. `str()` is one message that ends with the remedy."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy


class ConfigError(HarnessError):
    """A file that a person wrote says something that cannot be used.

    `file` is the path as the user knows it, `place` where in it (a key path or a line).
    """

    def __init__(self, file: str, place: str, problem: str, remedy: str) -> None:
        where = f"{file}: {place}" if place else file
        super().__init__(one_line(f"{where}: {problem}", most=1000), one_line(remedy, most=1000))
        self.file = file
        self.place = place


class InstrumentError(HarnessError):
    """The instrument failed, not the target: what was measured cannot be trusted."""


class OutOfOrder(InstrumentError):
    """The stack could not be put in order before a run; nothing of that run has begun."""


class EngineBusy(HarnessError):
    """Another harness is at work on the engine."""


class NothingToBreak(HarnessError):
    """A fault was aimed at a role, zone, region or link that the target does not have."""


def one_line(text: str, most: int = 300) -> str:
    """Return `text` as one line that a terminal can show: no control characters, at most `most` characters."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return shown if len(shown) <= most else f"{shown[: most - 4]} ..."


def printable(text: str) -> str:
    """Return `text` without the characters that would act on a terminal; its lines stay."""
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return 'Did you mean X? Known: a, b, c.' for a word that is not among the known ones."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return f"{hint}Known: {', '.join(names) or 'none'}."
