"""What the tests of whole runs look at."""

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


def read_run(folder: Path, plan: Plan) -> Ran:
    arrivals, odd = write_arrivals(folder, plan)
    figures, void = generator_figures(folder, arrivals)
    return Ran(arrivals, figures, [reason for reason in odd + void if "ms late" not in reason])
