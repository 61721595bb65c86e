"""One stack after another: one that cannot be put in order between two runs is replaced, and the runs go on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import TypeVar

from harness.errors import OutOfOrder

MOST = 3
"""How often a stack is replaced in one campaign; if that does not help, it is no bad luck."""

Job = TypeVar("Job")
Stack = TypeVar("Stack")


def carry_through(
    jobs: Iterable[Job],
    up: Callable[[], AbstractContextManager[Stack]],
    do: Callable[[Job, Stack], None],
    tell: Callable[[Job, OutOfOrder], None],
) -> None:
    """Do all jobs in their order, on one stack as long as that can be put in order, then on a new one.

    `up` brings a stack up and takes it down. `tell` hears before which job it is replaced, and why. Raises OutOfOrder
    when a new stack is not in order before its first job, or `MOST` were replaced; and whatever `up` and `do` raise.
    """
    waiting = deque(jobs)
    replaced = 0
    while waiting:
        with up() as stack:
            as_new = True
            try:
                while waiting:
                    do(waiting[0], stack)
                    waiting.popleft()
                    as_new = False
            except OutOfOrder as error:
                if as_new or replaced == MOST:
                    raise
                replaced += 1
                tell(waiting[0], error)
