"""A whole campaign without an engine, in a process of its own that a test may kill: `python -m tests.fakes.lab`.

Arguments: the results folder, the point at which it says `AT <point>` and lingers, and what goes wrong there: nothing,
'full' (from then on the disk has no room for the campaign's files), or 'go on' (it does not even linger). What was
healed and taken down is shown by files beside the campaigns. Everything but the engine is real: Locust, the timeline,
the record, the judging.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from harness import campaign, conclusion, run, stored
from harness.__main__ import guarded
from harness.claims import load_claims
from harness.engine.lock import EngineLock
from harness.engine.residue import Snapshot
from harness.engine.wide_area import WideArea
from harness.experiment import At, Experiment, Rate, known_experiments
from harness.history import EventLog, Receipt
from harness.interruption import interruptible
from harness.live import LiveView
from harness.target import find_target
from tests.fakes.chat_server import ChatServer
from tests.fakes.meters import FakeMeters, app_and_proxy

# The points: images, up, settle, start, warm-up, fault on, recovery, audit, down, judging.
SHELTERED = ("audit", "down", "judging")
"""Points at which a signal waits until everything is in order."""

LINGER_S = 20.0
SHELTERED_S = 0.5


class Point:
    """Says that it is reached, once, and gives the test time to do its worst."""

    def __init__(self, name: str, trouble: str) -> None:
        self.name, self.trouble, self.reached = name, trouble, False

    def __call__(self, name: str) -> None:
        if name != self.name or self.reached:
            return
        self.reached = True
        sys.stdout.write(f"AT {name}\n")
        sys.stdout.flush()
        if not self.trouble:
            time.sleep(SHELTERED_S if name in SHELTERED else LINGER_S)


@dataclass
class Mark:
    """An injection that is a file: it bites while the file is there."""

    path: Path

    def heal(self) -> None:
        self.path.unlink(missing_ok=True)

    def receipt(self) -> Receipt:
        return Receipt("confirmed", {}, {}, None, None, ["The file was there."])


@dataclass(frozen=True)
class Marking:
    """A fault that leaves a file where it bites."""

    path: Path
    at: Callable[[str], None]
    name: str = "marking"
    aimed_at: str = "role app"

    def check_aim(self, stage: Any) -> None: ...

    def inject(self, stage: Any) -> Mark:
        self.path.touch()
        self.at("fault on")
        return Mark(self.path)


@dataclass
class FakeStack:
    """A stack that is a chat server of this process; `folder/up` is there while it is up."""

    base_url: str
    folder: Path
    at: Callable[[str], None]
    killed: list[str] = field(default_factory=list)
    doors: dict[str, str] = field(default_factory=dict)
    place_links: dict[str, Any] = field(default_factory=dict)
    pagers: dict[str, Any] = field(default_factory=dict)
    wide_area: WideArea = field(default_factory=lambda: WideArea(None, (), {}))

    def ready(self, timeout_s: float) -> float:
        return 0.0

    def settle(self, timeout_s: float) -> list[str]:
        self.at("settle")
        return []

    def disturbances(self, since: datetime, spans: Any) -> list[str]:
        return self.killed

    def meters(self) -> FakeMeters:
        return FakeMeters([app_and_proxy(1 + look / 4, 100_000_000 + look) for look in range(100)], {"app": "app"})

    def logs(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)

    def down(self, log: Any) -> None:
        self.at("down")
        (self.folder / "up").unlink()


class View(LiveView):
    """Reaches points as the run goes on."""

    at: Callable[[str], None]

    def tick(self, moment: run.Moment) -> None:
        # On the main thread, where signals arrive: while it lingers here, the load and the faults go on.
        self.at("warm-up" if moment.now_s < 0 else "recovery" if moment.now_s > 1.6 else "")


def main(results: Path, name: str, trouble: str = "") -> int:
    """Run the campaign; return the exit code of `harness experiment`."""
    at = Point(name, trouble)
    if trouble == "full":
        _fill_up_at(at)
    with ChatServer() as server:
        stack = FakeStack(server.url, results, at)
        _replace_the_engine(stack, results, at)
        strike = At(0.5, Marking(results / "bites", at), lasts_s=0.8)
        asked = Experiment((strike,), Rate(30), duration_s=2.5, warmup_s=1.0, deadline_s=1.0, name="control")
        target = find_target("v1")
        claims = load_claims(target.folder / "claims.toml", known_experiments())
        plan = campaign.Plan(target, claims, (asked,), chosen=True, seed=1, repeats=1)
        view = View("v1", 1)
        view.at = at

        def command() -> None:
            _, summary = campaign.run_campaign(plan, results, view)
            raise SystemExit(0 if summary["valid"] else 2)

        with interruptible(last=True):
            return guarded(command)


def _replace_the_engine(stack: FakeStack, results: Path, at: Point) -> None:
    class Deployer:
        def __init__(self, *given: Any, **named: Any) -> None: ...

        def up(self, *given: Any) -> FakeStack:
            at("up")
            (results / "up").touch()
            return stack

    class Client:
        def close(self) -> None: ...

    replacements: dict[str, Any] = {
        "ensure_engine": lambda say: Client(),
        "ensure_images": lambda *given: at("images"),
        "engine_id": lambda client: f"fake-{os.getpid()}",
        "state_folder": lambda engine: results / "state",
        "EngineLock": lambda engine, who: EngineLock(engine, who, folder=results),
        "refuse_dirty": lambda client: None,
        "snapshot": lambda client: Snapshot(frozenset(), {}, frozenset()),
        "versions": lambda client: {"engine": "none"},
        "machine_facts": lambda client: {},
        "ComposeDeployer": Deployer,
    }
    for name, replacement in replacements.items():
        setattr(campaign, name, replacement)
    _before(run, "audit", lambda: at("audit"))
    _before(conclusion, "build_summary", lambda: at("judging"))
    _before(run.LoadGenerator, "ready", lambda: at("start"))


def _before(owner: Any, name: str, first: Callable[[], None]) -> None:
    original = getattr(owner, name)

    def both(*given: Any, **named: Any) -> Any:
        first()
        return original(*given, **named)

    setattr(owner, name, both)


def _fill_up_at(at: Point) -> None:
    """From the point on, nothing more goes into the campaign's folder."""

    def refuse(path: Path) -> None:
        if at.reached:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    write_whole, write = stored.write_whole, EventLog.write

    def whole(path: Path, text: str) -> None:
        refuse(path)
        write_whole(path, text)

    def event(log: EventLog, *given: Any, **named: Any) -> None:
        refuse(Path("events.jsonl"))
        write(log, *given, **named)

    for module in ("history", "campaign_record", "conclusion", "rescue", "stored"):
        sys.modules[f"harness.{module}"].write_whole = whole
    EventLog.write = event  # type: ignore[method-assign]


if __name__ == "__main__":
    os.environ.setdefault("TESTBED_METRICS_PORT", "off")  # a real campaign beside it may want the port
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
