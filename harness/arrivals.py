"""One row per *scheduled* arrival, as columns, and `arrivals.parquet` read back.

A million of them must fit into a report, so words that repeat are held once, what lies together is never copied,
and ids, which are as long as all the rest and which no verdict needs, are read only for those who ask.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from harness.outcome import Outcome
from harness.stored import Unreadable

ARRIVALS = "arrivals.parquet"

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Strings = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Arrivals:
    """One row per scheduled arrival, as columns of equal length, sorted by `due_s`. Columns are never written to.

    Times are run times in seconds, NaN where the thing did not happen. `counted` is False for warm-up.
    Strings are '' where there is none. `status` is 0 where no status line came. `place` (of `harness.places`) and
    `client_class` ('users' or 'abuser') are None in runs that have no places, or no abuser.
    """

    seq: npt.NDArray[np.int64]
    kind: Strings
    counted: Bools
    due_s: Floats
    sent_s: Floats
    first_byte_s: Floats
    ended_s: Floats
    outcome: Strings
    status: npt.NDArray[np.int64]
    conversation_id: Strings
    user_message_id: Strings
    assistant_message_id: Strings
    provider: Strings
    detail: Strings
    place: Strings | None = None
    client_class: Strings | None = None

    def __len__(self) -> int:
        return len(self.seq)

    def select(self, mask: Bools) -> Arrivals:
        """Return the rows where `mask` is true: views of these columns where the rows lie together."""
        rows = np.flatnonzero(mask)
        if len(rows) == len(self):
            return self
        together = len(rows) > 0 and int(rows[-1]) - int(rows[0]) + 1 == len(rows)
        chosen: Any = slice(int(rows[0]), int(rows[-1]) + 1) if together else rows
        columns: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        part: dict[str, Any] = {name: None if column is None else column[chosen] for name, column in columns.items()}
        return Arrivals(**part)

    @cached_property
    def ok(self) -> Bools:
        """True where the answer was right and complete, whenever it came."""
        return np.asarray(self.outcome == Outcome.OK.value, dtype=np.bool_)

    def good(self, deadline_s: float) -> Bools:
        """True where the answer was right, complete and inside `deadline_s` counted from the due time."""
        return np.asarray(self.ok & (self.ended_s - self.due_s <= deadline_s), dtype=np.bool_)

    def acknowledged(self) -> Bools:
        """True where the target said that a message was taken: it must be found again."""
        return np.asarray(self.ok & (self.assistant_message_id != ""), dtype=np.bool_)


IDS = ("conversation_id", "user_message_id", "assistant_message_id", "detail")
USERS, ABUSER = "users", "abuser"
"""The classes of clients: those who keep to their limits, and the one that does not."""

STORED_AS = {"client_class": "class"}
"""Columns that are called otherwise in the file, where a word of Python cannot be a name."""

_OPTIONAL = ("place", "client_class")
_WORDS = ("kind", "outcome", "provider", *_OPTIONAL)
_NUMBERS = {"seq": "bigint", "status": "bigint", "counted": "boolean"}


class _Unread:
    """Stands for a column that was not read. Rows of it can be chosen, and nothing else can be done with it."""

    def __getitem__(self, rows: object) -> _Unread:
        return self

    def __refuse(self, *_: object) -> NoReturn:
        raise TypeError("this column was not read: use read_arrivals(folder, ids=True)")

    __eq__ = __ne__ = __len__ = __iter__ = __array__ = __refuse
    __hash__ = None  # type: ignore[assignment]


def read_arrivals(folder: Path, *, ids: bool = True) -> Arrivals:
    """Read `arrivals.parquet`, sorted by due time; without `ids`, the columns `IDS` cannot be used.

    Raises Unreadable.
    """
    import duckdb  # noqa: PLC0415 (the load generator imports this module and never reads)

    path = folder / ARRIVALS
    if not path.is_file():
        raise Unreadable(path, "there is no such file")
    wanted = [f.name for f in fields(Arrivals) if ids or f.name not in IDS]
    try:
        with duckdb.connect() as database:
            stored = _columns(database, path)
            wanted = [name for name in wanted if name not in _OPTIONAL or STORED_AS.get(name, name) in stored]
            words = {name: _words(database, path, name) for name in _WORDS if name in wanted}
            found = database.execute(
                f"select {', '.join(map(_expression, wanted))} from read_parquet($path) order by due_s, seq",  # noqa: S608 (field names)
                {"path": str(path), **words},
            ).fetchnumpy()
    except duckdb.Error as error:
        said = str(error).partition("\n")[0].rstrip(".")
        raise Unreadable(path, f"it cannot be read ({said})") from None
    columns: dict[str, Any] = {name: _plain(found[name]) for name in wanted}
    for name in words:
        columns[name] = np.array([*map(sys.intern, words[name]), ""], dtype=object)[columns[name] - 1]
    columns |= {name: _Unread() for name in IDS if name not in wanted}
    return Arrivals(**columns)


def _columns(database: Any, path: Path) -> set[str]:
    """Return the names of the columns in a file: older ones have fewer."""
    return {row[0] for row in database.execute("select name from parquet_schema(?)", [str(path)]).fetchall()}


def _words(database: Any, path: Path, name: str) -> list[str]:
    """Return the different words of a column, which are few."""
    stored = f'"{STORED_AS.get(name, name)}"'
    query = (
        f"select distinct cast({stored} as varchar) as word from read_parquet(?) where word is not null order by word"  # noqa: S608
    )
    return [row[0] for row in database.execute(query, [str(path)]).fetchall()]


def _expression(name: str) -> str:
    if name in _WORDS:  # its place in the list of words, from 1 on; 0 is none
        stored = f'"{STORED_AS.get(name, name)}"'
        return f"cast(coalesce(list_position(${name}, cast({stored} as varchar)), 0) as integer) as {name}"
    kind = "double" if name.endswith("_s") else _NUMBERS.get(name, "varchar")
    return f"cast({name} as {kind}) as {name}"


def _plain(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """DuckDB gives masked arrays where a column may be null; checks see NaN instead."""
    if isinstance(column, np.ma.MaskedArray):
        return np.asarray(column.filled(np.nan if column.dtype.kind == "f" else column.fill_value))
    return column
