"""What may fail in v2's database: each scenario breaks something, holds it, and puts it back, on a running cluster."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.bench.database_lab import NODES, DatabaseLab, wait_until

AWAY_S = 3.0
"""How long a lost node stays lost after the other one has taken over."""
STANDBY_AWAY_S = 12.0


def other(node: str) -> str:
    """Return the other one."""
    return NODES[1 - NODES.index(node)]


def _taken_over(lab: DatabaseLab, by: str) -> None:
    wait_until(f"{by} is the primary", lambda: lab.is_primary(by), 60)
    time.sleep(AWAY_S)


def crash_and_return(lab: DatabaseLab, primary: str) -> None:
    """The primary is killed and replaced after 2 s."""
    lab.crash(primary)
    time.sleep(2.0)
    lab.place(primary)
    wait_until("there is a primary", lambda: bool(lab.primary()), 60)


def crash_and_stay_away(lab: DatabaseLab, primary: str) -> None:
    """The primary is killed, and comes back after the other one has taken over."""
    lab.crash(primary)
    _taken_over(lab, other(primary))
    lab.place(primary)


def stop(lab: DatabaseLab, primary: str) -> None:
    """The primary is stopped cleanly (SIGTERM), and comes back after the other one has taken over."""
    lab.container(primary).stop(timeout=30)
    _taken_over(lab, other(primary))
    lab.place(primary)


def pause(lab: DatabaseLab, primary: str) -> None:
    """The primary freezes, and thaws after the other one has taken over."""
    lab.container(primary).pause()
    _taken_over(lab, other(primary))
    lab.container(primary).unpause()


def zone(lab: DatabaseLab, primary: str) -> None:
    """The primary and the etcd member of its zone are killed and stay away until the other one has taken over."""
    member = f"etcd-{primary[-1]}"
    lab.crash(member)
    lab.crash(primary)
    _taken_over(lab, other(primary))
    lab.place(member)
    lab.place(primary)


def standby_crash(lab: DatabaseLab, primary: str) -> None:
    """The standby is killed and stays away for 12 s."""
    lab.crash(other(primary))
    time.sleep(STANDBY_AWAY_S)
    lab.place(other(primary))


def standby_pause(lab: DatabaseLab, primary: str) -> None:
    """The standby freezes for 12 s."""
    lab.container(other(primary)).pause()
    time.sleep(STANDBY_AWAY_S)
    lab.container(other(primary)).unpause()


SCENARIOS: dict[str, Callable[[DatabaseLab, str], None]] = {
    each.__name__: each
    for each in (crash_and_return, crash_and_stay_away, stop, pause, zone, standby_crash, standby_pause)
}
