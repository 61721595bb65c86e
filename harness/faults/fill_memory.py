"""Fill memory: what the service uses climbs to its limit, as in a slow leak, until the kernel ends it.

A small process in the same container takes memory step by step. When there is none left the kernel's out-of-memory
killer chooses the service and not that process: the service's processes were told to be the first (`oom_score_adj`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.errors import InstrumentError, NothingToBreak
from harness.faults.away import CLOCKS_DIFFER_S, Victim
from harness.faults.base import Container, Stage, bite_or_heal
from harness.faults.component import GradualFault, all_at_once
from harness.faults.inside import end_marked, leave_running, service_processes
from harness.history import Receipt

LEAK = "leak"
STEP_S = 0.2
FIRST_TO_GO = 1000  # the kernel's highest oom_score_adj
BOUNDLESS = 1 << 50  # what cgroup v1 says where nothing is said is close to 2^63

# Limit and use of the container's own cgroup, in bytes: version 2, or else version 1.
MEMORY = (
    "sh",
    "-c",
    "cd /sys/fs/cgroup; cat memory.max memory.current 2>/dev/null"
    " || cat memory/memory.limit_in_bytes memory/memory.usage_in_bytes",
)


@dataclass(frozen=True)
class FillMemory(GradualFault):
    """Take all memory up to the limit within `within_s`, evenly. A container without a limit cannot run out of it."""

    within_s: float = 25.0
    name: str = "fill_memory"

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when nothing fits, or when what fits has no limit."""
        for container in self.victims(stage):
            memory_of(container)

    def inject(self, stage: Stage) -> FillMemoryInjection:
        """Begin to leak in every container aimed at."""
        leaks = all_at_once(lambda c: Leak(Victim.of(c), c.id, *memory_of(c)), self.victims(stage))
        injection = FillMemoryInjection(stage, leaks, self.within_s)
        return bite_or_heal(injection, injection.strike)


def memory_of(container: Container) -> tuple[int, int]:
    """Return the limit and the use (bytes) of a container. Raises NothingToBreak when it has no limit."""
    said = container.run(MEMORY).split()
    if len(said) != 2 or not said[1].isdigit():
        raise InstrumentError(f"{container.name} does not say how much memory it may use: {' '.join(said)[:80]!r}.")
    if said[0] == "max" or int(said[0]) >= BOUNDLESS:
        raise NothingToBreak(
            f"{container.name} has no limit of memory: it would be the whole machine that ran out of it.",
            "Give the service a limit (`deploy.resources.limits.memory`, or `mem_limit`).",
        )
    return int(said[0]), int(said[1])


@dataclass
class Leak:
    """One container: what it was, how much it may use and did use (bytes), and when the kernel struck (run time, s)."""

    victim: Victim
    id: str
    limit: int
    used: int
    killed_s: float | None = None

    def begin(self, within_s: float) -> None:
        """Offer the service to the kernel first, then take so much every step that all is gone in time."""
        container = self.victim.container
        self._offer(FIRST_TO_GO)
        step = max(4096, round((self.limit - self.used) * STEP_S / within_s))
        # `tail` waits for the end of a line that never ends, and keeps all of it until then.
        leave_running(container, LEAK, f"while sleep {STEP_S:g}; do head -c {step} /dev/zero; done | tail")

    def end(self, stage: Stage, since: datetime) -> None:
        """Take the leak away; where the kernel has struck, see the service running again."""
        container = self.victim.container
        moments = container.out_of_memory(since)
        if moments:
            self.killed_s = stage.from_wall(min(moments))
        if not self._is_same():
            if not self.victim.look_again():
                raise InstrumentError(f"{container.name} ran out of memory and does not run again.")
            return
        end_marked(container, LEAK)
        self._offer(0)

    def _offer(self, score: int) -> None:
        container = self.victim.container
        pids = " ".join(str(process.pid) for process in service_processes(container))
        container.run(("sh", "-c", f"for p in {pids}; do echo {score} > /proc/$p/oom_score_adj; done"))

    def _is_same(self) -> bool:
        container, before = self.victim.container, self.victim.before
        state = container.state()
        return container.id == self.id and state.status == "running" and state.pid == before.pid

    def sentence(self) -> str:
        """What became of it, for people."""
        name = self.victim.container.name
        text = f"{name}: {self.used / 1e6:.0f} of {self.limit / 1e6:.0f} MB were used before;"
        if self.killed_s is None:
            return f"{text} the engine saw nobody killed for lack of memory."
        after = self.victim.after
        became = "was not seen running again" if after is None else f"became {after.pid}"
        end = f"the kernel killed it for lack of memory at {self.killed_s:.1f} s"
        return f"{text} {end}, and process {self.victim.before.pid} {became}."


@dataclass
class FillMemoryInjection:
    """Leaks, and their end."""

    stage: Stage
    leaks: list[Leak]
    within_s: float
    on_s: float | None = None
    off_s: float | None = None
    since: datetime | None = None

    def strike(self) -> None:
        """Begin everywhere."""
        self.on_s = self.stage.now()
        self.since = datetime.now(UTC) - timedelta(seconds=CLOCKS_DIFFER_S)
        all_at_once(lambda leak: leak.begin(self.within_s), self.leaks)

    def heal(self) -> None:
        """Take the leaks away, and see everybody running."""
        if self.off_s is None:
            self.off_s = self.stage.now()
        since = self.since or datetime.now(UTC)
        all_at_once(lambda leak: leak.end(self.stage, since), self.leaks)

    def receipt(self) -> Receipt:
        """Confirmed when the engine saw the kernel end every one for lack of memory, and each runs again."""
        killed = [leak.killed_s for leak in self.leaks if leak.killed_s is not None]
        # One that nobody wants any more, because its service was scaled down meanwhile, need not come back.
        back = sum(leak.victim.came_back_as_another_process or leak.victim.dismissed for leak in self.leaks)
        count = len(self.leaks)
        status = "missing" if not killed else "confirmed" if len(killed) == back == count else "mismatch"
        delivered: dict[str, Any] = {"killed": len(killed), "came_back": back, "mended_by_target": back == count}
        if killed and self.on_s is not None:
            delivered["within_s"] = round(max(killed) - self.on_s, 3)
        requested = {"killed": count, "within_s": self.within_s}
        evidence = [leak.sentence() for leak in self.leaks]
        return Receipt(status, requested, delivered, self.on_s, self.off_s, evidence)
