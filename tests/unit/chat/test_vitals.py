"""Memory of the container, lag of the event loop, and what `/v1/ready` found, as metrics."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from targets.chat.vitals import REMEMBERED_S, ContainerMemory, LoopLag, memory
from tests.unit.chat.chat_fakes import World


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_version_2_of_control_groups(tmp_path: Path) -> None:
    files = {"memory.current": "1000\n", "memory.max": "4000\n", "memory.stat": "anon 700\ninactive_file 300\n"}
    assert memory(_write(tmp_path, files)) == (700, 4000)


def test_version_1_of_control_groups(tmp_path: Path) -> None:
    files = {
        "memory/memory.usage_in_bytes": "1000\n",
        "memory/memory.limit_in_bytes": "4000\n",
        "memory/memory.stat": "inactive_file 10\ntotal_inactive_file 300\n",
    }
    assert memory(_write(tmp_path, files)) == (700, 4000)


@pytest.mark.parametrize(
    "files",
    [
        {"memory.current": "1000\n", "memory.max": "max\n"},
        {"memory/memory.usage_in_bytes": "1000\n", "memory/memory.limit_in_bytes": "9223372036854771712\n"},
    ],
)
def test_no_limit_is_no_number(tmp_path: Path, files: dict[str, str]) -> None:
    assert memory(_write(tmp_path, files)) == (1000, None)
    assert [family.name for family in ContainerMemory(tmp_path).collect()] == ["chat_memory_bytes"]


def test_outside_a_control_group_nothing_is_said(tmp_path: Path) -> None:
    assert list(ContainerMemory(tmp_path).collect()) == []


def test_the_worst_lag_is_shown_until_it_is_old() -> None:
    lag = LoopLag()
    assert lag.worst_s() == 0
    lag.add(10.0, 0.7)
    lag.add(11.0, -0.001)
    assert lag.worst_s() == 0.7
    lag.add(10.0 + REMEMBERED_S + 0.1, 0.02)
    assert lag.worst_s() == 0.02


async def test_a_held_loop_is_noticed() -> None:
    lag = LoopLag()
    async with lag.watched():
        await asyncio.sleep(0)
        time.sleep(0.25)  # noqa: ASYNC251 (holding the loop is the point)
        await asyncio.sleep(0.01)
    assert lag.worst_s() >= 0.1
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "loop lag"]


async def _value(chat: World, series: str) -> float | None:
    page = (await chat.client.get("/metrics")).text
    found = re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else None


async def test_readiness_is_a_metric(chat: World) -> None:
    assert await _value(chat, "chat_ready") == 1
    chat.store.away = frozenset({"ping"})
    await chat.client.get("/v1/ready")
    assert await _value(chat, "chat_ready") == 0
    assert await _value(chat, 'chat_dependency_up{dependency="database"}') == 0
    assert await _value(chat, 'chat_dependency_up{dependency="cache"}') == 1
    chat.store.away = frozenset()
    await chat.client.get("/v1/ready")
    assert await _value(chat, "chat_ready") == 1


async def test_who_is_about_to_stop_is_not_sick(chat: World) -> None:
    await chat.client.get("/v1/ready")
    chat.app.state.draining = True
    assert (await chat.client.get("/v1/ready")).status_code == 503
    assert await _value(chat, "chat_ready") == 1


async def test_errors_are_counted_from_zero(chat: World) -> None:
    series = 'chat_http_requests_total{method="POST",route="/v1/chat",status="503"}'
    assert await _value(chat, series) == 0
    assert await _value(chat, "chat_event_loop_lag_seconds") is not None
