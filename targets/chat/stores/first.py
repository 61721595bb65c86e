"""The first of several servers that does what is asked: one after the other, and a silent one is not waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

Result = TypeVar("Result")


class AllFailed(Exception):
    """None of them did it. `errors` are theirs, in the order in which they came."""

    def __init__(self, errors: Sequence[Exception]) -> None:
        super().__init__("; ".join(str(error).strip() or type(error).__name__ for error in errors))
        self.errors = tuple(errors)


async def first_of(
    candidates: Sequence[int],
    attempt: Callable[[int], Awaitable[Result]],
    overdue: Callable[[int], Awaitable[object]],
    failures: tuple[type[Exception], ...],
    drop: Callable[[asyncio.Task[Result]], None] | None = None,
) -> tuple[int, Result]:
    """Return the first candidate whose `attempt` succeeds, and what it returned. Raises AllFailed.

    A failure starts the next one at once. When `overdue` returns for the one that was started last, the next is started
    beside it. Other exceptions than `failures` are passed on. Attempts that came too late are cancelled; `drop` is
    called with each of them when it has ended.
    """
    untried, errors = list(candidates), []
    trying: dict[asyncio.Task[Result], int] = {}
    try:
        while untried or trying:
            patience: asyncio.Task[object] | None = None
            if untried:
                candidate = untried.pop(0)
                trying[asyncio.ensure_future(_run(attempt(candidate)))] = candidate
                patience = asyncio.ensure_future(_run(overdue(candidate))) if untried else None
            await _any_of(trying, patience)
            for task in [task for task in trying if task.done()]:
                candidate = trying.pop(task)
                try:
                    return candidate, task.result()
                except failures as error:
                    errors.append(error)
    finally:
        for loser in trying:
            loser.cancel()
            loser.add_done_callback(drop or _looked_at)
    raise AllFailed(errors)


async def _run(work: Awaitable[Result]) -> Result:
    return await work


async def _any_of(trying: dict[asyncio.Task[Result], int], patience: asyncio.Task[object] | None) -> None:
    """Return when an attempt has ended or patience has. An error of the latter's is nobody's."""
    try:
        tasks: list[asyncio.Task[Any]] = [*trying, *([patience] if patience else [])]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if patience is not None:
            patience.cancel()
            patience.add_done_callback(_looked_at)


def _looked_at(task: asyncio.Task[Any]) -> None:
    """An exception that nobody asked for is not worth a line in the log."""
    if not task.cancelled():
        task.exception()
