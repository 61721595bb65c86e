"""`harness observe`: finished campaigns, put where Prometheus and Grafana show them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.campaign_record import FILE
from harness.errors import HarnessError
from harness.observe.backfill import backfill
from harness.stored import Unreadable

RESULTS = Path(os.environ.get("TESTBED_RESULTS", "results"))
DATA = "TESTBED_PROMETHEUS_DATA"
Say = Callable[[str], None]


def data_directory() -> Path:
    """Return the data directory of the laboratory's Prometheus: TESTBED_PROMETHEUS_DATA, or results/prometheus."""
    return Path(os.environ.get(DATA, "") or RESULTS / "prometheus")


def register(app: typer.Typer, say: Say) -> None:
    """Add `observe` to the command line; `say` prints one line."""

    @app.command()
    def observe(
        campaigns: Annotated[
            list[Path] | None,
            typer.Argument(help="Folders of campaigns, or one that holds them; without any, the last campaign."),
        ] = None,
        data: Annotated[Path | None, typer.Option(help=f"Prometheus' data directory. Also {DATA}=.")] = None,
        again: Annotated[bool, typer.Option("--again", help="Also what Prometheus scraped itself.")] = False,
    ) -> None:
        """Put finished campaigns into Prometheus' storage, at their real times (docs/observe.md)."""
        given = campaigns or [RESULTS / "latest"]
        wanted = list(dict.fromkeys(folder for place in given for folder in _campaigns_in(place)))
        put_there(wanted, data or data_directory(), say, again=again)


def put_there(campaigns: Sequence[Path], data: Path, say: Say, *, again: bool = False) -> None:
    """Back-fill campaigns in the order of their names, and say a line of each.

    What is no finished campaign is said and passed over, unless it is all there is: then Unreadable is raised.
    """
    for folder in campaigns:
        try:
            say(backfill(folder, data, again=again).sentence)
        except Unreadable as error:
            if len(campaigns) == 1:
                raise
            say(f"{folder.name}: left out. {error.problem}")
    say(f"Prometheus' data directory: {data}")


def _campaigns_in(place: Path) -> Iterator[Path]:
    """Yield the campaign that a folder is, or those that it holds. Raises HarnessError when there is none."""
    place = place.resolve()
    found = [place] if (place / FILE).is_file() else sorted({path.resolve().parent for path in place.glob(f"*/{FILE}")})
    if not found:
        raise HarnessError(f"{place}: holds no campaign.", "Name the folder of one, such as results/latest.")
    yield from found
