"""How much load one generator can make, what it costs, and how late it is."""

from __future__ import annotations

import inspect
from pathlib import Path

from harness.experiment import Mix
from harness.load.generator import LoadGenerator
from tests.bench.figures import Bench, Goal, Skipped
from tests.bench.loads import load, serving


def capacity(folder: Path) -> dict[str, float]:
    """1,000 plain chats a second for 10 s: processor, memory, and whether all were served in time."""
    with serving() as server:
        ran = load(folder / "ours", server.url, 1000.0, 10.0)
    return {
        "capacity_cpu": ran.figures.cpu_share * 100,
        "capacity_memory": ran.summary.max_rss_kb / 1024,
        "capacity_served": float(ran.arrivals.good(1.0).mean()),
    }


def mixed(folder: Path) -> dict[str, float]:
    """The same with the mix of experiments: half chats, 30 % streams, 20 % reads."""
    with serving() as server:
        ran = load(folder / "ours", server.url, 1000.0, 10.0, mix=Mix())
    return {"mixed_cpu": ran.figures.cpu_share * 100, "mixed_memory": ran.summary.max_rss_kb / 1024}


def two_processes(folder: Path) -> dict[str, float]:
    """2,000 arrivals a second from two processes."""
    if "processes" not in inspect.signature(LoadGenerator).parameters:
        raise Skipped("the load generator has no option `processes`")
    with serving() as server:
        ran = load(folder / "ours", server.url, 2000.0, 8.0, processes=2)
    figures = ran.figures
    whole = figures.planned == figures.started == figures.recorded
    return {"two_served": float(ran.arrivals.good(1.0).mean()) if whole else 0.0, "two_late": figures.lateness_ms_p99}


def lateness(folder: Path) -> dict[str, float]:
    """From the due time to the attempt, 99th percentile, at 500 arrivals a second."""
    with serving() as server:
        ran = load(folder / "ours", server.url, 500.0, 10.0)
    return {"lateness_p99": ran.figures.lateness_ms_p99}


BENCHES = (
    Bench(
        "capacity",
        capacity,
        (
            Goal("capacity_cpu", "1,000 arrivals/s: share of one core", "%", high=60),
            Goal("capacity_memory", "1,000 arrivals/s: most resident memory", "MB", high=64),
            Goal("capacity_served", "1,000 arrivals/s: share answered within 1 s", "ratio", low=0.999),
        ),
    ),
    Bench(
        "capacity-mixed",
        mixed,
        (
            Goal("mixed_cpu", "the same with streams and reads: share of one core", "%"),
            Goal("mixed_memory", "the same with streams and reads: most resident memory", "MB"),
        ),
        repeats=1,
    ),
    Bench(
        "two-processes",
        two_processes,
        (
            Goal("two_served", "2,000 arrivals/s, two processes: share answered within 1 s", "ratio", low=0.999),
            Goal("two_late", "2,000 arrivals/s, two processes: lateness p99", "ms"),
        ),
    ),
    Bench("lateness", lateness, (Goal("lateness_p99", "lateness p99 at 500/s", "ms", high=1.5),)),
)
