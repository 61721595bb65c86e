"""A migration from beginning to end: both versions up, load on the entry before them, the move, the audit, the report.

Each stack has a campaign's label of its own, because a stack is taken down by its label; there is one journal for both,
and `recover` removes whatever carries the harness's mark.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import docker

from harness.campaign import ENV_FILE, READY_S, new_folder, refuse_dirty, run_seed
from harness.clock import RunClock
from harness.engine.cli import ComposeCli
from harness.engine.compose import ComposeDeployer
from harness.engine.host import compose_command
from harness.engine.images import ensure_images
from harness.engine.install import ensure_engine
from harness.engine.journal import Journal
from harness.engine.lock import EngineLock
from harness.engine.marks import engine_id, project_name, state_folder
from harness.engine.residue import residue, snapshot
from harness.engine.stack import Stack
from harness.engine.swarm import SwarmDeployer
from harness.errors import HarnessError, InstrumentError
from harness.history import FaultRecord, Receipt, RunRecord, read_history, read_record, write_record
from harness.interruption import exposed, interruptible, shielded
from harness.load.arrivals import generator_figures, write_arrivals
from harness.load.durability import audit
from harness.load.generator import LoadGenerator
from harness.load.plan import Plan, make_plan
from harness.loads import MANY_CLIENTS, Mix
from harness.migration import copier, page
from harness.migration.entry import Entry, entry_before
from harness.migration.judge import judge
from harness.migration.result import MigrationSummary
from harness.migration.steps import Moved, move
from harness.provenance import git_state, machine_facts, versions
from harness.run import AUDIT_S, GENERATOR_START_S, GRACE_S, HEAD_START_S
from harness.target import Target, find_target

DEADLINE_S = 10.0
WARMUP_S = 5.0
BEFORE_S = 15.0
"""How long (s) users are served by the version that is left before the first round; a sixth of a shorter run."""
RUN = "migration"
HYPOTHESIS = "Users are moved to another version under load, lose nothing, and are refused nothing."
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """From which version to which, with how many arrivals a second for how long (s)."""

    source: Target
    sink: Target
    rate: float
    duration_s: float
    seed: int

    @property
    def command(self) -> str:
        """The command that repeats it."""
        words = f"make migrate FROM={self.source.phase} TO={self.sink.phase}"
        return f"{words} RATE={self.rate:g} DURATION={self.duration_s:g} SEED={self.seed}"


@dataclass
class _Run:
    """The run under load while it happens. Reasons for doubt make it void."""

    asked: Asked
    folder: Path
    plan: Plan
    started: str
    moved: Moved = field(default_factory=Moved)
    doubts: list[str] = field(default_factory=list)


def question(source: str, sink: str, rate: float, duration_s: float, seed: int) -> Asked:
    """Read both targets. Raises ConfigError for one that cannot be used, HarnessError for a version to itself."""
    asked = Asked(find_target(source), find_target(sink), rate, duration_s, seed)
    if asked.source.phase == asked.sink.phase:
        raise HarnessError(f"{source} is where the users are already.", "Name another version: FROM=v1 TO=v2.")
    return asked


def migrate(asked: Asked, root: Path, say: Say) -> tuple[Path, MigrationSummary]:
    """Carry it out in a new folder under `root`; return the folder and what was found, which is on disk by then.

    Raises HarnessError when it cannot begin, InstrumentError when a stack does not come up, and Interrupted; everything
    that was started is gone by then.
    """
    folder = new_folder(root, f"migration-{asked.source.phase}-{asked.sink.phase}", datetime.now(UTC))
    try:
        client = ensure_engine(say)
        with closing(client), EngineLock(engine_id(client), who=asked.command):
            refuse_dirty(client)
            ensure_images(client, [*asked.source.images, *asked.sink.images, "edge", "toxiproxy", "netadmin"], say)
            summary = _carry_out(asked, folder, client, say)
    except BaseException:
        if not any(path.is_file() for path in folder.rglob("*")):
            shutil.rmtree(folder)
        raise
    return folder, summary


def _carry_out(asked: Asked, folder: Path, client: docker.DockerClient, say: Say) -> MigrationSummary:
    run_folder = folder / "runs" / RUN
    run_folder.mkdir()
    before = snapshot(client)
    plan = make_plan(asked.rate, asked.duration_s, WARMUP_S, Mix(), run_seed(asked.seed, RUN, 1))
    run = _Run(asked, run_folder, plan, datetime.now(UTC).isoformat(timespec="seconds"))
    with interruptible(), shielded():
        journal = Journal.begin(
            state_folder(engine_id(client)),
            campaign=folder.name,
            phase=f"{asked.source.phase} to {asked.sink.phase}",
            project=project_name(asked.sink.phase),
            results=folder.resolve(),
        )
        try:
            _on_both(run, folder, client, journal, say)
        finally:
            left = residue(before, snapshot(client))
            journal.finished()
        record = read_record(run.folder)
        write_record(run.folder, replace(record, void_because=[*run.doubts, *(f"left behind: {x}" for x in left)]))
        history = read_history(run.folder)
        summary = judge(
            history, run.moved, asked.command, git=git_state(), versions=versions(client), machine=machine_facts(client)
        )
        summary.write(folder / "migration.json")
        page.write_pages(folder, summary, history)
    return summary


def _on_both(run: _Run, folder: Path, client: docker.DockerClient, journal: Journal, say: Say) -> None:
    """Bring both up, move under load, look for every message at the version moved to, and take both down."""
    asked, name = run.asked, folder.name
    settings = _settings(asked, journal)
    with ExitStack() as stacks:
        source = stacks.enter_context(
            _up(asked.source, folder / "from", f"{name}-from", client, journal=journal, say=say)
        )
        sink = stacks.enter_context(_up(asked.sink, folder / "to", f"{name}-to", client, journal=journal, say=say))
        ports = (source.weaving.entry_port, sink.weaving.entry_port)
        entry = stacks.enter_context(entry_before(client, *ports, f"{name}-entry"))
        rounds = copier.ContainerCopier(
            client,
            copier.through(settings[0], source.weaving.proxies, "FROM_")
            | copier.through(settings[1], sink.weaving.proxies, "TO_"),
            f"{name}-copy",
        )
        with exposed():
            _under_load(run, entry, rounds, journal, say)
            _take_stock(run, (sink if run.moved.switched_s is not None else source).base_url)


def _settings(asked: Asked, journal: Journal) -> tuple[dict[str, str], dict[str, str]]:
    """Return where both versions store. Raises HarnessError for a version that cannot be left."""
    files = [ENV_FILE] if ENV_FILE.is_file() else []
    cli = ComposeCli(compose_command(), os.environ, files, journal.process_started)
    source, sink = (copier.store_settings(t, cli.rendered(t.folder / t.compose)) for t in (asked.source, asked.sink))
    copier.refuse_source(asked.source.phase, source)
    return source, sink


@contextmanager
def _up(
    target: Target, folder: Path, campaign: str, client: docker.DockerClient, *, journal: Journal, say: Say
) -> Iterator[Stack]:
    kind = SwarmDeployer if target.deployer == "swarm" else ComposeDeployer
    deployer = kind(
        client, folder, env_file=ENV_FILE, started=journal.process_started, about_to_make=journal.swarm_begun
    )
    say(f"Starting {target.phase} ({target.title}).")
    with exposed():
        stack = deployer.up(target, campaign, say)
    try:
        with exposed():
            stack.ready(READY_S)
        yield stack
    finally:
        say(f"Taking {target.phase} down.")
        try:
            stack.logs(folder / "logs")
        except OSError as error:  # no room for logs is no reason to leave a stack behind
            say(f"The logs could not be kept: {error}")
        stack.down(say)


def _under_load(run: _Run, entry: Entry, rounds: copier.Copier, journal: Journal, say: Say) -> None:
    duration_s = run.asked.duration_s
    try:
        with LoadGenerator(
            run.folder, run.plan, host=entry.base_url, run=run.folder.name, deadline_s=DEADLINE_S, clients=MANY_CLIENTS
        ) as load:
            journal.process_started("load generator", load.pid)
            load.ready(GENERATOR_START_S)
            clock = RunClock.starting_in(WARMUP_S + HEAD_START_S)
            load.go(clock)
            say(f"{run.asked.rate:g} arrivals/s for {duration_s:g} s.")
            clock.sleep_until(min(BEFORE_S, duration_s / 6))
            run.moved = move(entry, rounds, clock.now, say)
            load.wait(duration_s + DEADLINE_S + GRACE_S - clock.now())
    except InstrumentError as error:
        run.doubts.append(str(error))


def _take_stock(run: _Run, base_url: str) -> None:
    """Write arrivals and record, and look for every acknowledged message where users are now."""
    arrivals, oddities = write_arrivals(run.folder, run.plan)
    figures, reasons = generator_figures(run.folder, arrivals)
    run.doubts += [*oddities, *reasons]
    durability = audit(base_url, run.folder.name, arrivals, AUDIT_S)
    mix = Mix()
    write_record(
        run.folder,
        RunRecord(
            schema=1,
            run=run.folder.name,
            phase=f"{run.asked.source.phase}-{run.asked.sink.phase}",
            experiment=RUN,
            hypothesis=HYPOTHESIS,
            repeat=1,
            seed=run.asked.seed,
            started=run.started,
            rate_per_s=run.asked.rate,
            users=None,
            think_s=None,
            deadline_s=DEADLINE_S,
            warmup_s=WARMUP_S,
            duration_s=run.asked.duration_s,
            shares={"chat": mix.chat, "stream": mix.stream, "read": mix.read},
            faults=_windows(run.moved),
            durability=durability,
            generator=figures,
            void_because=run.doubts,
            clients=MANY_CLIENTS,
        ),
    )


def _windows(moved: Moved) -> list[FaultRecord]:
    """Return the time in which writes were stopped as what the report shades."""
    if moved.stopped_s is None:
        return []
    receipt = Receipt("confirmed", {}, {}, moved.stopped_s, moved.opened_s)
    return [
        FaultRecord("writes stopped", "entry", moved.stopped_s, moved.opened_s, moved.opened_s is not None, receipt)
    ]
