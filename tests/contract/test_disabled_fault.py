"""A run whose fault was secretly disabled, through everything but the engine: no verdict may come out of it.

The target fails just as if the fault had struck, so the figures alone would say that the claim holds. Only the receipt
knows better. Locust, timeline, record, judging and the command line are real; containers and the chat API are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness import __main__ as command_line
from harness import campaign
from harness.campaign_record import write_campaign
from harness.claims import Claims
from harness.conclusion import conclude, store_claims
from harness.engine.wide_area import WideArea
from harness.experiment import At, Experiment, Rate
from harness.faults.stop import Stop
from harness.run import Lab, run_experiment
from harness.target import find_target
from tests.fakes.chat_server import ChatServer
from tests.fakes.container import FakeContainer, Misdirected
from tests.fakes.histories import campaign as campaign_record
from tests.fakes.histories import claim
from tests.fakes.meters import FakeMeters

TARGET = find_target("v1")
ON_S, OFF_S = 1.0, 3.0
EXPERIMENT = Experiment(
    timeline=(At(ON_S, Stop(role="database"), lasts_s=OFF_S - ON_S),),
    load=Rate(60),
    duration_s=4.5,
    warmup_s=0.5,
    deadline_s=1.0,
    name="database_crash",
    hypothesis="It stops.",
)
RUN = "01-database_crash-1"


@dataclass
class Stack:
    """As much of a running stack as a run asks for."""

    server: ChatServer
    database: Any
    base_url: str = ""
    weaving: Any = field(default_factory=lambda: SimpleNamespace(left_out=frozenset()))
    pagers: dict[str, Any] = field(default_factory=dict)
    doors: dict[str, str] = field(default_factory=dict)
    wide_area: WideArea = field(default_factory=lambda: WideArea(None, (), {}))

    def settle(self, _: float) -> Sequence[str]:
        return []

    def meters(self) -> FakeMeters:
        return FakeMeters()

    def disturbances(self, began: datetime, spans: Any) -> list[str]:
        return []

    def containers(self, name: str) -> list[Any]:
        return [self.database] if name == "database" else []


class View:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def say(self, line: str) -> None: ...

    def tick(self, moment: Any) -> None: ...


class Notes:
    """The journal. When the fault is about to be on, the target begins to fail by itself."""

    def __init__(self, server: ChatServer) -> None:
        self._server = server

    def process_started(self, what: str, pid: int) -> None: ...

    def fault_on(self, name: str, aimed_at: str) -> None:
        self._server.script = lambda t, method: "unavailable"

    def fault_off(self, name: str, aimed_at: str) -> None:
        self._server.script = lambda t, method: "ok"


def database() -> FakeContainer:
    return FakeContainer(TARGET.components["database"])


CONTAINERS: dict[str, tuple[Callable[[], Any], str]] = {
    "as declared": (database, "confirmed"),
    "secretly disabled": (lambda: FakeContainer(TARGET.components["database"], deaf=True), "missing"),
    "another container": (
        lambda: Misdirected(database(), FakeContainer(TARGET.components["cache"])),
        "missing",
    ),
}


@pytest.mark.parametrize("how", CONTAINERS)
def test_only_a_fault_that_bit_gives_a_verdict(how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, receipt = CONTAINERS[how]
    summaries = []

    def run_campaign(plan: Any, root: Path, view: Any) -> tuple[Path, dict[str, Any]]:
        folder = tmp_path / "campaign"
        (folder / "runs" / RUN).mkdir(parents=True)
        with ChatServer() as server:
            stack: Any = Stack(server, make(), server.url)
            lab = Lab(TARGET, stack, View(stack), Notes(server))
            run_experiment(EXPERIMENT, 1, 7, lab, folder / "runs" / RUN)
        store_claims(folder, Claims(schema=1, source="seed.md", claims=(claim(at_most=0.2),)))
        write_campaign(folder, campaign_record(runs=(f"runs/{RUN}",)))
        summaries.append(conclude(folder))
        return folder, summaries[0]

    monkeypatch.setattr(campaign, "run_campaign", run_campaign)
    code = command_line.guarded(lambda: command_line.app(["experiment", "v1", "--experiment", "database_crash"]))

    summary = summaries[0]
    assert summary["runs"][0]["faults"][0]["receipt"] == receipt
    assert summary["runs"][0]["availability"]["value"] < 0.8  # users saw the same in all cases
    if receipt == "confirmed":
        assert (code, summary["verdict"], summary["valid"]) == (0, "HELD", True)
    else:
        assert (code, summary["verdict"], summary["valid"]) == (2, "INCONCLUSIVE", False)
        assert summary["claims"][0]["measured"] is None
        assert f"the receipt of stop on role database is {receipt}" in summary["runs"][0]["void_because"][0]
