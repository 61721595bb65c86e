"""`make bench`: measures the instrument itself. `python -m tests.bench [NAME] [--docs] [--quick]`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path

from tests.bench import accuracy, capacity, reports, runner, stack, truth
from tests.bench.loads import ROOT

BENCHES = {b.name: b for b in (*truth.BENCHES, *accuracy.BENCHES, *capacity.BENCHES, *reports.BENCHES, *stack.BENCHES)}
RESULT = Path(os.environ.get("TESTBED_RESULTS", "results")) / "bench" / "summary.json"
DOCS = ROOT / "docs" / "benchmarks.md"


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    models = [x.split(": ")[1] for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")]
    return {
        "processor": f"{len(models)} x {models[0]}" if models else str(os.cpu_count()),
        "kernel": f"Linux {platform.release()}",
        "python": f"Python {platform.python_version()}",
    }


def main() -> int:
    """Measure, write, print; 0 when every goal is met, 1 when one is not, 2 for a name that is not known."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(BENCHES)}; all without")
    parser.add_argument("--docs", action="store_true", help="put the table into docs/benchmarks.md, too")
    parser.add_argument("--quick", action="store_true", help="once each, no second try")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in BENCHES]
    if unknown:
        say(f"There is no benchmark '{unknown[0]}'. Known: {', '.join(BENCHES)}.")
        return 2
    order = [goal.name for bench in BENCHES.values() for goal in bench.goals]
    figures = []
    for name in given.names or BENCHES:
        bench = BENCHES[name]
        figures += runner.run(runner.once(bench) if given.quick else bench, say, 0 if given.quick else runner.EXTRA)
        # After each, so that an interrupted night keeps what it has.
        runner.write(RESULT, machine(), runner.merged(RESULT, figures, order))
    known = runner.merged(RESULT, figures, order)
    RESULT.with_suffix(".md").write_text(runner.table(known))
    if given.docs:
        told = f"\nOn {', '.join(machine().values())}.\n\n{runner.table(known)}\n"
        DOCS.write_text(runner.between_marks(DOCS.read_text(), told))
    say("\n" + runner.table(figures) + f"\n{RESULT} and {RESULT.with_suffix('.md')}")
    return 1 if any(figure.met is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
