"""How long v2's database cannot be written to when a part of it fails, and whether it forgets anything.

`python -m tests.bench.failover [SCENARIO ...] [--repeats N] [--docs]`. Every session starts a cluster of its own in
plain containers; two clients write every 0.1 s, one through libpq's multi-host URL, one through HAProxy, so
that each fault is seen both ways. Results gather in results/bench/failover.json; --docs puts them into
docs/database-failover.md.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.engine.host import connect
from tests.bench.__main__ import machine
from tests.bench.database_lab import BOTH, MEMBERS, NODES, THROUGH_HAPROXY, DatabaseLab, Write, wait_until
from tests.bench.failover_scenarios import SCENARIOS
from tests.bench.loads import ROOT
from tests.bench.runner import between_marks

RESULT = Path(os.environ.get("TESTBED_RESULTS", "results")) / "bench" / "failover.json"
DOCS = ROOT / "docs" / "database-failover.md"
WAYS = {"libpq": BOTH, "haproxy": THROUGH_HAPROXY}
PARTS = ("etcd", "patroni", "app", "lb")
QUIET_S = 3.0
"""How long everything must run well before a fault; a random part of a Patroni loop is added."""
IDLE_S = 60.0


@dataclass(frozen=True)
class Window:
    """What a client saw of one fault. Times in s; `pause_s` is the longest time without an acknowledged row."""

    again_s: float
    pause_s: float
    refused: int
    of: int
    rejoined_s: float


def look(writes: Iterable[Write], fault: float, settled: float) -> Window:
    """Judge what lies between a fault and the time when the cluster was whole again.

    `again_s` is when the longest pause ended, counted from the fault; 0 when no pause was longer than 0.5 s.
    """
    due = [each for each in writes if fault - 1 <= each.began <= settled]
    answered = [*sorted(each.ended for each in due if each.ok), settled]
    longest, end = max((after - before, after) for before, after in pairwise(answered) if after > fault)
    refused = sum(not each.ok for each in due)
    return Window(end - fault if longest > 0.5 else 0.0, longest, refused, len(due), settled - fault)


def session(name: str, repeats: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Run one scenario `repeats` times on one cluster. Raises AssertionError when an acknowledged row is missing."""
    client = connect(timeout_s=120)
    lab = DatabaseLab(client)
    lab.build(*PARTS)
    lab.remove()
    try:
        return _session(lab, name, repeats, say)
    finally:
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        for node in NODES:
            RESULT.with_name(f"failover-{name}-{node}.log").write_bytes(lab.logs(node))
        lab.remove()
        client.close()


def _session(lab: DatabaseLab, name: str, repeats: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    began = time.monotonic()
    lab.start()
    wait_until("there is a primary", lambda: bool(lab.primary()))
    writable_s = time.monotonic() - began
    wait_until("the cluster is whole", lab.settled)
    say(f"{name}: primary after {writable_s:.1f} s, synchronous standby after {time.monotonic() - began:.1f} s")
    lab.sql(lab.primary(), "create table acknowledged (writer text, n int, primary key (writer, n))")
    lab.place_haproxy()
    for way, url in WAYS.items():
        lab.place_writer(way, url)
    windows = []
    for _ in range(repeats):
        time.sleep(QUIET_S + random.uniform(0, 2))
        primary = lab.primary()
        fault = time.time()
        SCENARIOS[name](lab, primary)
        wait_until("the cluster is whole again", lab.settled)
        windows.append((primary, fault, time.time()))
    time.sleep(QUIET_S)
    found = []
    for way in WAYS:
        writes = lab.writes(way)
        acknowledged = {each.n for each in writes if each.ok}
        lost = sorted(acknowledged - lab.rows(way))
        assert not lost, f"{name}, {way}: acknowledged and lost: {lost}"
        for number, (primary, fault, settled) in enumerate(windows, 1):
            window = look(writes, fault, settled)
            found.append({"scenario": name, "way": way, "primary": primary, "rows": len(acknowledged), **vars(window)})
            say(f"{name} {number} {way} ({primary}): " + ", ".join(f"{k} {v:.1f}" for k, v in vars(window).items()))
    return found


def idle(say: Callable[[str], None]) -> dict[str, float]:
    """Return the CPU that each container of an idle cluster uses, in parts of one core."""
    client = connect(timeout_s=120)
    lab = DatabaseLab(client)
    lab.build("etcd", "patroni")
    lab.remove()
    try:
        lab.start()
        wait_until("the cluster is whole", lab.settled)
        time.sleep(10)
        before, at = lab.cpu(), time.monotonic()
        time.sleep(IDLE_S)
        after, seconds = lab.cpu(), time.monotonic() - at
    finally:
        lab.remove()
        client.close()
    used = {name: (after[name] - before[name]) / seconds for name in (*NODES, *MEMBERS)}
    say("idle: " + ", ".join(f"{name} {value:.2%}" for name, value in used.items()) + f", sum {sum(used.values()):.2%}")
    return used


def table(found: Sequence[dict[str, Any]]) -> str:
    """Return the results as a Markdown table: one row per scenario and way, medians with the whole range."""
    lines = [
        "| what happens | seen through | repeats | writes succeed again after | failed (of 10/s) | whole again after |",
        "|---|---|---|---|---|---|",
    ]
    for name, scenario in SCENARIOS.items():
        for way in WAYS:
            these = [each for each in found if each["scenario"] == name and each["way"] == way]
            if these:
                refused = [each["refused"] for each in these]
                cells = [
                    (scenario.__doc__ or "").split("\n")[0],
                    way,
                    str(len(these)),
                    _spread([each["again_s"] for each in these]),
                    f"{statistics.median(refused):.0f} ({min(refused)} to {max(refused)})",
                    _spread([each["rejoined_s"] for each in these]),
                ]
                lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.1f} s ({min(values):.1f} to {max(values):.1f})"


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Measure, store, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.failover")
    parser.add_argument(
        "names", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}, idle, stored; all without"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--docs", action="store_true", help=f"put the table into {DOCS.name}")
    given = parser.parse_args()
    stored = json.loads(RESULT.read_text()) if RESULT.is_file() else {"idle": {}, "found": []}
    for name in given.names or [*SCENARIOS, "idle"]:
        if name == "stored":
            continue
        if name == "idle":
            stored["idle"] = idle(say)
        else:
            stored["found"] += session(name, given.repeats, say)
        RESULT.parent.mkdir(parents=True, exist_ok=True)  # (also without a session)
        RESULT.write_text(json.dumps(stored, indent=1) + "\n")
    say("\n" + table(stored["found"]))
    if given.docs:
        used = stored["idle"]
        told = f"\nOn {', '.join(machine().values())}.\n\n{table(stored['found'])}"
        if used:
            told += f"\nIdle, the five containers use {sum(used.values()):.1%} of one core: "
            told += ", ".join(f"{name} {value:.1%}" for name, value in used.items()) + ".\n"
        DOCS.write_text(between_marks(DOCS.read_text(), told + "\n"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
