"""A stack that does not come up: it goes, its logs stay, and the message says where."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.engine.deployer import Deployer, PortTaken
from harness.errors import InstrumentError
from harness.interruption import Interrupted


class FakeStack:
    """Notes what is asked of it. `said` is the log of its one service, None when it has no container at all."""

    project = "testbed-v9"

    def __init__(self, said: str | None = "no licence found", full: bool = False) -> None:
        self.asked: list[str] = []
        self._said, self._full = said, full

    def attach(self) -> None:
        self.asked.append("attach")

    def logs(self, folder: Path) -> None:
        self.asked.append("logs")
        if self._full:
            raise OSError("No space left on device")
        folder.mkdir()
        if self._said is not None:
            (folder / "web.log").write_text(self._said)

    def down(self, log: Any) -> None:
        self.asked.append("down")


def bring_up(folder: Path, stack: FakeStack, error: BaseException, said: list[str] | None = None) -> None:
    def work() -> None:
        raise error

    client: Any = SimpleNamespace()
    whole: Any = stack
    Deployer(client, folder, command=["true"]).or_take_down(whole, work, [].append if said is None else said.append)


def test_the_logs_are_kept_before_it_is_taken_down_and_the_message_names_them(tmp_path: Path) -> None:
    stack = FakeStack()
    with pytest.raises(InstrumentError) as raised:
        bring_up(tmp_path, stack, InstrumentError("web did not come up.", "See its log."))
    assert stack.asked == ["attach", "logs", "down"]
    assert str(raised.value) == (
        f"web did not come up.\nThe logs of all its services are in {tmp_path}/logs. See its log."
    )
    assert (tmp_path / "logs" / "web.log").read_text() == "no licence found"


@pytest.mark.parametrize("error", [PortTaken("Port 1 is taken."), Interrupted("SIGINT"), ValueError("a defect")])
def test_where_logs_explain_nothing_none_are_kept(tmp_path: Path, error: BaseException) -> None:
    stack = FakeStack()
    with pytest.raises(type(error)) as raised:
        bring_up(tmp_path, stack, error)
    assert raised.value is error
    assert stack.asked == ["down"]


def test_logs_that_cannot_be_kept_hide_nothing_and_leave_nothing_standing(tmp_path: Path) -> None:
    stack, said = FakeStack(full=True), list[str]()
    with pytest.raises(InstrumentError, match=r"^web did not come up\.$"):
        bring_up(tmp_path, stack, InstrumentError("web did not come up."), said)
    assert stack.asked[-1] == "down"
    assert said == ["The logs of testbed-v9 could not be kept: No space left on device"]


def test_a_folder_without_a_log_is_not_named(tmp_path: Path) -> None:
    with pytest.raises(InstrumentError, match=r"^The stack was refused\.$"):
        bring_up(tmp_path, FakeStack(said=None), InstrumentError("The stack was refused."))
