"""A stack that cannot be put in order is replaced, and no job is lost or done twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from harness.afresh import MOST, carry_through
from harness.errors import OutOfOrder


class Story:
    """Stacks that are up one at a time, and what happens on them; `broken` says at which tries of a job it is not."""

    def __init__(self, broken: Sequence[tuple[str, int]] = ()) -> None:
        self.broken = list(broken)
        self.stacks = 0
        self.up = 0
        self.done: list[tuple[str, int]] = []
        self.told: list[tuple[str, str]] = []

    @contextmanager
    def stack(self) -> Iterator[int]:
        assert self.up == 0, "two stacks at once"
        self.stacks += 1
        self.up += 1
        try:
            yield self.stacks
        finally:
            self.up -= 1

    def do(self, job: str, stack: int) -> None:
        if (job, stack) in self.broken:
            raise OutOfOrder(f"{job} finds stack {stack} broken")
        self.done.append((job, stack))

    def tell(self, job: str, because: OutOfOrder) -> None:
        self.told.append((job, str(because)))

    def carry_through(self, jobs: str) -> None:
        carry_through(jobs, self.stack, self.do, self.tell)


def test_one_stack_is_enough_for_all_jobs() -> None:
    story = Story()
    story.carry_through("abc")
    assert story.done == [("a", 1), ("b", 1), ("c", 1)]
    assert (story.stacks, story.up, story.told) == (1, 0, [])


def test_a_job_that_finds_no_order_is_done_on_a_new_stack_and_said() -> None:
    story = Story([("b", 1), ("c", 2)])
    story.carry_through("abcd")
    assert story.done == [("a", 1), ("b", 2), ("c", 3), ("d", 3)]
    assert story.told == [("b", "b finds stack 1 broken"), ("c", "c finds stack 2 broken")]


def test_a_new_stack_that_is_out_of_order_is_not_replaced() -> None:
    story = Story([("a", 1)])
    with pytest.raises(OutOfOrder, match="a finds stack 1 broken"):
        story.carry_through("abc")
    story = Story([("b", 1), ("b", 2)])
    with pytest.raises(OutOfOrder, match="b finds stack 2 broken"):
        story.carry_through("abc")
    assert story.done == [("a", 1)] and story.up == 0


def test_stacks_are_replaced_only_so_often() -> None:
    story = Story([(job, n) for n, job in enumerate("bcdefgh", start=1)])
    with pytest.raises(OutOfOrder):
        story.carry_through("abcdefgh")
    assert story.stacks == 1 + MOST and story.up == 0


def test_nothing_to_do_starts_nothing_and_other_errors_go_through() -> None:
    story = Story()
    story.carry_through("")
    assert story.stacks == 0

    def fails(job: str, stack: int) -> None:
        raise ValueError(job)

    with pytest.raises(ValueError, match="a"):
        carry_through("a", story.stack, fails, story.tell)
    assert story.up == 0
