"""Ctrl-C, SIGTERM and SIGHUP: they end what is going on at once, and wait while things are being put in order.

    with interruptible():              # once, round everything: the command line does it
        with shielded():
            try:
                with exposed():        # only here can Interrupted be raised
                    work()
            finally:
                put_in_order()         # however the work ended, and whoever presses Ctrl-C now

The first signal raises Interrupted, the others only say that it takes a moment. One that comes behind a shield is not
forgotten: Interrupted is raised as soon as that breaks off nothing. `shielded` alone, in a `finally`, leaves a gap of
some instructions before it; where it matters the order above leaves none.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody wants the harness to end. Not an Exception: nothing that handles errors may swallow it."""


class _State:
    """What the handler goes by; the signals of a process are one thing, and so is this."""

    installed = False
    shielded = False
    ended = False  # Interrupted was raised: everything after it is putting in order
    pending = ""  # the signal that came behind a shield


def _on_signal(number: int, frame: FrameType | None) -> None:
    name = signal.Signals(number).name
    if not _State.shielded and not _State.ended:
        _State.ended = True
        raise Interrupted(name)
    _State.pending = name
    with suppress(OSError, RuntimeError):  # the terminal may be gone (SIGHUP), or stderr in use at this very moment
        sys.stderr.write(f"\n{name}: putting everything in order first; this takes some seconds.\n")


@contextmanager
def interruptible(last: bool = False) -> Iterator[None]:
    """Within the block a signal raises Interrupted; afterwards signals do what they did before.

    Where the block is the `last` thing that the process does they are ignored afterwards, so that an impatient second
    Ctrl-C cannot spoil the exit code. Within another such block nothing changes. SIGHUP stays ignored where `nohup`
    asked for that.
    """
    if _State.installed:
        yield
        return
    _State.shielded, _State.ended, _State.pending = False, False, ""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    if before[signal.SIGHUP] is signal.SIG_IGN:
        del before[signal.SIGHUP]
    for number in before:
        signal.signal(number, _on_signal)
    _State.installed = True
    try:
        yield
    finally:
        _State.installed = False
        for number, old in before.items():
            signal.signal(number, signal.SIG_IGN if last else old)


@contextmanager
def shielded() -> Iterator[None]:
    """Within the block signals wait."""
    before, _State.shielded = _State.shielded, True
    try:
        yield
    finally:
        _State.shielded = before
        _raise_what_waits()


@contextmanager
def exposed() -> Iterator[None]:
    """Within the block, which lies in a shielded one, signals do not wait."""
    before, _State.shielded = _State.shielded, False
    try:
        _raise_what_waits()
        yield
    finally:
        _State.shielded = before


def _raise_what_waits() -> None:
    if _State.installed and _State.pending and not _State.shielded and not _State.ended:
        _State.ended = True
        raise Interrupted(_State.pending)
