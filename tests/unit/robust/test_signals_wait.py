"""Signals: the first ends what is going on, none breaks off what puts things in order, none is forgotten."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from harness.interruption import Interrupted, exposed, interruptible, shielded


def strike(number: signal.Signals = signal.SIGTERM) -> None:
    """Send this process a signal; Python's handler has run when this returns, or has raised."""
    os.kill(os.getpid(), number)
    for _ in range(1000):
        pass


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Whatever a test did, the handlers are what they were; SIGHUP counts also where `nohup` runs the tests."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    outside = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    assert {number: signal.getsignal(number) for number in numbers} == before
    signal.signal(signal.SIGHUP, outside)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_raises_interrupted_with_its_name(number: signal.Signals) -> None:
    with interruptible(), pytest.raises(Interrupted, match=number.name):
        strike(number)


def test_the_second_signal_cannot_break_off_putting_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    healed = []
    with interruptible():
        with pytest.raises(Interrupted, match="SIGTERM"):
            try:
                strike()
            finally:
                strike(signal.SIGINT)  # between the exception and any shield
                healed.append("yes")
                strike(signal.SIGHUP)
        strike()  # and it stays so: everything after the first one is the end
    assert healed == ["yes"]
    assert capsys.readouterr().err.count("putting everything in order first") == 3


def test_a_signal_behind_a_shield_is_raised_when_the_outermost_ends() -> None:
    reached = []
    with interruptible():
        with pytest.raises(Interrupted, match="SIGHUP"), shielded():
            with shielded():
                strike(signal.SIGHUP)
                reached.append("inner")
            reached.append("outer")
        strike()
    assert reached == ["inner", "outer"]


def test_work_in_a_shield_can_be_exposed() -> None:
    done = []
    with interruptible(), pytest.raises(Interrupted), shielded():
        try:
            with exposed():
                strike()
                done.append("never")
        finally:
            strike(signal.SIGINT)
            done.append("healed")
    assert done == ["healed"]


def test_what_waited_is_raised_before_exposed_work_begins() -> None:
    with interruptible(), pytest.raises(Interrupted), shielded():
        strike()
        with exposed():
            raise AssertionError("the work began")


def test_an_inner_block_does_not_begin_anew() -> None:
    with interruptible():
        with pytest.raises(Interrupted), interruptible():
            strike()
        with interruptible():
            strike()  # the one that counts has come


def test_a_terminal_that_is_gone_does_not_break_off_healing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    healed = []
    with interruptible(), pytest.raises(Interrupted), shielded():
        monkeypatch.setattr(sys, "stderr", Gone())
        strike(signal.SIGHUP)
        healed.append("yes")
    monkeypatch.undo()
    assert healed == ["yes"]


NOHUP = """
import os, signal, sys, time
from harness.interruption import interruptible
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with interruptible(last=True):
    os.kill(os.getpid(), signal.SIGHUP)
    time.sleep(0.05)
os.kill(os.getpid(), signal.SIGINT)
time.sleep(0.05)
sys.exit(7)
"""


def test_nohup_is_respected_and_the_last_block_keeps_the_exit_code() -> None:
    assert subprocess.run([sys.executable, "-c", NOHUP], check=False, timeout=30).returncode == 7
