"""How true the times are: latency against wrk, and the edges of outages against counters scraped each 5 s."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import numpy as np

from harness.history import Arrivals, Floats
from tests.bench.figures import Bench, Goal, Skipped
from tests.bench.loads import Loaded, Server, load, serving

WRK_CONNECTIONS = 10
DELAY_S, SIGMA = 0.045, 0.35
"""The server's log-normal delay; ten connections then make about 200 requests a second."""

WRK_SCRIPT = """
wrk.method, wrk.body = "POST", '{"message": "hello"}'
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency)
  io.write(string.format("RESULT %f %f %f\\n", latency:percentile(50), latency:percentile(99),
                         summary.requests / summary.duration * 1e6))
end
"""

OUTAGES = tuple((1.0 + 1.6 * k, (0.5, 0.7, 0.9, 0.6)[k % 4]) for k in range(21))
"""Start (s) and length (s) of the outages whose edges are looked for: many, as a median of few edges says little."""

SCRAPE_S = 5.0
PHASES = 50


def against_wrk(folder: Path) -> dict[str, float]:
    """Latency percentiles of our load at 200/s over those that wrk reads from the same server, one after the other."""
    if shutil.which("wrk") is None:
        raise Skipped("wrk is not installed (Debian: apt-get install wrk)")
    script = folder / "wrk.lua"
    script.write_text(WRK_SCRIPT)
    with serving(DELAY_S, SIGMA) as server:
        command = ["wrk", "-t1", f"-c{WRK_CONNECTIONS}", "-d20s", "-s", str(script), f"{server.url}/v1/chat"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        ran = load(folder / "ours", server.url, 200.0, 20.0)
    p50_us, p99_us, rate = (float(x) for x in said.split("RESULT ")[1].split()[:3])
    counted = ran.arrivals.select(ran.arrivals.counted)
    waits = (counted.ended_s - counted.due_s)[counted.good(1.0)]
    return {
        "wrk_p50": float(np.percentile(waits, 50)) * 1e6 / p50_us,
        "wrk_p99": float(np.percentile(waits, 99)) * 1e6 / p99_us,
        "wrk_rate": rate,
    }


def edges(folder: Path) -> dict[str, float]:
    """21 outages at 100/s: median error of their edges and lengths, from our record and from scraped counters."""

    def plant(server: Server, ran_from: float) -> None:
        server.misbehave_often([(ran_from + start, ran_from + start + length) for start, length in OUTAGES], "fail")

    with serving(delay_s=0.02) as server:
        seed = time.time_ns() % 100_000  # each repeat meets the edges with other arrivals
        ran = load(
            folder / "ours",
            server.url,
            100.0,
            36.0,
            on_clock=lambda clock: plant(server, clock.t0_monotonic),
            seed=seed,
        )
    counted = ran.arrivals.select(ran.arrivals.counted)
    ours = [_from_record(counted, start, length) for start, length in OUTAGES]
    scraped = [_from_counter(ran, phase * SCRAPE_S / PHASES, *outage) for phase in range(PHASES) for outage in OUTAGES]
    our_edge, our_length = _medians(ours)
    their_edge, their_length = _medians(scraped)
    return {
        "edge_error": our_edge * 1000,
        "edge_finer": their_edge / our_edge,
        "length_finer": their_length / our_length,
    }


def _from_record(counted: Arrivals, start: float, length: float) -> tuple[Floats, float]:
    """Errors (s) of both edges and of the length. An edge lies half way between the arrivals on both sides of it."""
    good, due = counted.good(1.0), counted.due_s
    near = (due > start - 0.4) & (due < start + length + 0.4)
    bad = np.flatnonzero(~good & near)
    first, last = int(bad[0]), int(bad[-1])
    on, off = (due[first - 1] + due[first]) / 2, (due[last] + due[last + 1]) / 2
    return np.abs([on - start, off - start - length]), abs(float(off - on) - length)


def _from_counter(ran: Loaded, phase: float, start: float, length: float) -> tuple[Floats, float]:
    """The same from a counter of this outage's failures, scraped each 5 s, as a dashboard draws it.

    It begins at the first scrape that has risen, ends at the first that has not, and lasts one interval per rise.
    """
    arrivals = ran.arrivals
    mine = (arrivals.due_s > start - 0.4) & (arrivals.due_s < start + length + 0.4)
    failed = np.sort(arrivals.ended_s[~arrivals.good(1.0) & mine])
    scrapes = np.arange(phase - SCRAPE_S, start + length + 3 * SCRAPE_S, SCRAPE_S)
    counts = np.searchsorted(failed, scrapes, side="right")
    on, off = scrapes[np.argmax(counts > 0)], scrapes[np.argmax(counts == counts[-1])]
    rises = np.count_nonzero(np.diff(counts))
    return np.abs([on - start, off - start - length]), abs(rises * SCRAPE_S - length)


def _medians(errors: list[tuple[Floats, float]]) -> tuple[float, float]:
    return float(np.median(np.concatenate([e for e, _ in errors]))), float(np.median([length for _, length in errors]))


BENCHES = (
    Bench(
        "wrk",
        against_wrk,
        (
            Goal("wrk_p50", "latency p50 at 200/s, ours / wrk's", "ratio", 0.99, 1.01),
            Goal("wrk_p99", "latency p99 at 200/s, ours / wrk's", "ratio", 0.97, 1.03),
            Goal("wrk_rate", "what wrk sent meanwhile", "1/s"),
        ),
    ),
    Bench(
        "edges",
        edges,
        (
            Goal("edge_finer", "error of an outage's edge: 5 s scrape / ours", "ratio", low=500),
            Goal("length_finer", "error of an outage's length: 5 s scrape / ours", "ratio"),
            Goal("edge_error", "median error of an edge at 100/s", "ms"),
        ),
    ),
)
