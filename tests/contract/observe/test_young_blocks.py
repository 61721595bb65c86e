"""A campaign of right now, put into the directory of a Prometheus: what that scraped itself outlives its next start."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from harness.observe import backfill as subject
from harness.observe.promtool import create_blocks
from tests.contract.observe.real_prometheus import Prometheus, running, skip_without
from tests.fakes.observed import observed_campaign

SELF = """
global: {scrape_interval: 1s}
scrape_configs: [{job_name: forward, static_configs: [{targets: ["127.0.0.1:1"]}]}]
"""


def moments(server: Prometheus) -> set[float]:
    """When it scraped: also of a target that is away it notes that."""
    found = server.ask("up[1h]", time.time())
    return {at for values in found.values() for at, _ in values}


@pytest.mark.parametrize("marked", [True, False])
def test_what_prometheus_scraped_outlives_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marked: bool
) -> None:
    skip_without("promtool", "prometheus")
    campaign, _ = observed_campaign(tmp_path / "results")
    data = tmp_path / "data"

    def young(text: Path, blocks: Path) -> None:
        now = int(time.time())
        text.write_text(f"# TYPE old gauge\nold 1 {now - 5}\nold 1 {now}\n# EOF\n", encoding="utf-8")
        create_blocks(text, blocks)

    monkeypatch.setattr(subject, "create_blocks", young)
    if not marked:  # the test can fail: without the mark it is lost
        monkeypatch.setattr(subject, "BESIDE", "no-mark-at-all")
    with running(data, SELF) as server:
        give_up = time.monotonic() + 30
        while len(before := moments(server)) < 3:
            assert time.monotonic() < give_up
            time.sleep(0.2)
        assert subject.backfill(campaign, data).there
    with running(data, SELF) as server:
        assert (before <= moments(server)) is marked
        assert server.ask("old[1h]", time.time())
    (meta,) = [json.loads(path.read_text(encoding="utf-8")) for path in data.glob("*/meta.json")]
    assert meta["stats"]["numSamples"] == 2
