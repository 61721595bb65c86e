"""Puts finished campaigns into a Prometheus data directory, at the moments at which they really happened.

    <data>/<ULID>/                 a block of Prometheus' storage
    <data>/harness/<campaign>.json Entry: which blocks are this campaign's, and what they were made from
    <data>/harness/new/            where blocks are made; nothing in it counts

A campaign is there or it is not: its entry is written before its blocks are moved into place and says which they will
be, so that a back-fill that was cut off is undone by the next one. What is there already is left alone; a campaign that
was judged anew since takes its old blocks' place.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from harness.campaign_record import FILE, read_campaign
from harness.errors import HarnessError
from harness.observe import names
from harness.observe.campaigns import SUMMARY, series_of_campaign
from harness.observe.openmetrics import write_openmetrics
from harness.observe.promtool import create_blocks
from harness.observe.scraped import scrapes_of
from harness.stored import read_stored, write_whole

OURS = "harness"
LAYOUT = 1
"""Of the series, counted up when they change: what was back-filled before is then made anew."""

BESIDE = "from-out-of-order"
"""How Prometheus (2.39 and later) marks blocks that say nothing about how far it had come itself. With it they may be
as young as they like; without it, it would forget at its next start what it scraped before the end of the youngest
(https://prometheus.io/docs/prometheus/latest/storage/, 'Backfilling from OpenMetrics format')."""


@dataclass(frozen=True)
class Entry:
    """What is in the data directory of one campaign. `moved` is False until all of its blocks are in place."""

    campaign: str
    made_from: str
    blocks: list[str]
    samples: int
    moved: bool
    schema: int = field(default=1)


@dataclass(frozen=True)
class Filled:
    """What became of one campaign: a sentence, and whether it is in the data directory now."""

    sentence: str
    there: bool


def backfill(folder: Path, data: Path, *, again: bool = False) -> Filled:
    """Put the campaign in `folder` into the data directory `data`, which is made where there is none.

    With `again` also where a Prometheus has scraped the campaign while it ran. Raises Unreadable naming what is missing
    or spoilt, HarnessError where there is no promtool or another back-fill is going on.
    """
    folder = folder.resolve()
    record = read_campaign(folder)
    with _alone(data) as ours:
        path, made_from = ours / f"{record.campaign}.json", _fingerprint(folder)
        before = read_stored(path, Entry) if path.is_file() else None
        if before is not None and before.moved and before.made_from == made_from:
            return Filled(f"{record.campaign}: already there.", there=True)
        scrapes = scrapes_of(folder)
        if scrapes and before is None and not again:
            why = f"a Prometheus scraped it while it ran ({scrapes} times); with --again it is put there all the same"
            return Filled(f"{record.campaign}: left out, {why}.", there=False)
        if before is not None and _merged(before, data):
            why = "it was judged anew, and Prometheus has merged its old blocks with others"
            return Filled(f"{record.campaign}: left as it was, {why}.", there=True)
        entry = _fill(folder, data, ours, Entry(record.campaign, made_from, [], 0, moved=False), before)
    return Filled(f"{record.campaign}: {entry.samples:,} samples in {len(entry.blocks)} block(s).", there=True)


def _fill(folder: Path, data: Path, ours: Path, entry: Entry, before: Entry | None) -> Entry:
    """Make the blocks, and only then put them in the place of those that were there `before`."""
    new, path = ours / "new", ours / f"{entry.campaign}.json"
    shutil.rmtree(new, ignore_errors=True)
    made = new / "blocks"
    made.mkdir(parents=True)
    try:
        samples = write_openmetrics(new / "campaign.om", series_of_campaign(folder))
        create_blocks(new / "campaign.om", made)
        blocks = sorted(block.name for block in made.iterdir() if (block / "meta.json").is_file())
        for block in blocks:
            _set_beside(made / block / "meta.json")
        _as_owner_of(data, new)
        old = before.blocks if before is not None else []
        _write(path, replace(entry, blocks=[*old, *blocks]))
        for block in old:
            shutil.rmtree(data / block, ignore_errors=True)
        for block in blocks:
            (made / block).rename(data / block)
        entry = replace(entry, blocks=blocks, samples=samples, moved=True)
        _write(path, entry)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return entry


def _set_beside(meta: Path) -> None:
    """Mark a block as one beside those of the Prometheus that has the directory."""
    said = json.loads(meta.read_text(encoding="utf-8"))
    said["compaction"] = {**said.get("compaction", {}), "hints": [BESIDE]}
    write_whole(meta, json.dumps(said) + "\n")


def _write(path: Path, entry: Entry) -> None:
    write_whole(path, json.dumps(asdict(entry)) + "\n")


def _merged(entry: Entry, data: Path) -> bool:
    """Whether Prometheus, which merges blocks as time goes by, has other blocks now with these samples."""
    return entry.moved and not all((data / block).is_dir() for block in entry.blocks)


def _fingerprint(folder: Path) -> str:
    """What the series of a campaign depend on: what was judged, what was found, and how series are made of it."""
    digest = hashlib.sha256(f"{LAYOUT} {[metric.name for metric in names.METRICS]}".encode())
    for name in (FILE, SUMMARY):
        digest.update((folder / name).read_bytes() if (folder / name).is_file() else b"")
    return digest.hexdigest()


@contextmanager
def _alone(data: Path) -> Iterator[Path]:
    """Lend the folder of our own in the data directory, to one back-fill at a time."""
    ours = data / OURS
    try:
        ours.mkdir(parents=True, exist_ok=True)
        lock = (ours / "lock").open("a", encoding="utf-8")
    except OSError as error:
        problem = f"{data}: cannot be written: {error.strerror}."
        raise HarnessError(problem, "Name another folder with --data, or make it writable.") from None
    with lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except OSError:
            raise HarnessError(f"{data}: another back-fill is going on.", "Wait for its end.") from None
        yield ours


def _as_owner_of(data: Path, made: Path) -> None:
    """Give what root made to whoever the data directory belongs to: that Prometheus merges and removes it later."""
    if os.getuid() != 0:
        return
    owner = data.stat()
    for path in (made, *made.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
