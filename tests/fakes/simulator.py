"""The real provider simulator on two free loopback ports, in a thread of the test process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from targets.parts.provider_sim.server import listen, make_server
from targets.parts.provider_sim.settings import Settings

FAST = Settings(seed=1, ttft_median_s=0.001, ttft_sigma=0.1, token_s=0.0005, tokens_median=30)


@dataclass(frozen=True)
class Simulator:
    """Where a running simulator listens."""

    wire_port: int
    control_port: int

    @property
    def wire_url(self) -> str:
        return f"http://127.0.0.1:{self.wire_port}"

    @property
    def control_url(self) -> str:
        return f"http://127.0.0.1:{self.control_port}"

    def control(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Send one order to the control API."""
        with httpx.Client(base_url=self.control_url, trust_env=False, timeout=10) as client:
            return client.request(method, f"/control/{path}", json=body)

    def set_fault(self, **fault: object) -> dict[str, object]:
        """Set a fault that must be accepted; return it as stored."""
        answer = self.control("PUT", "fault", fault)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def counters(self) -> dict[str, object]:
        return dict(self.control("GET", "counters").json())

    def settled_counters(self, within_s: float = 10) -> dict[str, object]:
        """The counters once no request is in flight any more."""
        deadline = time.monotonic() + within_s
        while True:
            now = self.counters()
            if now["requests"] == now["completed"] + now["aborted"]:  # type: ignore[operator]
                return now
            assert time.monotonic() < deadline, f"still in flight: {now}"
            time.sleep(0.01)


@contextmanager
def running_simulator(settings: Settings = FAST) -> Iterator[Simulator]:
    """Run a simulator for as long as the context lasts."""
    wire, control = listen("127.0.0.1", 0), listen("127.0.0.1", 0)
    simulator = Simulator(wire.getsockname()[1], control.getsockname()[1])
    server = make_server(settings, simulator.control_port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [wire, control]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert thread.is_alive() and time.monotonic() < deadline, "the simulator did not start"
            time.sleep(0.01)
        yield simulator
    finally:
        server.should_exit = True
        thread.join(15)
        assert not thread.is_alive(), "the simulator did not stop"
