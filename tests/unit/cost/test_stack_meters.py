"""Meters of a stack: control groups found once, the engine asked only when a container has started since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import NotFound

from harness.cost import Meter
from harness.engine import meter as subject
from harness.engine.cpu import find_group
from harness.engine.meter import StackMeters
from harness.engine.stack import LogSource
from harness.target import Component

APP, PROXY, LATE = "a" * 64, "b" * 64, "c" * 64


@dataclass
class Engine:
    """An engine whose containers have these main processes; 0 is one that has ended."""

    pids: dict[str, int]
    asked: list[str] = field(default_factory=list)

    @property
    def api(self) -> Engine:
        return self

    def inspect_container(self, container: str) -> dict[str, Any]:
        self.asked.append(container)
        if container not in self.pids:
            raise NotFound("gone")
        return {"State": {"Running": self.pids[container] > 0, "Pid": self.pids[container]}}


@dataclass
class FakeStack:
    """A stack of an app behind a Toxiproxy."""

    sources: list[LogSource]
    begun: int = 1
    servers: Mapping[str, Any] = field(default_factory=lambda: {"toxiproxy": object()})

    def log_sources(self) -> list[LogSource]:
        return self.sources

    def starts(self) -> int:
        return self.begun

    def part(self, service: str) -> Component:
        return Component(name=service, role=f"role of {service}", zone="", region="")


def source(service: str, container: str) -> LogSource:
    return LogSource(service, container, f"{service}-1")


def use(root: Path, container: str, pid: int, *, cpu_us: int, memory: int, cache: int) -> None:
    """Let a container have used this, under version 2."""
    (root / "proc" / str(pid)).mkdir(parents=True, exist_ok=True)
    (root / "proc" / str(pid) / "cgroup").write_text(f"0::/docker/{container}\n")
    group = root / "cgroup" / "docker" / container
    group.mkdir(parents=True, exist_ok=True)
    (group / "cpu.stat").write_text(f"usage_usec {cpu_us}\n")
    (group / "memory.current").write_text(f"{memory}\n")
    (group / "memory.stat").write_text(f"anon 1\ninactive_file {cache}\n")


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(tmp_path, APP, 11, cpu_us=2_500_000, memory=900, cache=100)
    use(tmp_path, PROXY, 12, cpu_us=500_000, memory=90, cache=0)
    monkeypatch.setattr(subject, "PROC", tmp_path / "proc")
    monkeypatch.setattr(subject, "CGROUPS", tmp_path / "cgroup")


def meters(engine: Engine, stack: FakeStack) -> StackMeters:
    client: Any = engine
    return StackMeters(client, stack)


def test_target_and_harness_are_told_apart() -> None:
    found = meters(Engine({APP: 11, PROXY: 12}), FakeStack([source("app", APP), source("toxiproxy", PROXY)]))
    assert found.roles() == {"app": "role of app"}
    assert list(found.read()) == [Meter(APP, "app", 2.5, 800), Meter(PROXY, "toxiproxy", 0.5, 90, ours=True)]


def test_the_engine_is_asked_again_only_when_one_has_started(tmp_path: Path) -> None:
    engine = Engine({APP: 11, PROXY: 12})
    stack = FakeStack([source("app", APP), source("toxiproxy", PROXY)])
    found = meters(engine, stack)
    for _ in range(3):
        found.read()
    assert engine.asked == [APP, PROXY]
    use(tmp_path, LATE, 13, cpu_us=1_000_000, memory=5, cache=0)
    engine.pids[LATE] = 13
    stack.sources.append(source("app", LATE))
    assert len(found.read()) == 2
    stack.begun += 1
    assert [meter.key for meter in found.read()] == [APP, PROXY, LATE]
    assert engine.asked == [APP, PROXY, LATE]


def test_who_has_ended_or_is_gone_is_left_out(tmp_path: Path) -> None:
    found = meters(
        Engine({APP: 11, PROXY: 0}), FakeStack([source("app", APP), source("app", PROXY), source("x", LATE)])
    )
    assert [meter.key for meter in found.read()] == [APP]
    (tmp_path / "cgroup" / "docker" / APP / "cpu.stat").unlink()
    assert list(found.read()) == []
    assert found.every_s == subject.HERE_EVERY_S


def test_of_an_engine_elsewhere_it_is_asked_and_not_as_often() -> None:
    said = {
        "cpu_stats": {"cpu_usage": {"total_usage": 3_000_000_000}},
        "memory_stats": {"usage": 700, "stats": {"inactive_file": 200}},
    }
    client: Any = SimpleNamespace()
    engine = Engine({APP: 99})  # a process that this machine does not have
    client.api = SimpleNamespace(inspect_container=engine.inspect_container, stats=lambda key, **_: said)
    found = StackMeters(client, FakeStack([source("app", APP)]))
    assert found.every_s == subject.ELSEWHERE_EVERY_S
    assert list(found.read()) == [Meter(APP, "app", 3.0, 500)]
    client.api.stats = lambda key, **_: {"cpu_stats": {}}
    assert list(found.read()) == []


def test_memory_of_version_1_and_of_a_hybrid_machine(tmp_path: Path) -> None:
    (tmp_path / "proc" / "21").mkdir(parents=True)
    lines = [f"4:memory:/docker/{LATE}", f"2:cpu,cpuacct:/docker/{LATE}", f"0::/docker/{LATE}"]
    (tmp_path / "proc" / "21" / "cgroup").write_text("\n".join(lines) + "\n")
    for kind, files in {
        "memory": {"memory.usage_in_bytes": "1000\n", "memory.stat": "inactive_file 1\ntotal_inactive_file 300\n"},
        "cpu,cpuacct": {"cpuacct.usage": "7000\n"},
        "unified": {"cpu.stat": "usage_usec 999\n"},
    }.items():
        folder = tmp_path / "cgroup" / kind / "docker" / LATE
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    group = find_group(21, LATE, tmp_path / "proc", tmp_path / "cgroup")
    assert group is not None
    assert (group.cpu_ns(), group.memory_bytes()) == (7000, 700)
