"""Fill disk: the disk of a component fills up, as with logs that nobody rotates, until nothing can be written on it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from harness.errors import InstrumentError, NothingToBreak
from harness.faults.base import Container, Stage, bite_or_heal
from harness.faults.component import GradualFault, all_at_once, wait_for
from harness.faults.inside import end_marked, leave_running
from harness.history import Receipt

FILLER = "filler"
STEP_S = 0.5
LATE_S = 10.0  # how much later than planned it may be full: others write on it as well
RUNS_PATIENCE_S = 30.0  # how long one that fell over the full disk may take until it can be healed
MB = 1_000_000
LITTLE = 1 * MB  # less than that is full
OWN = 1.1  # a file system is a little smaller than its disk, and never so much larger


@dataclass(frozen=True)
class FillDisk(GradualFault):
    """Write a file that takes what is left within `within_s`, and goes on taking what is given back."""

    within_s: float = 15.0
    name: str = "fill_disk"

    def check_aim(self, stage: Stage) -> None:
        """Raise NothingToBreak when nothing fits, or when what fits has no disk of its own to fill up."""
        for container in self.victims(stage):
            disk_of(container)

    def inject(self, stage: Stage) -> FillDiskInjection:
        """Begin to fill every disk aimed at."""
        fillings = all_at_once(lambda c: Filling(c, *disk_of(c)), self.victims(stage))
        injection = FillDiskInjection(stage, fillings, self.within_s)
        return bite_or_heal(injection, injection.strike)


def space(container: Container, path: str) -> tuple[int, int]:
    """Return how many bytes are free and how many there are where `path` lies, by the kernel's own count (statvfs)."""
    said = container.run(("stat", "-f", "-c", "%a %b %S", path)).split()
    if len(said) != 3 or not all(word.isdigit() for word in said):
        raise InstrumentError(f"{container.name} does not say how much space there is: {' '.join(said)[:80]!r}.")
    free, all_of_it, block = map(int, said)
    return free * block, all_of_it * block


def disk_of(container: Container) -> tuple[str, int, int]:
    """Return the path, the free bytes and the size of the disk. Raises NothingToBreak where it is not its own."""
    path, mb = container.disk()
    free, size = space(container, path)
    if size > mb * MB * OWN:
        raise NothingToBreak(
            f"The disk of {container.name} has {size / MB:.0f} MB and not the {mb} of target.toml: it is the user's "
            "own, since none with a bound could be made here.",
            "Run as root, under Swarm, on the engine's own machine, with losetup and mkfs.ext4.",
        )
    return path, free, size


@dataclass
class Filling:
    """One disk: where it is, what (bytes) was free before, at the least, and after healing, and when it was full."""

    container: Container
    path: str
    before: int
    size: int
    full_s: float | None = None
    at_end: int | None = None
    after: int | None = None

    def begin(self, within_s: float) -> None:
        """Take an equal share every step, and from then on whatever there is."""
        steps = max(1, round(within_s / STEP_S))
        share = max(4096, self.before // steps)
        file = f"{self.path}/.testbed-{FILLER}"
        grow = f"n=$(stat -c %s {file} 2>/dev/null || echo 0); fallocate -l $((n + {share})) {file}"
        small = f"dd if=/dev/zero bs=4096 count=256 oflag=append conv=notrunc of={file}"
        leave_running(self.container, FILLER, f"while :; do {grow} || {small}; sleep {STEP_S:g}; done")

    def watch(self, stage: Stage, deadline: float) -> None:
        """Wait until the kernel says that it is full; it may fall over meanwhile."""
        while self.full_s is None and time.monotonic() < deadline:
            with suppress(InstrumentError):  # it fell over the full disk, and is on its way back
                if space(self.container, self.path)[0] < LITTLE:
                    self.full_s = stage.now()
                    return
            time.sleep(STEP_S / 2)

    def end(self) -> None:
        """Take the file away, whoever runs there now. Raises InstrumentError when it cannot be taken away."""
        if wait_for(self.container, lambda s: s.status == "running", RUNS_PATIENCE_S) is None:
            raise InstrumentError(f"{self.container.name} does not run, and its full disk cannot be emptied.")
        if self.at_end is None:
            self.at_end = space(self.container, self.path)[0]
        end_marked(self.container, FILLER)
        self.container.run(("rm", "-f", f"{self.path}/.testbed-{FILLER}"))
        self.after = space(self.container, self.path)[0]
        if self.after < LITTLE:
            raise InstrumentError(f"The disk of {self.container.name} is still full without what the fault wrote.")

    def sentence(self) -> str:
        """What became of it, for people."""
        full = "it was not seen full" if self.full_s is None else f"it was full at {self.full_s:.1f} s"
        seen = [f"{free / MB:.1f} MB {when}" for free, when in self._seen() if free is not None]
        return f"{self.container.name}, disk of {self.size / MB:.0f} MB: {full}; free: {', '.join(seen)}."

    def _seen(self) -> list[tuple[int | None, str]]:
        return [(self.before, "before"), (self.at_end, "when healing began"), (self.after, "after it")]


@dataclass
class FillDiskInjection:
    """Disks that fill up, and the way back."""

    stage: Stage
    fillings: list[Filling]
    within_s: float
    on_s: float | None = None
    off_s: float | None = None

    def strike(self) -> None:
        """Begin everywhere, and watch them fill up."""
        self.on_s = self.stage.now()
        all_at_once(lambda one: one.begin(self.within_s), self.fillings)
        deadline = time.monotonic() + self.within_s + LATE_S
        all_at_once(lambda one: one.watch(self.stage, deadline), self.fillings)

    def heal(self) -> None:
        """Take away what was written."""
        if self.off_s is None:
            self.off_s = self.stage.now()
        all_at_once(Filling.end, self.fillings)

    def receipt(self) -> Receipt:
        """Confirmed when the kernel called every disk full, still when healing began, and has space on it again."""
        full = [one.full_s for one in self.fillings if one.full_s is not None]
        held = all(one.at_end is not None and one.at_end < LITTLE for one in self.fillings)
        emptied = all(one.after is not None and one.after >= LITTLE for one in self.fillings)
        count = len(self.fillings)
        status = "missing" if not full else "confirmed" if len(full) == count and held and emptied else "mismatch"
        delivered: dict[str, Any] = {"disks_full": len(full)}
        if full and self.on_s is not None:
            delivered["within_s"] = round(max(full) - self.on_s, 3)
        evidence = [one.sentence() for one in self.fillings]
        requested = {"disks_full": count, "within_s": self.within_s}
        return Receipt(status, requested, delivered, self.on_s, self.off_s, evidence)
