"""OpenMetrics text (version 1.0) from series, of any length: only one group of series at a time is in memory.

https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md. A family's series must lie together
and come run by run here, so each family has a file of its own until all are put together.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain, groupby
from pathlib import Path
from typing import TextIO

from harness.history import Floats
from harness.observe.names import METRICS, Metric
from harness.observe.series import Moments, Series

ROWS = 20_000  # that are made at a time
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def write_openmetrics(path: Path, series: Iterable[Series]) -> int:
    """Write series to `path`, and `# EOF`; return how many samples there are.

    No two of them may be the same series, and those of one histogram follow upon each other. Beside `path` there are
    files for a while that are as long together.
    """
    parts = path.with_name(f"{path.name}.parts")
    parts.mkdir()
    samples = 0
    with ExitStack() as closing:
        files: dict[str, TextIO] = {}
        for (name, _), group in groupby(series, _which):
            if name not in files:
                files[name] = closing.enter_context((parts / name).open("w", encoding="utf-8"))
            together = list(group)
            for block in _blocks(together):
                files[name].write(block)
            samples += sum(len(one.at_ms) for one in together)
    with path.open("wb") as whole:
        for metric in METRICS:
            part = parts / metric.name
            if part.is_file():
                whole.write(_head(metric).encode())
                with part.open("rb") as rows:
                    shutil.copyfileobj(rows, whole, 1 << 20)
        whole.write(b"# EOF\n")
    shutil.rmtree(parts)
    return samples


def _head(metric: Metric) -> str:
    text = metric.help.translate(_ESCAPES)
    return f"# TYPE {metric.family} {metric.kind}\n# HELP {metric.family} {text}\n"


def _which(series: Series) -> tuple[str, frozenset[tuple[str, str]]]:
    """What tells a group from another: the buckets, count and sum of a histogram are one, and written by moment."""
    return series.metric.name, frozenset(pair for pair in series.labels.items() if pair[0] != "le")


def _blocks(group: Sequence[Series]) -> Iterator[str]:
    heads = [one.name + _labels(one.labels) for one in group]
    for start in range(0, len(group[0].at_ms), ROWS):
        part = slice(start, start + ROWS)
        columns = [_lines(head, one.at_ms[part], one.values[part]) for head, one in zip(heads, group, strict=True)]
        yield "".join(chain.from_iterable(zip(*columns, strict=True)))


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items()) + "}"


def _lines(head: str, at_ms: Moments, values: Floats) -> Iterator[str]:
    for at, value in zip(at_ms.tolist(), values.tolist(), strict=True):
        # promtool cuts off what is less than a millisecond; half of one more keeps a rounded product from falling
        # into the millisecond before.
        yield f"{head} {_number(value)} {at // 1000}.{at % 1000:03d}5\n"


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
