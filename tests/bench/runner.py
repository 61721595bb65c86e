"""Runs benchmarks: repeats, the gate, medians, and what is written."""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.figures import Bench, Figure, Goal, Skipped
from tests.bench.gate import Gate

EXTRA = 2
"""How many more repeats are tried in place of contaminated ones."""


def run(bench: Bench, say: Callable[[str], None], extra: int = EXTRA) -> list[Figure]:
    """Measure a benchmark until it has enough clean repeats, or no more tries; return one figure per goal."""
    clean: list[dict[str, float]] = []
    dirty: list[dict[str, float]] = []
    for attempt in range(bench.repeats + extra):
        if len(clean) == bench.repeats:
            break
        folder = Path(tempfile.mkdtemp(prefix=f"bench-{bench.name}-"))
        try:
            with bench.within():
                gate = Gate()
                values = bench.measure(folder)
                load = gate.load()
        except Skipped as reason:
            return [_without(bench, goal, f"skipped: {reason}", None) for goal in bench.goals]
        except Exception as error:  # noqa: BLE001 (one that fails is told, and must not cost the figures of the others)
            why = f"failed: {type(error).__name__}: {error}"
            say(f"{bench.name} {attempt + 1}: {why}")
            return [_without(bench, goal, why, False) for goal in bench.goals]
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        spoilt = load.contaminated(bench.containers)
        (dirty if spoilt else clean).append(values)
        told = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        seen = [f"steal {load.steal:.1%}", f"not ours {load.foreign:.2f} processors"]
        seen += [] if load.containers is None else [f"{load.containers:.2f} of them in containers"]
        seen += [] if load.waiting is None else [f"waiting {load.waiting:.0%}"]
        mark = f"{'contaminated' if spoilt else 'clean'} ({', '.join(seen)})"
        say(f"{bench.name} {attempt + 1}: {told}: {mark}")
    kept = clean or dirty
    return [_figure(bench, goal, [values[goal.name] for values in kept], len(dirty)) for goal in bench.goals]


def once(bench: Bench) -> Bench:
    """The same benchmark, measured once."""
    return replace(bench, repeats=1)


def _figure(bench: Bench, goal: Goal, values: Sequence[float], contaminated: int) -> Figure:
    measured = statistics.median(values)
    bounded = goal.low is not None or goal.high is not None
    return Figure(
        bench=bench.name,
        name=goal.name,
        what=goal.what,
        goal=goal.text,
        measured=round(measured, 5),
        unit=goal.unit,
        met=goal.met(measured) if bounded else None,
        repeats=len(values),
        contaminated=contaminated,
        values=[round(value, 5) for value in values],
        at=_now(),
    )


def _without(bench: Bench, goal: Goal, because: str, met: bool | None) -> Figure:
    told = " ".join(because.split())[:200]
    return Figure(bench.name, goal.name, goal.what, goal.text, None, goal.unit, met, 0, 0, [], _now(), told)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def merged(path: Path, new: Iterable[Figure], order: Sequence[str]) -> list[Figure]:
    """Return the figures stored at `path` with the `new` ones in their place, in the order of the names `order`."""
    stored = [Figure(**each) for each in json.loads(path.read_text())["figures"]] if path.is_file() else []
    known = {figure.name: figure for figure in stored} | {figure.name: figure for figure in new}
    return [known[name] for name in order if name in known]


def write(path: Path, machine: dict[str, str], figures: Sequence[Figure]) -> None:
    """Write `summary.json`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"schema": 1, "machine": machine, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(content, indent=2) + "\n")


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    lines = [
        "| figure | goal | measured | met | repeats (contaminated) | `BENCH=` | when |",
        "|---|---|---|---|---|---|---|",
    ]
    for figure in figures:
        unit = f" {figure.unit}" if figure.unit != "ratio" else ""
        measured = figure.because if figure.measured is None else f"{figure.measured:.4g}{unit}"
        met = {True: "yes", False: "**no**", None: "–"}[figure.met]
        repeats = f"{figure.repeats} ({figure.contaminated})"
        cells = [figure.what, figure.goal, measured, met, repeats, figure.bench, figure.at[:16].replace("T", " ")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def between_marks(text: str, block: str, begin: str = "<!-- bench:begin -->", end: str = "<!-- bench:end -->") -> str:
    """Return `text` with what stands between the marks replaced. Raises ValueError when the marks are missing."""
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"there is no block between {begin} and {end}")
    return f"{before}{begin}\n{block}{end}{after}"
