"""The parts that load benchmarks share: the server of known truth, our load, and the stock tool's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from harness.clock import RunClock
from harness.experiment import Mix
from harness.history import Arrivals, Floats, Generator
from harness.load.arrivals import generator_figures, write_arrivals
from harness.load.generator import LoadGenerator
from harness.load.plan import make_plan
from harness.load.settings import Summary, read_summary

ROOT = Path(__file__).resolve().parents[2]
STOCK = Path(__file__).with_name("stock_locustfile.py")
CHATS = Mix(chat=1, stream=0, read=0)
DEADLINE_S = 1.0


class Server:
    """A running truth server."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def misbehave(self, from_s: float, until_s: float, how: str = "hang") -> None:
        """Hang or fail every arrival in a window of CLOCK_MONOTONIC (s)."""
        self.misbehave_often([(from_s, until_s)], how)

    def misbehave_often(self, windows: list[tuple[float, float]], how: str) -> None:
        """The same in several windows."""
        told = [{"from": from_s, "until": until_s, "how": how} for from_s, until_s in windows]
        httpx.post(f"{self.url}/control", json=told, trust_env=False).raise_for_status()

    def arrived(self) -> Floats:
        """When arrivals came in, CLOCK_MONOTONIC (s)."""
        return np.array(httpx.get(f"{self.url}/log", trust_env=False, timeout=30).json(), dtype=np.float64)


@contextmanager
def serving(delay_s: float = 0.05, sigma: float = 0.0) -> Iterator[Server]:
    """A truth server in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.truth_server", "--delay", str(delay_s), "--sigma", str(sigma)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield Server(int(process.stdout.readline()))
        finally:
            process.kill()


@dataclass(frozen=True)
class Loaded:
    """What our load left behind. `clock` is the run's."""

    arrivals: Arrivals
    figures: Generator
    summary: Summary
    clock: RunClock


def load(
    folder: Path,
    url: str,
    rate: float,
    duration_s: float,
    *,
    mix: Mix = CHATS,
    warmup_s: float = 2.0,
    deadline_s: float = DEADLINE_S,
    on_clock: Callable[[RunClock], None] = lambda clock: None,
    seed: int = 1,
    **options: Any,
) -> Loaded:
    """Run the load that experiments use and return what it recorded. `options` go to the LoadGenerator."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = make_plan(rate, duration_s, warmup_s, mix, seed)
    with LoadGenerator(
        folder, plan, host=url, run=f"b{os.getpid()}-{folder.name}", deadline_s=deadline_s, **options
    ) as g:
        g.ready(60)
        clock = RunClock.starting_in(warmup_s + 0.5)
        on_clock(clock)
        g.go(clock)
        g.wait(duration_s + deadline_s + 60)
    arrivals, _ = write_arrivals(folder, plan)
    figures, _ = generator_figures(folder, arrivals)
    summary = read_summary(folder)
    if summary is None:
        raise RuntimeError("the load generator left no summary")
    return Loaded(arrivals, figures, summary, clock)


@dataclass(frozen=True)
class Stock:
    """What stock Locust says about itself, and when the server saw the first of its requests (CLOCK_MONOTONIC, s)."""

    requests: int
    failures: int
    first: float


def stock(folder: Path, server: Server, users: int, duration_s: float, outage: tuple[float, float]) -> Stock:
    """Run stock closed-loop Locust (users that wait for their answers and ask again) through a hang.

    The hang lasts from `outage[0]` to `outage[1]`, seconds after the server saw the first request.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "locust", "--locustfile", str(STOCK), "--headless", "--host", server.url]
    command += ["--users", str(users), "--spawn-rate", str(users), "--run-time", f"{duration_s:g}s"]
    command += ["--json-file", "stock", "--loglevel", "WARNING", "--exit-code-on-error", "0"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("LOCUST_")} | {"HOME": str(folder)}
    null = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=folder, env=env, stdout=null, stderr=null) as process:
        while not len(arrived := server.arrived()) and process.poll() is None:
            time.sleep(0.05)
        server.misbehave(arrived[0] + outage[0], arrived[0] + outage[1])
    told = json.loads((folder / "stock.json").read_text())[0]
    return Stock(told["num_requests"], told["num_failures"], float(arrived[0]))
