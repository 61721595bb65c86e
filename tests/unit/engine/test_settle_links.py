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
