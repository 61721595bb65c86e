"""Faults of the wide-area network: between the sites they name and nowhere else, proven over it, and healed."""

import pytest

from harness.errors import NothingToBreak
from harness.faults import link as link_module
from harness.faults.base import Probe
from harness.faults.wide_area import PlaceCut, WanCut, WanSlow
from harness.target import find_target
from tests.fakes.link import FakeLink
from tests.fakes.stage import FakeStage

TARGET = find_target("v1")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "HEALING_PATIENCE_S", 0.0)
    monkeypatch.setattr(link_module.time, "sleep", lambda _: None)


@pytest.fixture
def links() -> dict[str, FakeLink]:
    pairs = {"us-eu": 80.0, "eu-us": 80.0, "us-witness": 20.0, "eu-witness": 60.0}
    return {name: FakeLink(name, rtt_ms=rtt_ms) for name, rtt_ms in pairs.items()}


def on(links: dict[str, FakeLink]) -> FakeStage:
    return FakeStage(TARGET, wan=list(links.values()), doors=[FakeLink("frankfurt"), FakeLink("tokyo")])


def test_a_cut_silences_both_ways_between_two_sites_and_no_other(links: dict[str, FakeLink]) -> None:
    injection = WanCut(("us", "eu")).inject(on(links))
    said = {name: link.probe().outcome for name, link in links.items()}
    assert said == {"us-eu": "silent", "eu-us": "silent", "us-witness": "answered", "eu-witness": "answered"}
    injection.heal()
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.requested["links"] == receipt.delivered["links"] == 2
    assert all(not link.toxics for link in links.values())


def test_a_site_that_is_cut_off_hears_of_nobody(links: dict[str, FakeLink]) -> None:
    injection = WanCut(("eu",)).inject(on(links))
    assert [name for name, link in links.items() if link.toxics] == ["us-eu", "eu-us", "eu-witness"]
    injection.heal()
    assert injection.receipt().status == "confirmed"


def test_a_cut_that_one_link_ignores_is_a_mismatch(links: dict[str, FakeLink]) -> None:
    links["eu-us"].deaf = True
    injection = WanCut(("us", "eu")).inject(on(links))
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.delivered["links"]) == ("mismatch", 1)


def test_a_longer_way_is_so_many_times_as_long_half_of_it_each_way(links: dict[str, FakeLink]) -> None:
    injection = WanSlow(("us", "eu"), factor=4).inject(on(links))
    assert links["us-eu"].probe(2) == Probe("answered", 80 + 3 * 80)
    streams = {stream: attributes["latency"] for _, stream, attributes in links["eu-us"].toxics.values()}
    assert streams == {"upstream": 120, "downstream": 120}
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.requested["added_ms"]) == ("confirmed", 240), receipt
    assert links["us-eu"].probe() == Probe("answered", 80)


@pytest.mark.parametrize("tampering", [{"deaf": True}, {"dose": 0.5}])
def test_a_way_that_is_not_that_long_is_not_confirmed(links: dict[str, FakeLink], tampering: dict[str, object]) -> None:
    for link in links.values():
        for name, value in tampering.items():
            setattr(link, name, value)
    injection = WanSlow(("us", "eu")).inject(on(links))
    injection.heal()
    assert injection.receipt().status == "missing"


def test_users_of_one_place_are_cut_off_and_no_others() -> None:
    frankfurt, tokyo = FakeLink("frankfurt"), FakeLink("tokyo")
    injection = PlaceCut("frankfurt").inject(FakeStage(TARGET, doors=[frankfurt, tokyo]))
    assert (frankfurt.probe().outcome, tokyo.probe().outcome) == ("silent", "answered")
    injection.heal()
    assert injection.receipt().status == "confirmed"


def test_a_target_without_sites_or_doors_has_nothing_to_break() -> None:
    for fault in (WanCut(("us", "eu")), WanSlow(("us",)), PlaceCut("tokyo")):
        with pytest.raises(NothingToBreak):
            fault.check_aim(FakeStage(TARGET))


@pytest.mark.parametrize("regions", [(), ("us", "us"), ("us", "eu", "w"), "us"])
def test_what_is_no_aim_is_refused(regions: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="one region or two different ones"):
        WanCut(regions)
    with pytest.raises(ValueError, match="factor is 2 or more"):
        WanSlow(("us",), factor=1)
