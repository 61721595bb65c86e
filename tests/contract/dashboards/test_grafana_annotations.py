"""Fault windows in a Grafana: one that answers as documented, a real one when GRAFANA_URL is given, and broken ones."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.history import read_record
from harness.observe import annotations as grafana_annotations
from harness.observe.annotations import Annotations, Region, connected, regions, write
from harness.observe.events import read_began
from tests.contract.dashboards import fake_grafana
from tests.contract.dashboards.looked_at import unpacked
from tests.contract.observe.real_prometheus import free_port

REAL = os.environ.get("GRAFANA_URL", "")


@dataclass(frozen=True)
class Grafana:
    """Where one is, and how to be let in."""

    url: str
    token: str | None


@pytest.fixture(params=["as documented", "as documented, below a path", "real"])
def grafana(request: pytest.FixtureRequest) -> Iterator[Grafana]:
    """Yield one Grafana after another; what was written into the real one is removed again."""
    if request.param == "real":
        if not REAL:
            pytest.skip("GRAFANA_URL names no real Grafana (and GRAFANA_TOKEN its token)")
        yield Grafana(REAL, os.environ.get("GRAFANA_TOKEN"))
        return
    with fake_grafana.running("/grafana" if "path" in request.param else "") as fake:
        yield Grafana(fake.url, fake_grafana.TOKEN)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a recorded run of v3 in which the primary of the database was lost."""
    campaign = next(path for path in unpacked(tmp_path_factory.mktemp("results")) if path.name.startswith("v3"))
    return campaign / "runs" / "01-database_primary_crash-1"


def found(grafana: Grafana, run_tag: str) -> list[tuple[int, int, str, frozenset[str]]]:
    """Return all annotations of a run, as that Grafana has them."""
    there = connected(grafana.url, grafana.token).annotations.get_annotation(tags=["chaos", run_tag], limit=100)
    return [(each["time"], each["timeEnd"], each["text"], frozenset(each["tags"])) for each in there]


def remove(grafana: Grafana, run_tag: str) -> None:
    client = connected(grafana.url, grafana.token)
    for each in client.annotations.get_annotation(tags=["chaos", run_tag], limit=100):
        client.annotations.delete_annotations_by_id(each["id"])


def test_a_fault_is_a_region_where_the_record_says_that_it_bit(run: Path, grafana: Grafana) -> None:
    tag = f"run:{run.parent.parent.name}/{run.name}"
    said: list[str] = []
    remove(grafana, tag)
    annotations = Annotations(grafana.url, grafana.token, said.append)
    try:
        annotations.run_ends(run)
        annotations.run_ends(run)  # a run that is told twice is there once
        annotations.close()
        assert said == []
        ((from_ms, until_ms, text, tags),) = found(grafana, tag)
    finally:
        remove(grafana, tag)
    (fault,), began = read_record(run).faults, read_began(run)
    assert began is not None
    assert fault.receipt.on_s is not None and fault.receipt.off_s is not None
    assert abs(from_ms - 1000 * (began.t0_s + fault.receipt.on_s)) < 2
    assert abs(until_ms - 1000 * (began.t0_s + fault.receipt.off_s)) < 2
    assert text == f"{fault.name}: {fault.aimed_at} (v3, database_primary_crash)"
    assert tags == {"chaos", "phase:v3", "experiment:database_primary_crash", f"fault:{fault.name}", tag}


def test_only_what_is_missing_is_written(run: Path, grafana: Grafana) -> None:
    tag = "run:test/only-what-is-missing & more"
    first = Region(1_700_000_000_000, 1_700_000_005_000, ("chaos", tag), "first")
    second = Region(1_700_000_000_000, 1_700_000_005_000, ("chaos", tag), "second, at the same time")
    remove(grafana, tag.replace("&", "%26"))
    try:
        assert write(grafana.url, grafana.token, [first]) == 1
        assert write(grafana.url, grafana.token, [first, second]) == 1
        assert {each[2] for each in found(grafana, tag.replace("&", "%26"))} == {"first", "second, at the same time"}
    finally:
        remove(grafana, tag.replace("&", "%26"))


@pytest.mark.parametrize("trouble", ["fails", "hangs", "drips", "is no Grafana", "knows no such token", "is not there"])
def test_a_grafana_in_trouble_delays_nobody_and_is_said_once(run: Path, trouble: str) -> None:
    said: list[str] = []
    with fake_grafana.running(trouble="" if trouble.startswith("knows") else trouble) as fake:
        url = f"http://127.0.0.1:{free_port()}" if trouble == "is not there" else fake.url
        annotations = Annotations(url.replace("//", "//me:secret@"), "wrong-token", said.append, timeout_s=0.5)
        began = time.monotonic()
        annotations.run_ends(run)
        annotations.run_ends(run)
        assert time.monotonic() - began < 0.1
        annotations.close()
        assert time.monotonic() - began < 1.5
    (sentence,) = said
    assert sentence.startswith(f"Grafana at {url} got no annotations (")
    assert sentence.endswith("runs are not affected.")
    assert "secret" not in sentence and "wrong-token" not in sentence


def test_a_run_that_cannot_be_read_is_said_and_no_more(tmp_path: Path) -> None:
    said: list[str] = []
    annotations = Annotations("http://127.0.0.1:1", None, said.append, timeout_s=0.5)
    annotations.run_ends(tmp_path / "campaign" / "runs" / "01-none-1")
    annotations.close()
    assert len(said) == 1


def test_what_is_no_address_is_said(run: Path) -> None:
    said: list[str] = []
    annotations = Annotations("ftp://somewhere", None, said.append, timeout_s=0.5)
    annotations.run_ends(run)
    annotations.close()
    assert "GRAFANA_URL is no address of a Grafana" in said[0]


def test_without_an_address_nothing_is_written() -> None:
    assert grafana_annotations.from_environment(print, {}) is None
    assert grafana_annotations.from_environment(print, {"GRAFANA_URL": " "}) is None


def test_regions_carry_their_run(run: Path) -> None:
    (region,) = regions(run)
    assert region.tags[0] == grafana_annotations.TAG
    assert region.until_ms > region.from_ms
