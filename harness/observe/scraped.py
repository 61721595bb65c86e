"""Whether a Prometheus scraped a campaign while it ran: a small file in the campaign's folder says so."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from harness.stored import write_whole

FILE = "scraped.json"


def note_scrapes(folder: Path, scrapes: int) -> None:
    """Write down how often a Prometheus scraped the campaign in `folder`; nothing is written for never."""
    if scrapes:
        write_whole(folder / FILE, json.dumps({"schema": 1, "scrapes": scrapes}) + "\n")


def scrapes_of(folder: Path) -> int:
    """Return how often a Prometheus scraped the campaign; 0 where nobody wrote it down."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return int(json.loads((folder / FILE).read_text(encoding="utf-8"))["scrapes"])
    return 0
