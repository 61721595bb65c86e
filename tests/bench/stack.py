"""What the testbed adds to its target: time to start, time of a campaign, and the milliseconds of weaving."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from harness.campaign import refuse_dirty
from harness.cost import PROXIES, Meters
from harness.engine.compose import ComposeDeployer
from harness.engine.host import compose_command, connect
from harness.engine.images import ensure_images
from harness.engine.lock import EngineLock
from harness.engine.marks import engine_id
from harness.engine.ports import free_ports
from harness.engine.stack import Stack
from harness.engine.swarm import SwarmDeployer
from harness.errors import HarnessError
from harness.target import Target, find_target, load_target
from tests.bench.figures import Bench, Goal, Skipped
from tests.bench.gate import Reading
from tests.bench.loads import ROOT, load

PLAIN = "bench-plain"
PROVIDER_S = 0.05
RATE, SECONDS = 50.0, 10.0
LARGEST = "v4"
READY_S = 60.0  # how long it may take from when every container is healthy until the entry answers
SETTLING_S, IDLE_S = 20.0, 60.0
WAIT_S = 1200.0
"""How long another harness may keep the engine until the benchmark gives up."""


@contextmanager
def engine(phase: str = "v1") -> Iterator[None]:
    """The engine, ours alone and clean, with all images of a phase. Raises Skipped where there is none."""
    try:
        client = connect()
    except HarnessError as error:
        raise Skipped(f"no Docker engine: {error}") from None
    lock, end = EngineLock(engine_id(client), who="make bench"), time.monotonic() + WAIT_S
    while True:
        try:
            lock.acquire()
            break
        except HarnessError as error:
            if time.monotonic() > end:
                raise Skipped(f"the engine was never free: {error}") from None
            time.sleep(0.5)
    try:
        refuse_dirty(client)
        ensure_images(client, [*find_target(phase).images, "toxiproxy", "netadmin"], lambda _: None)
        yield
    finally:
        lock.release()
        client.close()


@dataclass
class Plain:
    """The target's own Compose file, as `docker compose` starts it, on a port of ours."""

    file: Path
    port: int

    def compose(self, *arguments: str) -> None:
        """Call Compose on it."""
        command = [*compose_command(), "-p", PLAIN, "-f", str(self.file), *arguments]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PORT": str(self.port)})

    def up(self) -> float:
        """Start it, wait until it is healthy, and return how long (s) that took."""
        begun = time.monotonic()
        self.compose("up", "-d", "--no-build", "--wait")
        return time.monotonic() - begun

    def down(self) -> None:
        """Remove it with its volumes."""
        self.compose("down", "-v", "--remove-orphans", "-t", "2")


@contextmanager
def woven(folder: Path, target: Target) -> Iterator[tuple[Stack, float]]:
    """The target as experiments start it, and how long (s) it took until it was ready; taken down afterwards."""
    with closing(connect()) as client:
        begun = time.monotonic()
        kind = SwarmDeployer if target.deployer == "swarm" else ComposeDeployer
        stack = kind(client, folder / "woven").up(target, f"bench-{uuid.uuid4().hex[:6]}", lambda _: None)
        try:
            stack.ready(READY_S)
            yield stack, time.monotonic() - begun
        finally:
            stack.down()


def start(folder: Path) -> dict[str, float]:
    """Starting v1 with every link woven and verified, over `docker compose up --wait` of the plain file."""
    target = find_target("v1")
    plain = Plain(target.folder / target.compose, next(free_ports()))
    try:
        plain_s = plain.up()
    finally:
        plain.down()
    with woven(folder, target) as (_, woven_s):
        pass
    return {"start_ratio": woven_s / plain_s, "start_s": woven_s}


def whole(folder: Path) -> dict[str, float]:
    """The largest version as experiments start it: until it is ready, and what it takes when nobody asks anything."""
    with woven(folder, find_target(LARGEST)) as (stack, ready_s):
        time.sleep(SETTLING_S)
        with closing(stack.meters()) as meters:
            before, before_s = Reading(), proxies_s(meters)
            time.sleep(IDLE_S)
            after, ours = Reading(), proxies_s(meters) - before_s
    busy, everything = after.busy - before.busy, after.total - before.total
    return {
        "whole_ready": ready_s,
        "whole_idle": 100 * (busy - ours) / everything,
        "whole_idle_woven": 100 * busy / everything,
    }


def proxies_s(meters: Meters) -> float:
    """Processor time (s) that all Toxiproxies have used: the instrument's, and not the target's."""
    return sum(meter.cpu_s or 0.0 for meter in meters.read() if meter.part == PROXIES)


def weaving(folder: Path) -> dict[str, float]:
    """Chats at 50/s against both stacks in turn, before a provider that always takes 50 ms."""
    target = steady_target(folder / "target")
    p50s: dict[str, list[float]] = {"plain": [], "woven": []}
    plain = Plain(target.folder / target.compose, next(free_ports()))
    try:
        plain.up()
        with woven(folder, target) as (stack, _):
            places = {"plain": f"http://127.0.0.1:{plain.port}", "woven": stack.base_url}
            for number in range(2):
                for name, url in places.items():
                    p50s[name].append(p50_ms(folder / f"{name}-{number}", url))
    finally:
        plain.down()
    plain_ms, woven_ms = min(p50s["plain"]), min(p50s["woven"])
    return {
        "weaving_cost": woven_ms - plain_ms,
        "api_overhead": woven_ms - PROVIDER_S * 1000,
        "api_overhead_plain": plain_ms - PROVIDER_S * 1000,
    }


def p50_ms(folder: Path, url: str) -> float:
    """Median latency (ms) of chats at 50/s, from their due times. Raises RuntimeError when one in a hundred failed."""
    ran = load(folder, url, RATE, SECONDS, warmup_s=4.0, deadline_s=5.0)
    counted = ran.arrivals.select(ran.arrivals.counted)
    good = counted.good(5.0)
    if good.mean() < 0.99:
        raise RuntimeError(f"{np.count_nonzero(~good)} of {len(good)} chats failed: {set(counted.detail[~good])}")
    return float(np.median((counted.ended_s - counted.due_s)[good])) * 1000


def steady_target(folder: Path) -> Target:
    """A copy of v1 whose simulated provider always takes the same time."""
    source = find_target("v1").folder
    folder.mkdir()
    shutil.copy(source / "target.toml", folder)
    content: dict[str, Any] = yaml.safe_load((source / "compose.yml").read_text())
    for service in content["services"].values():
        service.pop("build", None)
    pace = {"SIM_TTFT_MEDIAN_S": str(PROVIDER_S), "SIM_TTFT_SIGMA": "0", "SIM_TOKEN_S": "0"}
    content["services"]["openai"]["environment"] = pace
    (folder / "compose.yml").write_text(yaml.safe_dump(content))
    return load_target(folder)


def campaign(folder: Path) -> dict[str, float]:
    """All experiments on v1: wall time over the sum of the windows (warm-up and counted) that they declare.

    BENCH_CAMPAIGN=results/<campaign> takes the time from the manifest of a campaign that has already run.
    """
    stored = os.environ.get("BENCH_CAMPAIGN")
    if stored:
        found = Path(stored)
        manifest = json.loads((found / "manifest.json").read_text())
        moments = [datetime.fromisoformat(manifest[key]) for key in ("started", "finished")]
        took = (moments[1] - moments[0]).total_seconds()
    else:
        with engine():
            pass  # wait until it is free, and have the images made before the clock runs
        begun = time.monotonic()
        command = [sys.executable, "-m", "harness", "experiment", "v1"]
        environment = {**os.environ, "TESTBED_RESULTS": str(folder)}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True)
        took = time.monotonic() - begun
        if done.returncode:
            raise Skipped(f"the campaign ended with {done.returncode}: {done.stderr.strip()[-200:]}")
        found = folder / "latest"
    manifest = json.loads((found / "manifest.json").read_text())
    runs = [
        json.loads((found / run / "run.json").read_text()) for run in (*manifest["runs"], *manifest.get("repeated", {}))
    ]
    return {"campaign_ratio": took / sum(run["warmup_s"] + run["duration_s"] for run in runs)}


BENCHES = (
    Bench(
        "start",
        start,
        (
            Goal("start_ratio", "start of v1 / `docker compose up --wait` of the plain file", "ratio", high=1.2),
            Goal("start_s", "start of v1, woven, until ready", "s"),
        ),
        containers=True,
        within=engine,
    ),
    Bench(
        "whole",
        whole,
        (
            Goal("whole_ready", f"start of {LARGEST}, woven, from warm images, until ready", "s", high=120),
            Goal("whole_idle", f"machine busy while nobody asks {LARGEST}, without its Toxiproxies", "%", high=30),
            Goal("whole_idle_woven", "the same with them", "%"),
        ),
        repeats=1,
        containers=True,
        within=partial(engine, LARGEST),
    ),
    Bench(
        "weaving",
        weaving,
        (
            Goal("weaving_cost", "p50 of a chat with Toxiproxy minus without", "ms", high=1),
            Goal("api_overhead", "v1 chat p50 minus the provider's own time, at 50/s", "ms", high=8),
            Goal("api_overhead_plain", "the same without Toxiproxy", "ms"),
        ),
        containers=True,
        within=engine,
    ),
    Bench(
        "campaign",
        campaign,
        (Goal("campaign_ratio", "time of a campaign / sum of its declared windows", "ratio", high=1.15),),
        repeats=1,
        containers=True,
    ),
)
