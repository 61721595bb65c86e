"""One run: an experiment put to a running target, once.

 1. The stack settles: everything runs, no toxic is on, simulators are reset, the way in is ready, no alert fires.
 2. Every fault's aim is checked, so that nothing is injected at nothing.
 3. The arrivals are planned from the seed and lie on disk before the first one is sent; users who are far away are
    put there.
 4. The generator starts and says that it is ready; only then is time zero fixed.
 5. Warm-up, then baseline: the plan is kept whatever the target does.
 6. The faults strike at their moments and heal themselves, each on a thread of its own.
 7. Recovery until the plan's end; then the drain: nothing new, and one deadline of patience.
 8. Every fault is healed, however this run ended.
 9. What alerts said is read, once they are resolved; every acknowledged message is looked for again, by every entry.
10. One row per scheduled arrival, the receipts and every reason for doubt are on disk before anyone judges.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from harness import cost, pressure
from harness.asked import arrivals_per_s, asked_for, segments_of
from harness.clock import RunClock
from harness.cost_log import CostLog
from harness.decisions import DecisionWatch, deciders
from harness.distance import AFTERWARDS_S, Distances
from harness.ended_early import EndedEarly, counts_until, remaining_doubts, shortened
from harness.engine.stage import DockerStage
from harness.errors import InstrumentError, NothingToBreak, OutOfOrder
from harness.experiment import Experiment
from harness.history import (
    BEGUN,
    EVENTS,
    Durability,
    EventLog,
    FaultRecord,
    Generator,
    Running,
    RunRecord,
    write_record,
)
from harness.interruption import exposed, shielded
from harness.lab import Lab, Moment, Notes, View, Watched
from harness.load.arrivals import generator_figures, write_arrivals
from harness.load.durability import audit, worst
from harness.load.generator import LoadGenerator
from harness.load.plan import Plan, plan_segments
from harness.overload import overloads
from harness.paging import Heard, blinding, hear_out
from harness.places import PLACES
from harness.replicas import ReplicaWatch, growing
from harness.timeline import Strike, Timeline

__all__ = ["Lab", "Moment", "Notes", "View", "arrivals_per_s", "check_aims", "run_experiment"]

KILLED = "the harness ended (it was killed, or had no room to write) before the run did"
GENERATOR_START_S = 30.0  # importing Locust on a busy machine
HEAD_START_S = 0.3  # between fixing time zero and the first warm-up arrival
SETTLE_S = 60.0
LOOK_EVERY_S = 0.5
GRACE_S = 10.0  # beyond the plan's end and one deadline, until a generator that does not end is given up
AUDIT_OF_VOID_S = 5.0  # a run that decides nothing is not worth waiting for a stack that may be broken
AUDIT_S = 60.0  # for looking again for every acknowledged message; the target may still be recovering
AUDIT_SHARE = 0.2  # of a long run's length: it has more messages to look for


def run_experiment(experiment: Experiment, repeat: int, seed: int, lab: Lab, folder: Path) -> RunRecord:
    """Carry out one run in `folder`, which is empty, and return its record, which is on disk by then.

    Raises NothingToBreak when a fault has no aim, OutOfOrder when the stack is not as after its start, InstrumentError
    when the run cannot even begin.
    """
    try:
        found = lab.stack.settle(SETTLE_S)
    except InstrumentError as error:
        raise OutOfOrder(str(error)) from error
    for line in found:
        lab.view.say(f"    put in order before the run: {line}")
    check_aims(experiment, lab)
    plan = plan_segments(
        segments_of(experiment, lab.target),
        experiment.warmup_s,
        experiment.mix,
        seed,
        places=len(PLACES) if experiment.places else 0,
        abuser=experiment.abuser,
    )
    return _Run(experiment, repeat, seed, lab, folder, arrivals_per_s(experiment, lab.target), plan).carry_out()


def check_aims(experiment: Experiment, lab: Lab) -> None:
    """Raise NothingToBreak when one of the experiment's faults is aimed at something the target does not have.

    So too when its users come from places, and the target has no doors for them.
    """
    if experiment.places and not set(PLACES) <= set(lab.stack.doors):
        raise NothingToBreak(f"The target {lab.target.phase} has no doors for users of different places.")
    stage = DockerStage(lab.stack, lab.target, RunClock.starting_in(0))
    for strike in experiment.strikes():
        strike.fault.check_aim(stage)


@dataclass
class _Run:
    """One run while it happens. Reasons for doubt are collected; one is enough to make the run void."""

    experiment: Experiment
    repeat: int
    seed: int
    lab: Lab
    folder: Path
    rate: float
    plan: Plan
    doubts: list[str] = field(default_factory=list)
    faults: list[FaultRecord] = field(default_factory=list)
    distances: Distances | None = None
    heard: Heard = field(default_factory=Heard)
    replicas: list[Running] = field(default_factory=list)
    decisions: DecisionWatch | None = None
    ended_early: str = ""
    counts_s: float | None = None  # until when (run time) it counts, where it was ended early
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def name(self) -> str:
        """The run's name, unique in its campaign, and so in the target's store."""
        return self.folder.name

    @property
    def duration_s(self) -> float:
        """How long its counted window is."""
        return self.experiment.duration_s if self.counts_s is None else self.counts_s

    def carry_out(self) -> RunRecord:
        """Steps 4 to 10 of the story. Whatever interrupts it, what was recorded is kept and the record is written.

        Raises InstrumentError when there is no room for the record.
        """
        self._write_begun()
        events = EventLog(self.folder / EVENTS)
        generator = LoadGenerator(
            self.folder,
            self.plan,
            host=self.lab.stack.base_url,
            run=self.name,
            deadline_s=self.experiment.deadline_s,
            clients=self.experiment.clients,
            doors=[self.lab.stack.doors[place] for place in PLACES] if self.experiment.places else [],
        )
        with shielded():
            try:
                with exposed():
                    self._put_users_in_their_places()
                    generator.start()
                    self.lab.notes.process_started("load generator", generator.pid)
                    generator.ready(GENERATOR_START_S)
                    self._load_and_faults(generator, events)
            except InstrumentError as error:
                self.doubts.append(str(error))
            except OSError as error:
                self.doubts.append(f"the run could not be recorded: {error}")
            except BaseException:
                self.doubts.append("the run was interrupted")
                raise
            finally:
                generator.stop()
                if self.distances is not None:
                    self.doubts += [*self.distances.doubts(), *self.distances.end()]
                events.close()
                record = self._take_stock()
        return record

    def _put_users_in_their_places(self) -> None:
        if self.experiment.places:
            self.distances = Distances(self.lab.stack.place_links, tuple(self.lab.target.entry.distances()))
            self.distances.set()

    def _load_and_faults(self, generator: LoadGenerator, events: EventLog) -> None:
        """Keep the plan and carry out the timeline; every fault is healed when this returns or raises."""
        clock = RunClock.starting_in(self.experiment.warmup_s + HEAD_START_S)
        began = datetime.now(UTC)
        events.write(clock.now(), "run_started", run=self.name, t0=clock.wall(0).isoformat(), rate_per_s=self.rate)
        if self.distances is not None:
            self.distances.write(events.write, clock.now())
        stage = DockerStage(self.lab.stack, self.lab.target, clock)
        timeline = self.lab.director.timeline(self.experiment.strikes(), stage, events, self.lab.notes)
        with shielded():
            try:
                with exposed():
                    generator.go(clock)
                    timeline.start()
                    watch = ReplicaWatch(growing(stage, self.lab.target), clock)
                    self.replicas = watch.seen
                    self.decisions = DecisionWatch(deciders(self.lab.target, self.lab.stack), clock)
                    self.lab.observer.run_begins(self._watched(clock, timeline))
                    busy = pressure.PressureLog(self.folder, clock, generator.pids)
                    spent = CostLog(self.folder, clock, self.lab.stack.meters(), generator.pids)
                    with busy, spent, watch, self.decisions:
                        self._watch(generator, timeline, clock)
            finally:
                self.doubts.extend(timeline.heal_all())
                self.faults = timeline.records()
                self.doubts.extend(self._disturbances(began, timeline, clock))
        events.write(clock.now(), "load_ended")
        if self.distances is not None:
            self.distances.look(AFTERWARDS_S)
            self.distances.write(events.write, clock.now())
        for way in self.lab.stack.wide_area.look(AFTERWARDS_S):
            events.write(clock.now(), "wide_area", **asdict(way))
            self.doubts.extend([way.doubt] if way.doubt else [])
        self._hear_alerts(clock)

    def _watched(self, clock: RunClock, timeline: Timeline) -> Watched:
        return Watched(
            self.folder,
            self._record(None, None),
            self.plan,
            clock,
            strikes=lambda: [(one.at.fault.name, one.at.fault.aimed_at, one.active) for one in timeline.strikes],
            replicas=lambda: list(self.replicas),
            decisions=lambda: self.decisions.taken() if self.decisions is not None else [],
            pagers=list(self.lab.stack.pagers.values()),
        )

    def _hear_alerts(self, clock: RunClock) -> None:
        faults = [strike.fault for strike in self.experiment.strikes()]
        pagers = list(self.lab.stack.pagers.values())
        self.heard = hear_out(pagers, clock, struck=bool(faults), blind=blinding(faults, self.lab.target))
        self.doubts.extend(self.heard.doubts)

    def _disturbances(self, began: datetime, timeline: Timeline, clock: RunClock) -> list[str]:
        spans = [(clock.wall(on), clock.wall(off)) for on, off in timeline.spans()]
        try:
            return self.lab.stack.disturbances(began, spans)
        except InstrumentError as error:
            return [str(error)]

    def _watch(self, generator: LoadGenerator, timeline: Timeline, clock: RunClock) -> None:
        """Wait until the generator has drained, or the director ends the run.

        Raises InstrumentError when the generator dies or dawdles, or a fault fails.
        """
        shown_s = clock.now()

        def look() -> None:
            nonlocal shown_s
            if timeline.failed():
                raise InstrumentError(f"A fault could not be carried out: {timeline.failed()[0]}")
            if clock.now() - shown_s >= LOOK_EVERY_S:
                shown_s = clock.now()
                seen, active = generator.progress(window_s=3.0), timeline.active()
                end_s = self.experiment.duration_s
                self.lab.view.tick(Moment(self.experiment.name, shown_s, end_s, self.rate, seen, active))
                if shown_s < end_s and (why := self.lab.director.look(shown_s, seen)):
                    raise EndedEarly(why)

        limit_s = self.experiment.duration_s + self.experiment.deadline_s + GRACE_S
        try:
            generator.wait(limit_s - clock.now(), on_tick=look)
        except EndedEarly as early:
            self.ended_early = str(early)
            self.counts_s = counts_until(clock.now(), self.experiment.deadline_s)
            self.plan = shortened(self.plan, self.counts_s)
            generator.stop()

    def _take_stock(self) -> RunRecord:
        """Write arrivals.parquet and run.json, and look for every acknowledged message; failure is doubt, not loss.

        Raises OSError when the disk has no room: what the generator wrote is there, and `recover` makes the rest of it.
        """
        durability: Durability | None = None
        arrivals, oddities = write_arrivals(self.folder, self.plan)
        figures, reasons = generator_figures(self.folder, arrivals)
        self.doubts.extend(remaining_doubts(figures, reasons) if self.ended_early else [*oddities, *reasons])
        patience_s = AUDIT_OF_VOID_S if self.doubts else max(AUDIT_S, AUDIT_SHARE * self.duration_s)
        try:
            hosts = self.lab.target.entry.ways_in(self.lab.stack.base_url, self.lab.stack.doors)
            durability = worst([audit(host, self.name, arrivals, patience_s) for host in hosts])
        except InstrumentError as error:
            self.doubts.append(str(error))
        if durability is not None and durability.unchecked:
            self.doubts.append(f"{durability.unchecked} acknowledged messages could not be looked for")
        self.doubts.extend(
            f"the receipt of {f.name} on {f.aimed_at} is {f.receipt.status}"
            for f in self.faults
            if f.receipt.status != "confirmed"
        )
        record = self._record(figures, durability)
        write_record(self.folder, record)
        (self.folder / BEGUN).unlink(missing_ok=True)
        self.lab.observer.run_ends(self.folder)
        return record

    def _write_begun(self) -> None:
        """Write down what this run would be if the harness were killed now."""
        faults = [Strike(at).record() for at in self.experiment.strikes()]
        record = replace(self._record(None, None), faults=faults, void_because=[KILLED])
        write_record(self.folder, record, BEGUN)

    def _record(self, figures: Generator | None, durability: Durability | None) -> RunRecord:
        seconds = pressure.read_rows(self.folder / pressure.FILE)
        return replace(
            asked_for(
                self.experiment,
                self.lab.target,
                run=self.name,
                repeat=self.repeat,
                seed=self.seed,
                started=self.started,
            ),
            duration_s=self.duration_s,
            faults=self.faults,
            durability=durability,
            generator=figures,
            void_because=self.doubts,
            pressure=pressure.summarised(seconds),
            overloaded=overloads(seconds, self.duration_s),
            cost=cost.summarised(
                *cost.read_cost(self.folder / cost.FILE),
                duration_s=self.duration_s,
                processors=os.cpu_count() or 1,
            ),
            ways=self.distances.ways() if self.distances is not None else [],
            replicas=list(self.replicas),
            alerts=self.heard.alerts,
            listening=self.heard.listening,
            decisions=self.decisions.taken() if self.decisions is not None else [],
            notes=[
                *([f"ended early: {self.ended_early}"] if self.ended_early else []),
                *(self.decisions.notes() if self.decisions is not None else []),
            ],
        )
