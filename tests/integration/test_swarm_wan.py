"""Two sites on a real engine: what crosses is as far away as target.toml says, can be cut, and leaves nothing."""

from collections.abc import Iterator

import docker
import httpx
import pytest

from harness.clock import RunClock
from harness.engine.host import connect
from harness.engine.residue import residue, snapshot
from harness.engine.stage import DockerStage
from harness.engine.swarm_stack import SwarmStack
from harness.errors import NothingToBreak
from harness.faults.wide_area import WanCut, WanSlow
from harness.target import load_target
from tests.integration.deploying import (
    CAMPAIGN,
    TINY_SWARM,
    build_images,
    engine_to_ourselves,
    eventually,
    swarm_deployer,
)

pytestmark = [pytest.mark.engine, pytest.mark.slow]

ACROSS = ("web-eu/8000", "store-eu/6379", "fast/6379", "store-eu-peer/6379")
RTT_MS = 80


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SwarmStack]:
    client: docker.DockerClient = connect()
    build_images(client)
    with engine_to_ourselves(client):
        if client.info()["Swarm"]["LocalNodeState"] != "inactive":
            pytest.skip("the engine is part of somebody's swarm")
        before = snapshot(client)
        target = load_target(TINY_SWARM.with_name("tiny-wan"))
        stack = swarm_deployer(client, tmp_path_factory.mktemp("campaign")).up(target, CAMPAIGN, lambda line: None)
        try:
            stack.ready(30)
            yield stack
        finally:
            stack.down()
        assert residue(before, snapshot(client)) == []
    client.close()


@pytest.fixture
def stack(shared: SwarmStack) -> SwarmStack:
    """The one stack; whatever a test did to it must have been healed by the fault itself."""
    assert shared.settle(60) == []
    return shared


def stage(stack: SwarmStack) -> DockerStage:
    return DockerStage(stack, stack.target, RunClock.starting_in(0))


def asked(stack: SwarmStack, whom: str) -> float | None:
    """How long (ms) somebody took to answer the server in the west; None when nobody did."""
    found: float | None = httpx.get(f"{stack.base_url}/{whom}", timeout=10, trust_env=False).json()["ms"]
    return found


def test_everybody_across_is_as_far_away_as_said_and_nobody_else(stack: SwarmStack) -> None:
    for whom in ACROSS:
        assert RTT_MS <= (asked(stack, whom) or 0) < 2 * RTT_MS, whom
    assert (asked(stack, "web-us/8000") or 999) < RTT_MS
    ways = stack.wide_area.look()
    assert [way.doubt for way in ways] == ["", ""]
    assert {(way.asks, way.answers) for way in ways} == {("west", "east"), ("east", "west")}


def test_links_are_found_by_the_regions_that_they_connect(stack: SwarmStack) -> None:
    links = stage(stack).wan("us", "eu")
    assert len(links) == len(stage(stack).wan("eu")) == 5
    assert {stage(stack).wan_rtt_ms(link.name) for link in links} == {RTT_MS}
    with pytest.raises(NothingToBreak, match="on no site"):
        stage(stack).wan("home")


def test_a_cut_silences_what_was_open_and_what_is_opened_and_heals(stack: SwarmStack) -> None:
    assert asked(stack, "store-eu/6379?kept") is not None
    injection = WanCut(("us", "eu")).inject(stage(stack))
    try:
        assert asked(stack, "store-eu/6379?kept") is None
        assert [asked(stack, whom) for whom in ACROSS] == [None] * 4
        assert asked(stack, "web-us/8000") is not None
        assert stack.links["store"].probe().outcome == "answered", "at its own site it is reached"
    finally:
        injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    for whom in ACROSS:
        assert eventually(lambda whom=whom: (asked(stack, whom) or 0) >= RTT_MS), whom


def test_a_slow_network_is_slow_and_as_far_as_before_when_it_is_healed(stack: SwarmStack) -> None:
    injection = WanSlow(("us", "eu"), factor=5).inject(stage(stack))
    try:
        assert (asked(stack, "web-eu/8000") or 0) >= 5 * RTT_MS
    finally:
        injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert (asked(stack, "web-eu/8000") or 999) < 2 * RTT_MS


def test_what_somebody_left_on_the_wide_area_network_is_mended(shared: SwarmStack) -> None:
    link = next(iter(shared.wide_area.links.values()))
    link.remove_toxic(link.state().toxics[0].name)
    link.add_toxic("timeout", "upstream", timeout=0)
    link.set_enabled(False)
    found = shared.settle(60)
    assert [line.partition(": ")[2] for line in found] == [
        "its proxy was disabled",
        "it had the toxic timeout (upstream)",
        "its delay was gone",
    ]
    assert shared.settle(60) == []
    assert (link.probe().rtt_ms or 0) >= RTT_MS
