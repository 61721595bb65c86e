"""CPU time from control groups of both versions, and never of a process that is not in the container."""

from pathlib import Path

import pytest

from harness.engine.cpu import cpu_time_ns

ID = "f00d" * 16


def machine(tmp_path: Path, cgroup: str, files: dict[str, str]) -> tuple[Path, Path]:
    (tmp_path / "proc/77").mkdir(parents=True)
    (tmp_path / "proc/77/cgroup").write_text(cgroup)
    for name, text in files.items():
        file = tmp_path / "sys" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "proc", tmp_path / "sys"


@pytest.mark.parametrize(
    ("cgroup", "files"),
    [
        (f"2:cpuacct:/docker/{ID}\n0::/docker/{ID}\n", {f"cpuacct/docker/{ID}/cpuacct.usage": "5000\n"}),
        (f"4:cpu,cpuacct:/docker/{ID}\n", {f"cpu,cpuacct/docker/{ID}/cpuacct.usage": "5000\n"}),
        (
            f"0::/system.slice/docker-{ID}.scope\n",
            {f"system.slice/docker-{ID}.scope/cpu.stat": "usage_usec 5\nuser_usec 1\n"},
        ),
    ],
)
def test_versions_1_and_2(tmp_path: Path, cgroup: str, files: dict[str, str]) -> None:
    proc, cgroups = machine(tmp_path, cgroup, files)
    assert cpu_time_ns(77, ID, proc, cgroups) == 5000


def test_a_process_of_something_else_is_not_counted(tmp_path: Path) -> None:
    proc, cgroups = machine(tmp_path, "2:cpuacct:/user.slice\n", {"cpuacct/user.slice/cpuacct.usage": "5000\n"})
    assert cpu_time_ns(77, ID, proc, cgroups) is None


def test_an_engine_on_another_machine_shows_nothing_here(tmp_path: Path) -> None:
    assert cpu_time_ns(78, ID, tmp_path, tmp_path) is None
    proc, cgroups = machine(tmp_path, f"0::/docker/{ID}\n", {})
    assert cpu_time_ns(77, ID, proc, cgroups) is None
