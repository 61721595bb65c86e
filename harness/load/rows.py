"""The rows of a plan, as the load generator reads them: without numpy, whose import is a fifth of its memory."""

from __future__ import annotations

import ast
import zipfile
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import InstrumentError
from harness.outcome import Kind

KINDS: tuple[Kind, ...] = (Kind.CHAT, Kind.STREAM, Kind.READ)
"""What the small integers in `Plan.kind` stand for."""

OPTIONAL = ("place", "abuser")
"""Columns of a plan that only runs have that need them."""

_CODES = {"<f8": "d", "|i1": "b", "|b1": "b"}
_MAGIC = b"\x93NUMPY\x01\x00"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One row of the plan. `due_s` is run time (s), `pick` is in [0, 1), `place` 0 in a run without places."""

    seq: int
    due_s: float
    kind: Kind
    fresh: bool
    pick: float
    place: int = 0
    abuser: bool = False


class Rows:
    """The rows of one share of a plan, in the order of their due times, made as they are asked for: there are many."""

    def __init__(
        self, columns: Sequence[array[Any]], share: tuple[int, int], optional: Mapping[str, array[Any]]
    ) -> None:
        """Take due times, kinds, freshness and picks, of equal length, and the `share` (worker, of how many)."""
        self._due_s, self._kind, self._fresh, self._pick = columns
        self._place, self._abuser = (optional.get(name) for name in OPTIONAL)
        self._seqs = range(share[0], len(self._due_s), share[1])

    def __len__(self) -> int:
        return len(self._seqs)

    def __getitem__(self, place: int) -> Arrival:
        seq = self._seqs[place]
        kind = KINDS[self._kind[seq]]
        place = 0 if self._place is None else self._place[seq]
        abuser = self._abuser is not None and bool(self._abuser[seq])
        return Arrival(seq, self._due_s[seq], kind, bool(self._fresh[seq]), self._pick[seq], place, abuser)

    def __iter__(self) -> Iterator[Arrival]:
        return map(self.__getitem__, range(len(self)))


def read_rows(path: Path, share: tuple[int, int] = (0, 1)) -> Rows:
    """Read what `Plan.save` wrote: the rows of one `share` (worker, of how many), each row belongs to exactly one.

    Raises InstrumentError when it is not a plan.
    """
    try:
        with zipfile.ZipFile(path) as file:
            columns = [_column(file.read(f"{name}.npy")) for name in ("due_s", "kind", "fresh", "pick")]
            there = {name for name in OPTIONAL if f"{name}.npy" in file.namelist()}
            optional = {name: _column(file.read(f"{name}.npy")) for name in there}
        if len({len(column) for column in (*columns, *optional.values())}) != 1 or not set(columns[1]) <= set(
            range(len(KINDS))
        ):
            raise ValueError("its columns do not fit together")
    except (OSError, ValueError, KeyError, SyntaxError, zipfile.BadZipFile) as error:
        raise InstrumentError(f"{path} is not a plan of arrivals: {error}.", "Make it anew with make_plan.") from error
    return Rows(columns, share, optional)


def _column(data: bytes) -> array[Any]:
    """Decode one array of the .npy format, version 1.0 (NumPy Enhancement Proposal 1)."""
    if not data.startswith(_MAGIC):
        raise ValueError("a column is no .npy array of version 1.0")
    end = 10 + int.from_bytes(data[8:10], "little")
    told = ast.literal_eval(data[10:end].decode("latin-1"))
    column = array(_CODES[told["descr"]])
    column.frombytes(data[end:])
    if told["shape"] != (len(column),):
        raise ValueError("a column is shorter than it says")
    return column
