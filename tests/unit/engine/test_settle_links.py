"""Between two runs: a link that stays silent is connected anew, and one that does not come back then ends it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.engine.settle import settle
from harness.engine.wide_area import WideArea
from harness.errors import InstrumentError
from harness.faults.base import Probe


class Stack(SimpleNamespace):
    """A stack with one link, which is silent until it is connected anew, if that helps at all."""

    def __init__(self, *, silent: bool, helps: bool) -> None:
        self.outcome, self.helps, self.asked = "silent" if silent else "answered", helps, list[str]()
        link = SimpleNamespace(name="cache", probe=lambda *_: Probe(self.outcome, None))
        super().__init__(
            fixed_units=(), servers={}, providers={}, links={"cache": link}, ready=lambda _: 0.0, pagers={},
            weaving=SimpleNamespace(wan=()), wide_area=WideArea(None, (), {}), link=link,
            target=SimpleNamespace(components={}),
        )  # fmt: skip

    def reconnect(self, link: str) -> list[str]:
        self.asked.append(link)
        self.outcome = "answered" if self.helps else "silent"
        return [f"link {link}: silent"]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.engine.settle.SILENT_S", 0.0)


def test_a_link_that_answers_is_left_alone() -> None:
    stack: Any = Stack(silent=False, helps=True)
    assert settle(stack, 0.0) == []
    assert stack.asked == []


def test_a_silent_link_is_connected_anew_and_that_is_said() -> None:
    stack: Any = Stack(silent=True, helps=True)
    assert settle(stack, 0.0) == ["link cache: silent"]
    assert stack.asked == ["cache"]


def test_one_that_stays_silent_is_an_error_with_its_name() -> None:
    stack: Any = Stack(silent=True, helps=False)
    with pytest.raises(InstrumentError, match="The link cache does not answer"):
        settle(stack, 0.0)


class Pager:
    """A pager of which alerts fire on; `anew` says whether they are others than before the run before."""

    def __init__(self, *, anew: bool) -> None:
        self.anew, self.asked = anew, 0

    def quiet(self) -> bool:
        self.asked += 1
        return False

    def fires_anew(self) -> bool:
        return self.anew

    def forget(self) -> list[str]:
        return ["ErrorBudgetBurnsSlowly"]


@pytest.mark.parametrize(("anew", "waited_s"), [(True, 30), (False, 3)])
def test_an_alert_that_was_waited_for_in_vain_is_not_waited_for_again(
    monkeypatch: pytest.MonkeyPatch, anew: bool, waited_s: float
) -> None:
    now = [100.0]
    monkeypatch.setattr("harness.engine.settle.time.monotonic", lambda: now[0])
    monkeypatch.setattr("harness.engine.settle.time.sleep", lambda s: now.__setitem__(0, now[0] + s))
    stack: Any = Stack(silent=False, helps=True)
    stack.pagers = {"pager": Pager(anew=anew)}
    assert settle(stack, 60.0) == ["alert ErrorBudgetBurnsSlowly: it was still firing"]
    assert now[0] - 100 == pytest.approx(waited_s, abs=1)


class Database:
    """A container that says what it has put back, or that it could not."""

    def __init__(self, said: str = "", *, fails: bool = False) -> None:
        self.said, self.fails, self.asked = said, fails, list[tuple[str, ...]]()

    def run(self, command: tuple[str, ...], timeout_s: float) -> str:
        self.asked.append(command)
        if self.fails:
            raise InstrumentError("`bring-home` ended with 1: the primary stays database-d.")
        return self.said


def _with(database: Database) -> Any:
    stack: Any = Stack(silent=False, helps=True)
    plain, home = SimpleNamespace(put_back=None), SimpleNamespace(put_back=("bring-home", "a"))
    stack.target = SimpleNamespace(components={"cache": plain, "database-a": home})
    stack.containers = {"database-a": [database, Database("never asked", fails=True)]}.__getitem__
    return stack


def test_a_component_puts_back_what_no_restart_does_and_it_is_said() -> None:
    database = Database("the primary was database-d, and is database-a again\n")
    assert settle(_with(database), 0.0) == ["database-a: the primary was database-d, and is database-a again"]
    assert database.asked == [("bring-home", "a")]
    assert settle(_with(Database()), 0.0) == []


def test_what_cannot_be_put_back_is_an_error() -> None:
    with pytest.raises(InstrumentError, match="the primary stays database-d"):
        settle(_with(Database(fails=True)), 0.0)
