"""One campaign: a target, all its experiments, and what may be said about its claims.

1. Everything that people wrote is read and checked before anything starts: target, experiments, claims, disk.
2. An engine is found (or installed), and no other harness uses it.
3. A dirty engine is refused; what is there now is noted, for comparison at the end.
4. The images are made when their inputs changed; the stack comes up with Toxiproxy on every link.
5. Each experiment runs, as often as asked for, on the same stack.
6. Whatever happened: faults healed, logs kept, the stack taken down, the engine compared with before.
7. Only then, and only from what is on disk: verdicts, summary, reports.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import docker
import requests

from harness.afresh import carry_through
from harness.calibration.coverage import covering
from harness.campaign_record import CampaignRecord, read_campaign, write_campaign
from harness.claims import Claims, load_claims
from harness.conclusion import conclude, point_latest_to, store_claims
from harness.engine.compose import ComposeDeployer
from harness.engine.images import ensure_images
from harness.engine.install import ensure_engine
from harness.engine.journal import Journal
from harness.engine.lock import EngineLock
from harness.engine.marks import engine_id, project_name, state_folder
from harness.engine.residue import Snapshot, dirty, residue, snapshot
from harness.engine.stack import Stack
from harness.engine.swarm import SwarmDeployer
from harness.errors import ConfigError, HarnessError, InstrumentError, NothingToBreak, OutOfOrder, did_you_mean
from harness.experiment import MOST_PER_S, Experiment, known_experiments, load_experiment
from harness.history import RECORD, RunRecord
from harness.interruption import Interrupted, exposed, interruptible, shielded
from harness.lab import Director, NoDirector, Observer
from harness.live import LiveView
from harness.load.arrivals import only_late
from harness.logs import collect as collect_logs
from harness.observe.laboratory import Watchers, see_to
from harness.provenance import git_state, machine_facts, versions
from harness.rescue import mark_at_work, unmark
from harness.run import Lab, arrivals_per_s, run_experiment
from harness.target import Target, find_target

LEAST_FREE_BYTES = 500 * 1024 * 1024
READY_S = 60.0
MOST_REPEATS_OF_LATE_RUNS = 2
_ENGINE_ERRORS = (docker.errors.DockerException, requests.RequestException)
ENV_FILE = Path(__file__).resolve().parent.parent / ".env"


@dataclass(frozen=True)
class Plan:
    """What was asked for, checked. `chosen` is True when the experiments were asked for by name.

    `first` is the number of the first repeat: another campaign may have made those before it.
    `part_of` is the command of the larger undertaking that this campaign is a part of, if it is one. With a `director`
    of its own it decides when faults strike; its runs are never done again.
    """

    target: Target
    claims: Claims
    experiments: tuple[Experiment, ...]
    chosen: bool
    seed: int
    repeats: int
    part_of: str = ""
    first: int = 1
    director: Director = field(default_factory=NoDirector)

    @property
    def command(self) -> str:
        """The command that repeats it."""
        if self.part_of:
            return self.part_of
        words = f"make experiment PHASE={self.target.phase}"
        if self.chosen:
            words += f" EXPERIMENT={shlex.quote(' '.join(one.name for one in self.experiments))}"
        return f"{words} SEED={self.seed} REPEATS={self.repeats}"


def make_plan(phase: str, experiment: str | None, seed: int, repeats: int) -> Plan:
    """Read and check everything that people wrote. `experiment` may name several, separated by blanks or commas.

    Raises ConfigError that names file, place and remedy.
    """
    target = find_target(phase)
    names = known_experiments()
    claims = load_claims(target.folder / "claims.toml", names)
    for table, mentioned in (("by_name_only", [*target.by_name_only]), ("alerts", [*target.alerts])):
        for name in mentioned:
            if name not in names:
                problem, remedy = f"there is no experiment '{name}'.", did_you_mean(name, names)
                raise ConfigError(str(target.folder / "target.toml"), table, problem, remedy)
    suite = [name for name in names if name not in target.by_name_only]
    asked = suite if experiment is None else list(dict.fromkeys(experiment.replace(",", " ").split())) or [experiment]
    chosen = [load_experiment(name) for name in asked]
    for one in chosen:
        _check_amount(one, target)
    return Plan(target, claims, tuple(chosen), experiment is not None, seed, repeats)


def _check_amount(experiment: Experiment, target: Target) -> None:
    rate = arrivals_per_s(experiment, target)
    if rate > MOST_PER_S:
        problem = f"experiment '{experiment.name}' makes {rate:.3g} arrivals a second of it."
        remedy = f"At most {MOST_PER_S:g} can be made: claim fewer users, or give them more time to think."
        raise ConfigError(str(target.folder / "target.toml"), "users", problem, remedy)
    if round(rate * experiment.duration_s) < 1:
        problem = f"{rate:.3g} arrivals a second for {experiment.duration_s:g} s are not even one."
        raise ConfigError(f"experiment '{experiment.name}'", "load", problem, "Ask for more, or for longer.")


def run_campaign(plan: Plan, root: Path, view: LiveView, *, held: bool = False) -> tuple[Path, dict[str, Any]]:
    """Carry out a campaign; return its folder and its summary. Its record says whether it is valid.

    `held` says that the caller holds the engine's lock already, for several campaigns in a row.

    Raises HarnessError when it cannot even begin, InstrumentError when there is no room for its record, and Interrupted
    after everything was healed, kept and taken down.
    """
    folder = new_folder(root, plan.target.phase, datetime.now(UTC))
    with Watchers(folder, view.say) as watchers:
        try:
            client = ensure_engine(view.say)
            with closing(client), _engine(client, plan, held):
                refuse_dirty(client)
                ensure_images(client, [*plan.target.images, "toxiproxy", "netadmin"], view.say)
                _Campaign(plan, folder, client, view, watchers).carry_out()
        except BaseException:
            with shielded():
                _keep_or_drop(folder)
            raise
        with shielded():
            summary = conclude(folder)
            point_latest_to(folder)
        watchers.campaign_ends()
    see_to(folder, view.say)
    return folder, summary


def _engine(client: docker.DockerClient, plan: Plan, held: bool) -> AbstractContextManager[object]:
    return nullcontext() if held else EngineLock(engine_id(client), who=plan.command)


def _keep_or_drop(folder: Path) -> None:
    """After a campaign that did not come to its end: judge what was recorded; an empty folder is no result."""
    if not any((folder / "runs").iterdir()):
        shutil.rmtree(folder)
        return
    with suppress(HarnessError):  # why the campaign ended says more, and `harness judge` can try again
        if read_campaign(folder).finished is not None:
            conclude(folder)
            point_latest_to(folder)


def refuse_dirty(client: docker.DockerClient) -> None:
    """Raise HarnessError when an earlier harness left something behind."""
    found = dirty(client)
    if found:
        raise HarnessError(f"The engine is not clean: {'; '.join(found)}.", "Run `make recover`, then try again.")


def new_folder(root: Path, phase: str, now: datetime) -> Path:
    """Make the campaign's folder. Raises HarnessError when the results cannot be written or the disk is full."""
    folder = root / f"{phase}-{now:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}"
    try:
        (folder / "runs").mkdir(parents=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        problem = f"{folder}: cannot be written: {error.strerror}."
        raise HarnessError(problem, "Make it writable, or free space.") from None
    if free < LEAST_FREE_BYTES:
        shutil.rmtree(folder)
        raise HarnessError(f"{root}: only {free / 1e6:.0f} MB are free.", "Free at least 500 MB.")
    return folder


def run_seed(seed: int, experiment: str, repeat: int) -> int:
    """Derive a run's seed: the same for every phase, different for every experiment and repeat."""
    digest = hashlib.sha256(f"{seed}/{experiment}/{repeat}".encode()).digest()
    return int.from_bytes(digest[:6], "big")


@dataclass(frozen=True)
class _Job:
    """One run to be carried out: its experiment, which repeat of it, and its place in the campaign, from 1."""

    experiment: Experiment
    repeat: int
    number: int

    @property
    def name(self) -> str:
        return f"{self.number:02d}-{self.experiment.name}-{self.repeat}"


class _Campaign:
    """A campaign while it happens: its record is on disk from the start, and rewritten after each run."""

    def __init__(
        self, plan: Plan, folder: Path, client: docker.DockerClient, view: LiveView, observer: Observer
    ) -> None:
        self._plan, self._folder, self._client, self._view, self._observer = plan, folder, client, view, observer
        self._record = CampaignRecord(
            schema=1,
            campaign=folder.name,
            phase=plan.target.phase,
            started=_now(),
            finished=None,
            git=git_state(),
            seed=plan.seed,
            repeats=plan.repeats,
            command=plan.command,
            experiments=tuple(e.name for e in plan.experiments),
            versions=versions(client),
            machine=machine_facts(client),
            runs=(),
            left_out={} if plan.chosen else dict(plan.target.by_name_only),
            repeated={},
            void_because=(),
            calibration=covering(folder.parent, max(arrivals_per_s(e, plan.target) for e in plan.experiments)),
        )

    def carry_out(self) -> None:
        """Steps 3 to 6. Interrupted is raised on after everything was healed, kept and taken down.

        Raises InstrumentError when there is no room for the record: the journal then stays open, for `recover`.
        """
        before = snapshot(self._client)
        phase, project = self._plan.target.phase, project_name(self._plan.target.phase)
        state = state_folder(engine_id(self._client))
        with interruptible(), shielded():
            results = self._folder.resolve()
            journal = Journal.begin(state, campaign=self._folder.name, phase=phase, project=project, results=results)
            try:
                self._begin()
                carry_through(self._jobs(), lambda: self._lab(journal), self._one, self._afresh)
            except InstrumentError as error:
                self._fail(str(error))
            except _ENGINE_ERRORS as error:
                self._fail(f"the engine failed: {error}")
            except OSError as error:
                self._audit(before)
                raise _no_room(self._folder, error) from None
            except Interrupted as error:
                self._doubt(f"it was interrupted ({error})")
                self._end(before, journal)
                raise
            except BaseException as error:
                self._doubt(f"the harness failed: {type(error).__name__}: {error}")
                self._end(before, journal)
                raise
            self._end(before, journal)

    def _begin(self) -> None:
        mark_at_work(self._folder)
        store_claims(self._folder, self._plan.claims)
        self._write()

    def _end(self, before: Snapshot, journal: Journal) -> None:
        """Compare the engine with before and finish the record; then the journal, which `recover` needs till then."""
        reached = self._audit(before)
        try:
            self._record = replace(self._record, finished=_now())
            self._write()
            unmark(self._folder)
        except OSError as error:
            raise _no_room(self._folder, error) from None
        if reached:
            journal.finished()

    def _audit(self, before: Snapshot) -> bool:
        """Doubt everything that was left behind; whether the engine could be asked at all."""
        try:
            left = residue(before, snapshot(self._client))
        except _ENGINE_ERRORS as error:
            self._fail(f"the engine does not say what was left behind: {error}")
            return False
        for line in left:
            self._doubt(f"left behind: {line}")
        return True

    @contextmanager
    def _stack(self, journal: Journal) -> Iterator[Stack]:
        """The running target; its logs are kept and it is taken down whatever happens."""
        target = self._plan.target
        kind = SwarmDeployer if target.deployer == "swarm" else ComposeDeployer
        deployer = kind(
            self._client,
            self._folder,
            env_file=ENV_FILE,
            started=journal.process_started,
            about_to_make=journal.swarm_begun,
        )
        self._view.say(f"Starting {target.phase} ({target.title}) with Toxiproxy on every link.")
        stack: Stack | None = None
        try:
            with exposed():
                stack = deployer.up(target, self._folder.name, self._view.say)
                stack.ready(READY_S)
            yield stack
        finally:
            if stack is not None:
                self._take_down(stack)

    def _take_down(self, stack: Stack) -> None:
        self._view.say("Taking the stack down.")
        try:
            stack.logs(self._folder / "logs")
        except OSError as error:  # no room for logs is no reason to leave a stack behind
            self._view.say(f"The logs could not be kept: {error}")
        stack.down(self._view.say)
        try:
            collect_logs(self._folder)
        except HarnessError as error:  # `make logs` tries again, and the logs themselves are kept
            self._view.say(f"The logs cannot be searched yet: {error}")

    @contextmanager
    def _lab(self, journal: Journal) -> Iterator[Lab]:
        plan = self._plan
        with self._stack(journal) as stack, exposed():
            yield Lab(plan.target, stack, self._view, journal, self._observer, plan.director)

    def _jobs(self) -> Iterator[_Job]:
        repeats = range(self._plan.first, self._plan.first + self._plan.repeats)
        for number, (experiment, repeat) in enumerate(product(self._plan.experiments, repeats), start=1):
            yield _Job(experiment, repeat, number)

    def _one(self, job: _Job, lab: Lab) -> None:
        """Carry out one run, unless the target has nothing for its experiment to break; then its repeats, too."""
        experiment = job.experiment
        if experiment.name in self._record.left_out:
            return
        self._view.run_begins(experiment.name, experiment.hypothesis, job.number)
        try:
            self._until_clean(job, lab)
        except NothingToBreak as error:
            if self._plan.chosen:
                raise
            self._record = replace(self._record, left_out={**self._record.left_out, experiment.name: str(error)})
            self._view.say(f"    left out: {error}")

    def _afresh(self, job: _Job, because: OutOfOrder) -> None:
        self._view.say(f"    not in order, so the stack is replaced by a new one: {because}")
        self._record = replace(self._record, afresh={**self._record.afresh, f"runs/{job.name}": str(because)})
        self._write()

    def _until_clean(self, job: _Job, lab: Lab) -> None:
        """Run it, and again when nothing but the machine's own business made the generator late."""
        for attempt in range(1 + MOST_REPEATS_OF_LATE_RUNS):
            folder = self._folder / "runs" / (job.name if attempt == 0 else f"{job.name}-again{attempt}")
            record = self._run(job.experiment, job.repeat, lab, folder)
            if record.valid:
                return
            self._view.say(f"    void: {'; '.join(record.void_because)}")
            directed = not isinstance(self._plan.director, NoDirector)
            if directed or not only_late(record.void_because) or attempt == MOST_REPEATS_OF_LATE_RUNS:
                return
            self._view.say("    the machine was busy: once more.")
            place, why = f"runs/{folder.name}", record.void_because[0]
            runs = tuple(run for run in self._record.runs if run != place)
            self._record = replace(self._record, runs=runs, repeated={**self._record.repeated, place: why})
            self._write()

    def _run(self, experiment: Experiment, repeat: int, lab: Lab, folder: Path) -> RunRecord:
        seed = run_seed(self._plan.seed, experiment.name, repeat)
        folder.mkdir()
        try:
            return run_experiment(experiment, repeat, seed, lab, folder)
        finally:
            if (folder / RECORD).is_file():
                runs = (*self._record.runs, f"runs/{folder.name}")
                self._record = replace(self._record, runs=runs)
                self._write()
            elif not any(folder.glob("raw*")):  # nothing was sent; what was recorded is for `recover` to finish
                shutil.rmtree(folder)

    def _fail(self, why: str) -> None:
        self._doubt(why)
        self._view.say(f"The instrument failed: {why}")

    def _doubt(self, reason: str) -> None:
        self._record = replace(self._record, void_because=(*self._record.void_because, reason))

    def _write(self) -> None:
        write_campaign(self._folder, self._record)


def _no_room(folder: Path, error: OSError) -> InstrumentError:
    problem = f"{error.filename or folder}: cannot be written: {error.strerror or error}."
    return InstrumentError(problem, "Make room, then `make recover` finishes the record.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
