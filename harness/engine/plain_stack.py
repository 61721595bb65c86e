"""A Swarm target as one would deploy it, for its user: nothing on its links, and a way in on 127.0.0.1.

Swarm cannot publish a port on loopback alone. So the way in is a plain container on the entry's networks: the Toxiproxy
that is the door in experiments, too, and here does nothing but pass on. The simulators are services like all others.
All of it is marked as the user's (`marks.USERS`): no experiment and no `recover` touches it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import docker

from harness.engine import marks
from harness.engine.deployer import LOGS
from harness.engine.ports import can_bind, free_ports
from harness.engine.swarm import SwarmDeployer
from harness.engine.swarm_mode import ensure_swarm, is_manager, swarm_labels, users_of_swarm
from harness.engine.sweep import Log, find_ours, left_over, sweep
from harness.errors import HarnessError, InstrumentError
from harness.interruption import shielded
from harness.target import Target

READY_S = 60.0
LEAVE_S = 10.0


def start(client: docker.DockerClient, target: Target, port: int, log: Log, *, env_file: Path | None = None) -> None:
    """Bring the target up on 127.0.0.1:`port` and wait until it is ready. Makes a swarm where there is none.

    Raises HarnessError when it is up already or the port is taken, InstrumentError when it does not come up: what is
    left then are the logs, in a folder that the message names.
    """
    campaign = _campaign(target)
    if find_ours(client, campaign):
        raise HarnessError(
            f"{target.phase} is up already, or a part of it is.", "Take it down first: `make down` with the same PHASE."
        )
    if not can_bind(port):
        raise HarnessError(f"Port {port} of 127.0.0.1 is taken.", "Choose another with PORT=.")
    folder = Path(tempfile.mkdtemp(prefix=f"testbed-run-{target.phase}-"))
    deployer = SwarmDeployer(client, folder, env_file=env_file, ports=partial(_ports, port), places=())
    try:
        ensure_swarm(client, marks.RUN, lambda: None)
        stack = deployer.up(plain(target), campaign, log)
        deployer.or_take_down(stack, lambda: stack.ready(READY_S), log)
    except BaseException:
        with shielded():
            leave_swarm(client, log)
        raise
    finally:
        if not (folder / LOGS).is_dir():
            shutil.rmtree(folder)


def remove(client: docker.DockerClient, target: Target, log: Log) -> None:
    """Take away what `start` started, volumes as well, and the swarm if it was made for that and nobody else uses it.

    Raises InstrumentError naming what could not be removed.
    """
    campaign = _campaign(target)
    sweep(client, lambda line: None, campaign)
    left = left_over(client, campaign)
    if left:
        raise InstrumentError(f"Still there: {', '.join(map(str, left))}.", "See what uses it, then try again.")
    leave_swarm(client, log)


def leave_swarm(client: docker.DockerClient, log: Log) -> None:
    """Dissolve the swarm if `start` made it and nothing is in it any more."""
    if is_manager(client) and swarm_labels(client).get(marks.CAMPAIGN) == marks.RUN:
        users = users_of_swarm(client)
        if users:
            log(f"The swarm stays, because it is in use ({users[0]}{', ...' if len(users) > 1 else ''}).")
            return
    # Also where the swarm is gone already: its bridge may be left. After a start that was broken off, a busy engine was
    # seen to count endpoints on it that no longer existed, and not to remove it.
    sweep(client, log, marks.RUN, patience_s=LEAVE_S)
    for item in find_ours(client, marks.RUN):
        log(f"Still there: {item}. `make down` tries again.")


def plain(target: Target) -> Target:
    """Return the target without what the harness needs of it; by its name it can run beside one under test."""
    parts = {name: part.model_copy(update={"control_port": None}) for name, part in target.components.items()}
    bare = {"phase": f"{target.phase}-run", "links": (), "components": parts, "wan": None}
    return target.model_copy(update=bare)


def _campaign(target: Target) -> str:
    return f"{marks.RUN}{target.phase}"


def _ports(port: int) -> Iterator[int]:
    """What a stack without links asks for: a port for the orders to its one Toxiproxy, and one for the way in."""
    yield next(free_ports())
    yield port
