"""Ctrl-C and SIGTERM: they end what is going on at once, and wait while things are being put in order."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants the harness to end. Not an Exception: nothing that handles errors may swallow it."""


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted(signal.Signals(number).name)


def _wait(number: int, frame: FrameType | None) -> None:
    name = signal.Signals(number).name
    sys.stderr.write(f"\n{name}: healing and taking the stack down first; this takes some seconds.\n")


@contextmanager
def interruptible() -> Iterator[None]:
    """Within the block the signals raise Interrupted; afterwards they do what they did before."""
    with _handled_by(_interrupt):
        yield


@contextmanager
def shielded() -> Iterator[None]:
    """Within the block the signals only say that it takes a moment."""
    with _handled_by(_wait):
        yield


@contextmanager
def _handled_by(handler: object) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _SIGNALS}  # type: ignore[arg-type]
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
