"""What the tests of whole runs look at."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.history import Arrivals, Generator
from harness.load.arrivals import generator_figures, write_arrivals
from harness.load.plan import Plan


@dataclass
class Ran:
    """What a run left behind; `odd` are the reasons to void it that are not about how busy this machine was."""

    arrivals: Arrivals
    figures: Generator
    odd: list[str] = field(default_factory=list)

    def availability(self, deadline_s: float) -> float:
        counted = self.arrivals.select(self.arrivals.counted)
        return float(counted.good(deadline_s).mean())


def wait_for(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def read_run(folder: Path, plan: Plan) -> Ran:
    arrivals, odd = write_arrivals(folder, plan)
    figures, void = generator_figures(folder, arrivals)
    return Ran(arrivals, figures, [reason for reason in odd + void if "ms late" not in reason])
