"""Undoes what a killed harness left behind, from its journal and its labels. May be run at any time, and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docker

from harness.engine import marks
from harness.engine.journal import Journal, read_journal
from harness.engine.lock import LOCK_FOLDER, EngineLock
from harness.engine.processes import end_group
from harness.engine.sweep import Log, left_over, sweep
from harness.errors import InstrumentError

Finish = Callable[[Path], list[str]]
"""Finishes the record in a campaign's folder; returns what was done, in words."""


def recover(
    client: docker.DockerClient,
    log: Log,
    *,
    state: Path | None = None,
    lock_folder: Path = LOCK_FOLDER,
    finish: Finish = lambda folder: [],
) -> list[str]:
    """End stray processes, remove what is ours from the engine, let `finish` finish the record, close the journal.

    Returns what was done, in words. What `finish` raises comes after the engine is clean, and leaves the journal open.
    Raises HarnessError when a harness is at work on this engine (it takes the lock), InstrumentError when something
    of ours cannot be removed. Nothing that does not carry our label is touched.
    """
    engine = marks.engine_id(client)
    folder = state or marks.state_folder(engine)
    with EngineLock(engine, who="recover", folder=lock_folder):
        journal = read_journal(folder)
        done = [journal.sentence()] if journal.unfinished else []
        # Processes first: a Compose that is still at work would go on making what is removed below.
        for what, pid, mark in journal.processes() if journal.unfinished else []:
            if end_group(pid, mark):
                done.append(f"ended {what} (process {pid})")
        if journal.unfinished:
            # A fault lives in the stack (toxics, limits, frozen or held containers), and goes with it.
            done += [f"undone with the stack: {name} on {aim}" for name, aim in journal.open_faults()]
            if journal.made_swarm:
                done.append("the swarm was made for the campaign, and goes with it")
        for line in done:
            log(line)
        done += [f"removed {item}" for item in sweep(client, log)]
        left = left_over(client)
        if left:
            names = ", ".join(str(item) for item in left)
            raise InstrumentError(f"Still there: {names}.", "See what uses it (`docker ps -a`), then recover again.")
        if journal.results:
            finished = finish(Path(journal.results))
            for line in finished:
                log(line)
            done += finished
        if journal.unfinished:
            Journal(folder).finished()
    return done
