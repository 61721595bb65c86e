"""A real Prometheus on a back-filled data directory answers what the campaign's own files say."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.observe import promtool
from harness.observe.backfill import backfill
from harness.observe.names import SERIES
from tests.contract.observe.real_prometheus import Prometheus, running, skip_without
from tests.fakes.observed import observed_campaign

Filled = tuple[Prometheus, Path, dict[str, Any]]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """Two campaigns, one of them back-filled twice."""
    skip_without("promtool", "prometheus")
    root = tmp_path_factory.mktemp("observe")
    campaign, summary = observed_campaign(root)
    data = root / "data"
    assert backfill(campaign, data).there
    assert "already" in backfill(campaign, data).sentence
    with running(data) as server:
        yield server, campaign, summary


def end_of(run: Path) -> float:
    """A moment (s since 1970) at which everything of the run is over."""
    return zero_of(run) + 100.0


def events_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def zero_of(run: Path) -> float:
    return datetime.fromisoformat(events_of(run)[0]["t0"]).timestamp()


def test_arrivals_are_those_of_the_summary(filled: Filled) -> None:
    server, campaign, summary = filled
    for part in summary["runs"]:
        run = campaign / "runs" / part["run"]
        mine, at_s = f'run="{campaign.name}/{part["run"]}"', end_of(run)
        good = server.number(f'sum(last_over_time(chaos_arrivals_total{{outcome="ok",{mine}}}[5m]))', at_s)
        every = server.number(f"sum(last_over_time(chaos_arrivals_total{{{mine}}}[5m]))", at_s)
        assert (good, every) == (part["good"], part["scheduled"])
        due = server.number(f"sum(last_over_time(chaos_arrivals_scheduled_total{{{mine}}}[5m]))", at_s)
        assert due == part["scheduled"]
        ratio = server.number(f"last_over_time(chaos_availability_ratio{{{mine}}}[5m])", at_s)
        assert ratio == part["availability"]["value"]


def test_no_sample_is_there_twice(filled: Filled) -> None:
    """A second back-fill would not be seen in the values, only in blocks that hold the same again."""
    _, campaign, _ = filled
    entry = json.loads((campaign.parent / "data" / "harness" / f"{campaign.name}.json").read_text(encoding="utf-8"))
    blocks = [path.parent for path in (campaign.parent / "data").glob("*/meta.json")]
    held = sum(json.loads((block / "meta.json").read_text(encoding="utf-8"))["stats"]["numSamples"] for block in blocks)
    assert sorted(block.name for block in blocks) == entry["blocks"]
    assert held == entry["samples"]


def test_fault_windows_are_where_the_events_say(filled: Filled) -> None:
    server, campaign, _ = filled
    run = campaign / "runs" / "database_crash-1"
    logged = {event["event"]: event for event in events_of(run)}
    (samples,) = server.ask('chaos_fault_active{fault="crash",target="role database"}[10m]', end_of(run)).values()
    on = [at for at, value in samples if value == 1]
    off = next(at for at, value in samples if value == 0 and at > on[-1])
    zero_s = zero_of(run)
    assert on[0] - zero_s == pytest.approx(logged["receipt"]["on_s"], abs=0.002)
    assert off - zero_s == pytest.approx(logged["receipt"]["off_s"], abs=0.002)
    assert on[0] - zero_s == pytest.approx(logged["fault_on"]["t_s"], abs=1.0)
    assert off - zero_s == pytest.approx(logged["fault_off"]["t_s"], abs=1.0)


def test_latency_of_the_histogram_lies_in_the_bucket_of_the_summary(filled: Filled) -> None:
    server, campaign, summary = filled
    part = summary["runs"][1]
    mine = f'run="{campaign.name}/{part["run"]}"'
    buckets = f"sum by (le) (last_over_time(chaos_arrival_duration_seconds_bucket{{{mine}}}[5m]))"
    p50_s = part["good_latency_ms"]["p50"] / 1000
    found = server.number(f"histogram_quantile(0.5, {buckets})", end_of(campaign / "runs" / part["run"]))
    assert 0.5 <= p50_s <= 0.75
    assert 0.5 <= found <= 0.75


def test_verdicts_are_those_of_the_summary(filled: Filled) -> None:
    server, _, summary = filled
    at_s = datetime.fromisoformat(summary["finished"]).timestamp() + 1
    found = {
        (dict(labels)["claim"], dict(labels)["verdict"]) for labels in server.ask("chaos_claim_verdict == 1", at_s)
    }
    assert found == {(claim["id"], claim["verdict"]) for claim in summary["claims"]}


def test_every_series_has_a_name_of_ours(filled: Filled) -> None:
    server, _, _ = filled
    found = {name for name in server.names() if name.startswith("chaos_")}
    assert found
    assert found <= SERIES


def test_a_text_that_promtool_refuses_is_an_error_with_its_words(tmp_path: Path) -> None:
    skip_without("promtool")
    text = tmp_path / "x.om"
    text.write_text("this is no metric\n", encoding="utf-8")
    with pytest.raises(HarnessError, match="promtool could not make blocks"):
        promtool.create_blocks(text, tmp_path / "blocks")


def test_without_promtool_and_without_an_engine_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(HarnessError, match="apt-get install prometheus"):
        promtool.create_blocks(tmp_path / "x.om", tmp_path / "blocks")


@pytest.mark.engine
def test_the_promtool_in_the_image_does_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = subprocess.run(["docker", "image", "inspect", promtool.IMAGE], capture_output=True, check=False)
    if asked.returncode != 0:
        pytest.skip(f"there is no image {promtool.IMAGE} here (`make setup PHASE=v3` makes it)")
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "promtool" else real(program))
    campaign, _ = observed_campaign(tmp_path)
    filled = backfill(campaign, tmp_path / "data")
    assert filled.there
    assert len(list((tmp_path / "data").glob("*/meta.json"))) == 1
