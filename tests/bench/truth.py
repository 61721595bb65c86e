"""Does an outage cost what it costs? Lost arrivals, arrivals through an outage, and an outage at the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.bench.figures import Bench, Goal
from tests.bench.loads import load, serving, stock

RATE, DURATION_S = 100.0, 20.0
ON_S, OFF_S = 5.0, 10.0
STOCK_USERS, STOCK_S = 10, 20.0


def lost(folder: Path) -> dict[str, float]:
    """A hang of 5 s in 20 s at 100/s: what is recorded against what the plan says was due in it."""
    with serving(delay_s=0.02) as server:
        ran = load(
            folder / "ours",
            server.url,
            RATE,
            DURATION_S,
            on_clock=lambda clock: server.misbehave(clock.t0_monotonic + ON_S, clock.t0_monotonic + OFF_S),
        )
        arrived = server.arrived() - ran.clock.t0_monotonic
    counted = ran.arrivals.select(ran.arrivals.counted)
    inside = (counted.due_s >= ON_S) & (counted.due_s < OFF_S)
    bad = ~counted.good(1.0)
    return {
        "lost_arrivals": float(np.count_nonzero(bad)) / float(np.count_nonzero(inside)),
        "arrivals_inside_outside": _through(arrived, counted.due_s),
    }


def _through(arrived: np.ndarray, due_s: np.ndarray) -> float:
    """Arrivals that the server saw per arrival planned: inside the outage over outside of it."""

    def seen(moments: np.ndarray, inside: bool) -> int:
        within = (moments >= ON_S) & (moments < OFF_S)
        whole = (moments >= 0) & (moments < DURATION_S)
        return int(np.count_nonzero(within if inside else whole & ~within))

    return (seen(arrived, True) / seen(due_s, True)) / (seen(arrived, False) / seen(due_s, False))


def stock_lost(folder: Path) -> dict[str, float]:
    """The same outage under stock Locust, 10 users, time-out 10 s: points of availability that it does not see."""
    with serving(delay_s=0.02) as server:
        told = stock(folder / "stock", server, STOCK_USERS, STOCK_S, (ON_S, OFF_S))
        arrived = server.arrived() - told.first
    within = (arrived >= ON_S) & (arrived < OFF_S)
    reported, true_share = 1 - told.failures / told.requests, 1 - (OFF_S - ON_S) / STOCK_S
    per_s_inside = np.count_nonzero(within) / (OFF_S - ON_S)
    per_s_outside = np.count_nonzero(~within) / (STOCK_S - (OFF_S - ON_S))
    return {
        "stock_off_by": (reported - true_share) * 100,
        "stock_inside_outside": float(per_s_inside / per_s_outside),
    }


def drain(folder: Path) -> dict[str, float]:
    """An outage that lasts to the end of the run and beyond: nothing that was planned may be missing."""
    with serving(delay_s=0.02) as server:
        ran = load(
            folder / "ours",
            server.url,
            RATE,
            8.0,
            on_clock=lambda clock: server.misbehave(clock.t0_monotonic + 5.0, clock.t0_monotonic + 1000.0),
        )
        at_server = len(server.arrived())
    figures = ran.figures
    counts = [figures.started, figures.recorded, len(ran.arrivals), at_server]
    furthest = max(counts, key=lambda count: abs(count - figures.planned))
    return {"planned_started_logged": furthest / figures.planned}


def stock_drain(folder: Path) -> dict[str, float]:
    """Stock Locust, 100 users, the outage at the end: requests in its statistics over those that the server saw."""
    with serving(delay_s=1.0) as server:
        told = stock(folder / "stock", server, 100, 6.0, (3.5, 1000.0))
        at_server = len(server.arrived())
    return {"stock_logged": told.requests / at_server}


BENCHES = (
    Bench(
        "lost",
        lost,
        (
            Goal("lost_arrivals", "lost arrivals, measured / true (5 s hang, 100/s)", "ratio", 0.996, 1.004),
            Goal("arrivals_inside_outside", "arrivals inside / outside an outage", "ratio", 0.99, 1.01),
        ),
    ),
    Bench(
        "stock-lost",
        stock_lost,
        (
            Goal("stock_off_by", "stock closed-loop Locust: availability too high by", "points"),
            Goal("stock_inside_outside", "stock closed-loop Locust: arrivals inside / outside", "ratio"),
        ),
        repeats=1,
    ),
    Bench(
        "drain",
        drain,
        (Goal("planned_started_logged", "planned = started = logged, outage at the end", "ratio", 1, 1),),
    ),
    Bench(
        "stock-drain",
        stock_drain,
        (Goal("stock_logged", "stock closed-loop Locust: logged / sent, outage at the end", "ratio"),),
        repeats=1,
    ),
)
