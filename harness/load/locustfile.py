"""The Locust side: one user who is the scheduler of the whole plan. `harness.load.generator` starts it.

Stock Locust users wait for their answers, so a target that hangs is asked less, and the outage shrinks in the
statistics (method, section 1). Here the load is an open model: the one user starts a greenlet per arrival at the
planned time, with Locust's client pool, runner and events. Locust's own statistics round to two digits and are only
a summary in the log; what counts is `raw.jsonl`.
"""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path
from typing import Any

import gevent
from locust import FastHttpUser, constant, task

from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.history import Outcome
from harness.load.asking import Arrival, Asker
from harness.load.client import OneAttemptPool
from harness.load.plan import load_plan
from harness.load.rawlog import RawLog, Record
from harness.load.schedule import Schedule
from harness.load.settings import FOLDER_VARIABLE, PLAN, RAW, READY, read_go, read_settings, write_summary

UNFINISHED = 3
"""Exit code of a generator that ended before its plan did."""

logger = logging.getLogger("harness.load")


class PlannedLoad(FastHttpUser):
    """The only user of the swarm: it keeps the plan, drains, and ends the process."""

    fixed_count = 1
    wait_time = constant(0)
    client_pool = OneAttemptPool()

    @task
    def keep_the_plan(self) -> None:
        """Read the plan, report ready, wait for the run's zero, keep the plan, quit."""
        self.environment.process_exit_code = UNFINISHED
        try:
            self._keep_the_plan(Path(os.environ[FOLDER_VARIABLE]))
            self.environment.process_exit_code = 0
        finally:
            # From a greenlet of its own, because quitting kills this one. Locust logs what was raised here.
            gevent.spawn(self.environment.runner.quit)
        gevent.sleep(60)  # to be killed in; a task that returned would be started again

    def _keep_the_plan(self, folder: Path) -> None:
        settings, plan = read_settings(folder), load_plan(folder / PLAN)
        client = self.client_pool.get_client(settings.host)
        client.resolve()
        log = RawLog(folder / RAW)
        gc.collect()
        gc.freeze()  # what is there by now stays: a full collection would go through all of it, and delay arrivals
        (folder / READY).write_text(str(os.getpid()), encoding="utf-8")
        clock = self._wait_for_go(folder, settings.harness_pid)
        schedule = Schedule(plan, Asker(client, settings, clock), log, clock, self._tell_locust)

        def close(**_: Any) -> None:
            log.close()
            write_summary(folder, schedule.summary())
            gc.unfreeze()  # else extension modules take what is frozen for leaks and fill the log with them

        self.environment.events.quitting.add_listener(close)
        gevent.spawn(schedule.keep_house, settings.harness_pid, self._orphaned)
        schedule.run(settings.deadline_s)

    def _wait_for_go(self, folder: Path, harness_pid: int) -> RunClock:
        while (clock := read_go(folder)) is None:
            if os.getppid() != harness_pid:
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
