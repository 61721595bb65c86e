"""Make the recording of a target's own Prometheus that the tests look at the dashboard Target with.

    docker cp <its container>:/prometheus DATA
    python -m tests.contract.dashboards.record_target DATA FROM UNTIL      (s since 1970, within what it kept)

Only what the dashboard asks for is kept, sample by sample, as OpenMetrics text without types.
"""

from __future__ import annotations

import gzip
import re
import shutil
import sys
import tempfile
from pathlib import Path

import httpx

from tests.contract.dashboards.looked_at import load, queries
from tests.contract.dashboards.record_campaign import RECORDED
from tests.contract.observe.real_prometheus import Prometheus, running

FILE = RECORDED / "v3-target.om.gz"
WORDS = {"by", "sum", "max", "min", "avg", "rate", "and", "or", "on", "clamp_min", "scalar", "histogram_quantile"}
WORDS |= {"group_left", "group_right", "count"}


def selectors() -> list[str]:
    """Return every selector that the dashboard Target uses of its own data source."""
    found: set[str] = set()
    for query in queries(load("target")):
        text = re.sub(r"\b(by|on|group_left|group_right) \([^)]*\)", "", query.expr)
        text = re.sub(r"\[[^]]*\]", "", text)
        found |= {
            name + matchers
            for name, matchers in re.findall(r"\b([a-z][a-z_]*[a-z])\b(\{[^}]*\})?", text)
            if name not in WORDS and not re.search(rf'{name}\s*=~?"', text)
        }
    return sorted(found)


def lines(prometheus: Prometheus, selector: str, from_s: float, until_s: float) -> list[str]:
    """Return the samples of a selector, in time order series by series."""
    asked = {"query": f"{selector}[{until_s - from_s:.0f}s]", "time": f"{until_s:.3f}"}
    answer = httpx.post(f"{prometheus.url}/api/v1/query", data=asked, trust_env=False, timeout=60).json()
    made = []
    for series in answer["data"]["result"]:
        labels = dict(series["metric"])
        name = labels.pop("__name__")
        head = name + "{" + ",".join(f'{key}="{value}"' for key, value in sorted(labels.items())) + "}"
        made += [f"{head} {value} {at:.3f}" for at, value in series["values"]]
    return made


def record(data: Path, from_s: float, until_s: float) -> int:
    """Write the recording from a copy of a Prometheus' data directory, and return how many samples it has."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "data"
        shutil.copytree(data, copy, ignore=shutil.ignore_patterns("lock"))
        with running(copy) as prometheus:
            by_name: dict[str, dict[str, None]] = {}
            for selector in selectors():
                for line in lines(prometheus, selector, from_s, until_s):
                    by_name.setdefault(line.partition("{")[0], {})[line] = None
    every = [line for name in sorted(by_name) for line in by_name[name]]
    with FILE.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as zipped:
        zipped.write(("\n".join(every) + "\n# EOF\n").encode())
    return len(every)


if __name__ == "__main__":
    count = record(Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
    sys.stdout.write(f"{FILE}: {count} samples, {FILE.stat().st_size} bytes\n")
