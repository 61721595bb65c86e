"""The load generator reads a plan without numpy: the same rows as numpy reads, or one clear message."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.errors import InstrumentError
from harness.experiment import Mix
from harness.load.plan import load_plan, make_plan, plan_segments
from harness.load.rows import KINDS, Arrival, read_rows
from harness.loads import Abuser, Segment


@pytest.fixture
def path(tmp_path: Path) -> Path:
    make_plan(50, 4, 1, Mix(), seed=3).save(tmp_path / "plan.npz")
    return tmp_path / "plan.npz"


def test_it_reads_what_numpy_reads(path: Path) -> None:
    plan = load_plan(path)
    expected = [
        Arrival(seq, plan.due_s[seq], KINDS[plan.kind[seq]], plan.fresh[seq], plan.pick[seq])
        for seq in range(len(plan))
    ]
    rows = read_rows(path)
    assert list(rows) == expected
    assert (len(rows), rows[-1]) == (len(expected), expected[-1])


def test_places_and_an_abuser_are_read_where_a_plan_has_them(tmp_path: Path) -> None:
    plan = plan_segments((Segment(50, 4),), 1, Mix(), seed=3, places=4, abuser=Abuser(20))
    plan.save(tmp_path / "plan.npz")
    rows = list(read_rows(tmp_path / "plan.npz"))
    assert plan.place is not None and plan.abuser is not None
    assert [(row.place, row.abuser) for row in rows] == list(zip(plan.place, plan.abuser, strict=True))


def test_every_row_belongs_to_exactly_one_share(path: Path) -> None:
    shares = [read_rows(path, (index, 3)) for index in range(3)]
    assert sorted((row for share in shares for row in share), key=lambda row: row.seq) == list(read_rows(path))


@pytest.mark.parametrize("spoil", ["cut", "empty", "other", "missing"])
def test_what_is_no_plan_is_told_in_one_message(path: Path, spoil: str) -> None:
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[:-400])
    elif spoil == "empty":
        path.write_bytes(b"")
    elif spoil == "missing":
        path.unlink()
    else:
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("due_s.npy", b"no array")
    with pytest.raises(InstrumentError, match=r"is not a plan of arrivals"):
        read_rows(path)


def test_the_load_generator_imports_nothing_heavy() -> None:
    told = "import sys, harness.load.locustfile; print(sorted({'numpy', 'duckdb', 'pydantic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
