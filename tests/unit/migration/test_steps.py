"""The order of a move: what is copied when, and what becomes of users when something fails."""

from __future__ import annotations

from itertools import count

import pytest

from harness.errors import InstrumentError
from harness.migration.copier import CopyFailed, Round
from harness.migration.steps import MOST_ROUNDS, Moved, move


class World:
    """Entry and copier in one, and what was asked of them. Round k takes `seconds[k]`; the last of these stays."""

    def __init__(self, seconds: tuple[float, ...] = (0.5,), fails_at: int | None = None, drains: bool = True) -> None:
        self.seconds, self.fails_at, self.drains = seconds, fails_at, drains
        self.asked: list[str] = []
        self.copies = 0

    def stop_writes(self) -> None:
        self.asked.append("stop")

    def open_writes(self) -> None:
        self.asked.append("open")

    def switch(self) -> None:
        self.asked.append("switch")

    def drained(self, timeout_s: float) -> bool:
        self.asked.append("drained?")
        return self.drains

    def copy(self, since: str | None) -> Round:
        number, self.copies = self.copies, self.copies + 1
        if number == self.fails_at:
            raise CopyFailed("The copy ended with 2.")
        self.asked.append("everything" if since is None else since)
        return Round(f"since-{number}", 1, 2, 3, self.seconds[min(number, len(self.seconds) - 1)])

    def moved(self) -> Moved:
        clock = count(10.0)
        return move(self, self, lambda: next(clock), lambda line: None)


def test_the_last_round_is_of_everything_between_the_stop_and_the_switch() -> None:
    world = World()
    moved = world.moved()
    assert world.asked == ["everything", "since-0", "stop", "drained?", "everything", "switch", "open"]
    assert (moved.stopped_s, moved.because) == (12.0, "")
    assert 12.0 < (moved.drained_s or 0) < (moved.switched_s or 0) < (moved.opened_s or 0)


def test_rounds_go_on_until_one_is_short() -> None:
    world = World((9.0, 5.0, 3.0, 1.0))
    world.moved()
    assert world.asked[:5] == ["everything", "since-0", "since-1", "since-2", "stop"]


def test_a_copy_that_never_catches_up_ends() -> None:
    world = World((9.0,))
    world.moved()
    assert world.asked.index("stop") == MOST_ROUNDS


@pytest.mark.parametrize("fails_at", [0, 2])
def test_users_stay_and_write_on_when_a_round_fails(fails_at: int) -> None:
    world = World(fails_at=fails_at)
    moved = world.moved()
    assert "switch" not in world.asked
    assert moved.because == "The copy ended with 2."
    assert world.asked.count("stop") == world.asked.count("open")


def test_users_stay_when_writes_do_not_end() -> None:
    world = World(drains=False)
    moved = world.moved()
    assert world.asked[-2:] == ["drained?", "open"]
    assert moved.switched_s is None
    assert "did not end within 15 s" in moved.because


def test_writes_are_let_in_when_the_entry_fails_during_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    def broken(timeout_s: float) -> bool:
        raise InstrumentError("The entry takes no orders.")

    monkeypatch.setattr(world, "drained", broken)
    with pytest.raises(InstrumentError):
        world.moved()
    assert world.asked[-1] == "open"
