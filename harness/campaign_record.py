"""What `manifest.json` holds: everything that is needed to say where a result comes from, and to get it again."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from harness.stored import read_stored, write_whole

FILE = "manifest.json"


@dataclass(frozen=True)
class Git:
    """The commit that the harness ran from; `dirty` when files differed from it. '' outside a repository."""

    sha: str
    dirty: bool


@dataclass(frozen=True)
class Calibration:
    """The calibration that covers a campaign: its file (relative to the results), when, its rate per second."""

    path: str
    when: str
    rate: float
    valid: bool


@dataclass(frozen=True)
class CampaignRecord:
    """One call of `make experiment`: some experiments, each repeated, on one target.

    `started` and `finished` are UTC moments in ISO 8601; `finished` is None until the campaign ended. `command` repeats
    it. `versions` and `machine` are names and what was found, for people. `runs` are folders, relative to the
    campaign's own, in the order in which they ran. `left_out` says, by experiment, why it could not be put to this
    target. `repeated` names the folders of runs that were done once more because the machine made the generator
    late, each with the reason: they are kept and not judged. `afresh` names the runs before which the stack could not
    be put in order and was replaced by a new one, each with what was wrong. `void_because` lists what went wrong beyond
    single runs: any of it means that the instrument failed. `calibration` is None where none covers it
    (docs/calibration.md).
    """

    schema: int
    campaign: str
    phase: str
    started: str
    finished: str | None
    git: Git
    seed: int
    repeats: int
    command: str
    experiments: tuple[str, ...]
    versions: dict[str, str]
    machine: dict[str, str]
    runs: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    repeated: dict[str, str] = field(default_factory=dict)
    afresh: dict[str, str] = field(default_factory=dict)
    void_because: tuple[str, ...] = ()
    calibration: Calibration | None = None


def write_campaign(folder: Path, record: CampaignRecord) -> None:
    """Write `manifest.json` so that a crash leaves either the old one or the new one."""
    write_whole(folder / FILE, json.dumps(asdict(record), indent=2, ensure_ascii=False) + "\n")


def read_campaign(folder: Path) -> CampaignRecord:
    """Read `manifest.json` back. Raises Unreadable naming the file and what is wrong with it."""
    return read_stored(folder / FILE, CampaignRecord)
