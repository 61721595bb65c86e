"""The Locust side: one user who is the scheduler of the whole plan. `harness.load.generator` starts it.

Stock Locust users wait for their answers, so a target that hangs is asked less, and the outage shrinks in the
statistics (method, section 1). Here the load is an open model: the one user starts a greenlet per arrival at the
planned time, with Locust's client pool, runner and events. Locust's own statistics round to two digits and are only
a summary in the log; what counts is `raw.jsonl`.

With `--processes N` each of the N workers gets one such user, which keeps the share of the plan that the worker's index
(given out by Locust's master) names. The master sends nothing: it waits until all shares are kept, then ends the swarm.
"""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, constant, events, task
from locust.runners import MasterRunner, WorkerRunner

from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.load.asking import Asker
from harness.load.client import OneAttemptPool
from harness.load.rawlog import RawLog, Record
from harness.load.rows import Arrival, read_rows
from harness.load.schedule import Schedule
from harness.load.settings import (
    FOLDER_VARIABLE,
    PLAN,
    RAW,
    READY,
    SUMMARY,
    part,
    read_go,
    read_settings,
    read_summary,
    write_summary,
)
from harness.outcome import Outcome

UNFINISHED = 3
"""Exit code of a generator that ended before its plan did."""

NEVER_S = 1e6
"""Longer (s) than any run: for a greenlet that has nothing more to do and must not end."""

LOOK_S = 0.1
"""How often (s) the master looks whether its workers are done."""

logger = logging.getLogger("harness.load")


class PlannedLoad(FastHttpUser):
    """The only user of a process: it keeps its share of the plan, drains, and ends the process (a worker: tells so)."""

    wait_time = constant(0)
    client_pool = OneAttemptPool()
    begun = False

    @task
    def keep_the_plan(self) -> None:
        """Read the plan, report ready, wait for the run's zero, keep the plan, quit."""
        if PlannedLoad.begun:  # a master that lost a worker sends its user to another one, which has its own share
            gevent.sleep(NEVER_S)
        PlannedLoad.begun = True
        worker = isinstance(self.environment.runner, WorkerRunner)
        self.environment.process_exit_code = UNFINISHED
        try:
            self._keep_the_plan(Path(os.environ[FOLDER_VARIABLE]), worker)
            self.environment.process_exit_code = 0
        finally:
            if not worker:
                # From a greenlet of its own, because quitting kills this one. Locust logs what was raised here.
                gevent.spawn(self.environment.runner.quit)
        gevent.sleep(NEVER_S)  # to be killed in; a task that returned would be started again

    def _keep_the_plan(self, folder: Path, worker: bool) -> None:
        settings = read_settings(folder)
        share = (self._index(settings.processes), settings.processes)
        mine = read_rows(folder / PLAN, share)
        client = self.client_pool.get_client(settings.host)
        client.resolve()
        doors = [self.client_pool.get_client(url) for url in settings.doors]
        for door in doors:
            door.resolve()
        log = RawLog(folder / part(RAW, *share))
        gc.collect()
        gc.freeze()  # what is there by now stays: a full collection would go through all of it, and delay arrivals
        (folder / part(READY, *share)).write_text(str(os.getpid()), encoding="utf-8")
        parent_pid = os.getppid() if worker else settings.harness_pid
        clock = self._wait_for_go(folder, parent_pid)
        schedule = Schedule(mine, Asker(client, settings, clock, doors), log, clock, self._tell_locust)

        def close(**_: Any) -> None:
            log.close()
            write_summary(folder, schedule.summary(), part(SUMMARY, *share))
            gc.unfreeze()  # else extension modules take what is frozen for leaks and fill the log with them

        self.environment.events.quitting.add_listener(close)
        gevent.spawn(schedule.keep_house, parent_pid, self._orphaned)
        schedule.run(settings.deadline_s)
        if worker:
            log.flush()
            write_summary(folder, schedule.summary(), part(SUMMARY, *share))

    def _index(self, processes: int) -> int:
        index: int = self.environment.runner.worker_index
        if not 0 <= index < processes:
            raise InstrumentError(f"This is worker {index} of {processes}: there is no share of the plan for it.")
        return index

    def _wait_for_go(self, folder: Path, parent_pid: int) -> RunClock:
        while (clock := read_go(folder)) is None:
            if os.getppid() != parent_pid:
                raise InstrumentError("The harness that started this load generator is gone.")
            gevent.sleep(0.02)
        return clock

    def _orphaned(self) -> None:
        logger.error("the harness is gone: no load without it")
        self.environment.runner.quit()

    def _tell_locust(self, arrival: Arrival, record: Record) -> None:
        """Count the arrival in Locust's statistics too, with its latency from the due time."""
        ended_s = record.ended_s if record.ended_s is not None else arrival.due_s
        self.environment.events.request.fire(
            request_type=record.kind.value,
            name="/v1/chat",
            response_time=(ended_s - arrival.due_s) * 1000,
            response_length=0,
            exception=None if record.outcome is Outcome.OK else RuntimeError(record.outcome.value),
            context={},
        )


@events.init.add_listener  # type: ignore[untyped-decorator]
def lead_workers(environment: Any, **_: Any) -> None:
    """In the master of `--processes`: end the swarm when every share of the plan is kept, or cannot be any more."""
    if isinstance(environment.runner, MasterRunner):
        environment.process_exit_code = UNFINISHED
        gevent.spawn(_lead, environment, Path(os.environ[FOLDER_VARIABLE]))


def _lead(environment: Any, folder: Path) -> None:
    harness_pid = read_settings(folder).harness_pid
    while True:
        gevent.sleep(LOOK_S)
        said = read_summary(folder)
        if said is not None and said.finished:
            environment.process_exit_code = 0
            break
        if os.getppid() != harness_pid or environment.runner.clients.missing:
            logger.error("the harness or a worker is gone: no load without it")
            break
    environment.runner.quit()
