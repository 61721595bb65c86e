"""What is stored of campaigns, as pages show it: every figure comes from a file of results and is named with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from harness.history import ARRIVALS, EVENTS
from harness.kept import is_kept
from harness.pages.model import Diagram
from harness.stored import Unreadable

SUMMARY = "summary.json"
CONTAINER = re.compile(r"testbed-[a-z0-9_]+?[-_]([a-z][a-z0-9-]*?)(?:-upstream)?[.-]\d+\b")
NAMED = re.compile(r"^([a-z][a-z0-9-]*)(?:, before)?:")
MOST_BARS = 240


@dataclass(frozen=True)
class Campaign:
    """A campaign's folder and what its summary.json holds."""

    folder: Path
    summary: dict[str, Any]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def committed(self) -> bool:
        """Whether it is one of those that came with the code, measured on another machine."""
        return is_kept(self.folder)

    def run(self, name: str) -> dict[str, Any]:
        """Return what the summary says of one run. Raises KeyError."""
        named: dict[str, dict[str, Any]] = {str(run["run"]): run for run in self.summary["runs"]}
        return named[name]


def campaigns(root: Path) -> list[Campaign]:
    """Return the campaigns below `root` that have a summary, newest first. What cannot be read is left out."""
    found = []
    for path in root.glob(f"*/{SUMMARY}"):
        if path.parent.is_symlink():  # `latest`
            continue
        try:
            found.append(read_campaign(path.parent))
        except Unreadable:
            continue
    return sorted(found, key=lambda c: (c.summary["started"], c.name), reverse=True)


def shown(root: Path, committed: Path | None) -> list[Campaign]:
    """Return the campaigns below `root`, and the committed ones of versions that nothing was measured of there."""
    own = campaigns(root)
    phases = {campaign.summary["phase"] for campaign in own}
    others = campaigns(committed) if committed is not None else []
    return own + [campaign for campaign in others if campaign.summary["phase"] not in phases]


def find(roots: Iterable[Path], name: str) -> Campaign | None:
    """Return the campaign of that name, which is that of a folder right below one of `roots`, or None."""
    if not name or name != Path(name).name or name.startswith("."):
        return None
    for root in roots:
        with suppress(Unreadable):
            return read_campaign(root / name)
    return None


def read_campaign(folder: Path) -> Campaign:
    """Read one. Raises Unreadable."""
    path = folder / SUMMARY
    try:
        summary = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Unreadable(path, f"it cannot be read ({type(error).__name__})") from None
    needed = ("campaign", "phase", "started", "runs", "claims", "verdict", "valid")
    if not isinstance(summary, dict) or any(key not in summary for key in needed):
        raise Unreadable(path, "it is no summary of a campaign")
    return Campaign(folder, summary)


def newest_of(stored: Iterable[Campaign], phase: str) -> dict[str, tuple[Campaign, dict[str, Any]]]:
    """Return, by experiment, the first valid run of the newest campaign of a phase that has one."""
    chosen: dict[str, tuple[Campaign, dict[str, Any]]] = {}
    for campaign in stored:  # newest first
        if campaign.summary["phase"] == phase:
            for run in campaign.summary["runs"]:
                if run["valid"]:
                    chosen.setdefault(run["experiment"], (campaign, run))
    return dict(sorted(chosen.items()))


def struck(diagram: Diagram, aimed_at: str, evidence: Sequence[str]) -> list[str]:
    """Return which components a fault struck: those that its evidence names, or else those that it was aimed at."""
    known = {box.name for box in diagram.boxes}
    named = {name for line in evidence for name in (*CONTAINER.findall(line), *NAMED.findall(line))}
    if named & known:
        return [box.name for box in diagram.boxes if box.name in named]
    words = dict(re.findall(r"\b(role|zone|region|link) ([a-z0-9-]+)", aimed_at))
    zones = re.findall(r"[a-z0-9-]+", aimed_at.partition("between zones ")[2].replace(" and ", " "))

    def fits(name: str) -> bool:
        box = diagram.box(name)
        if zones:
            return box.zone in zones
        link = words.get("link")
        if link and link != box.role and link not in {door.name for door in box.doors}:
            return False
        rest = {key: value for key, value in words.items() if key != "link" and value != "of"}
        return bool(link or rest) and all(getattr(box, key) == value for key, value in rest.items())

    return [box.name for box in diagram.boxes if fits(box.name)]


def faults_of(folder: Path) -> list[dict[str, Any]]:
    """Return the faults of a run as its events.jsonl tells: name, aim, from when to when (s; None: not seen), evidence.

    Raises Unreadable.
    """
    path = folder / EVENTS
    try:
        events = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, ValueError) as error:
        raise Unreadable(path, f"it cannot be read ({type(error).__name__})") from None
    faults: list[dict[str, Any]] = []
    for event in events:
        kind = event.get("event")
        if kind == "fault_on":
            new = {"name": event["fault"], "aimed_at": event["aimed_at"], "on_s": event["t_s"], "off_s": None}
            faults.append({**new, "evidence": []})
        elif kind in ("fault_off", "receipt"):
            same = (f for f in reversed(faults) if (f["name"], f["aimed_at"]) == (event["fault"], event["aimed_at"]))
            fault = next(same, None)
            if fault is not None and kind == "fault_off":
                fault["off_s"] = event["t_s"]
            elif fault is not None:  # the receipt has the moments as they were measured
                fault["on_s"] = event.get("on_s") or fault["on_s"]
                fault["off_s"] = event.get("off_s") or fault["off_s"]
                fault["evidence"] = event.get("evidence", [])
    return faults


def per_second(
    folder: Path, deadline_s: float, bars: int | None = None, database: duckdb.DuckDBPyConnection | None = None
) -> list[dict[str, Any]]:
    """Count a run's users' arrivals by the second in which they were due: t, good (in time) and bad ones.

    With `bars`, by as many equal stretches at most. A million arrivals take a fraction of a second: DuckDB counts.
    Whoever asks for many runs lends a `database`: making one takes longer than counting. Raises Unreadable.
    """
    if database is None:
        with duckdb.connect() as own:
            return per_second(folder, deadline_s, bars, own)
    path = folder / ARRIVALS
    try:
        names = {r[0] for r in database.execute("select name from parquet_schema(?)", [str(path)]).fetchall()}
        users = "and \"class\" is distinct from 'abuser'" if "class" in names else ""
        step = 1
        if bars:
            last = database.execute("select max(due_s) from read_parquet(?)", [str(path)]).fetchone()
            step = max(1, int(((last and last[0]) or 0) // bars) + 1)
        rows = database.execute(
            "select cast(floor(due_s / $step) as bigint) * $step as t,"  # noqa: S608 (`users` is ours)
            " count(*) filter (outcome = 'ok' and ended_s - due_s <= $deadline) as good, count(*) as n"
            f" from read_parquet($path) where counted {users} group by t order by t",
            {"path": str(path), "step": step, "deadline": deadline_s},
        ).fetchall()
    except duckdb.Error as error:
        raise Unreadable(path, f"it cannot be read ({str(error).partition(chr(10))[0]})") from None
    return [{"t": t, "good": good, "bad": n - good} for t, good, n in rows]


def replay(campaign: Campaign, run: str, diagram: Diagram | None) -> dict[str, Any]:
    """Return what the diagram needs to show a run again. Raises KeyError for an unknown run, Unreadable."""
    known = campaign.run(run)
    folder = campaign.folder / "runs" / run
    faults = [
        {key: fault[key] for key in ("name", "aimed_at", "on_s", "off_s")}
        | {"parts": struck(diagram, fault["aimed_at"], fault["evidence"]) if diagram else []}
        for fault in faults_of(folder)
    ]
    seconds = per_second(folder, known["deadline_s"])
    source = [f"{campaign.name}/runs/{run}/{name}" for name in (ARRIVALS, EVENTS)]
    return {"run": run, "files": source, "seconds": seconds, "faults": faults}
