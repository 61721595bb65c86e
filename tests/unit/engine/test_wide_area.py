"""The distance between sites on a stack that runs: added to every link, looked at, and put back when it is lost."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.engine.proxies import ProxyPlan, WanPlan
from harness.engine.wide_area import WayBetween, WideArea
from harness.errors import InstrumentError, NothingToBreak
from harness.wan import Wan
from tests.fakes.link import FakeLink
from tests.unit.engine.test_wan import WAN


class StatefulLink(FakeLink):
    """Tells what it has stored, as a real one does."""

    def state(self) -> Any:
        toxics = [SimpleNamespace(name=n, kind=kind, stream=stream) for n, (kind, stream, _) in self.toxics.items()]
        return SimpleNamespace(enabled=self.enabled, toxics=toxics)


def wide_area(**of_links: Any) -> WideArea:
    ways = {"wan-us-db-5432": ("us", "eu"), "wan-eu-db-5432": ("eu", "us"), "wan-us-judge-2379": ("us", "w")}
    plans = [
        WanPlan(asks, answers, ProxyPlan(name, "toxiproxy-wan", 1, "db-far:1", 2, "postgres", "db"))
        for name, (asks, answers) in ways.items()
    ]
    links: Any = {name: StatefulLink(name, **of_links) for name in ways}
    return WideArea(Wan.model_validate(WAN), plans, links)


def test_every_link_is_made_as_long_as_its_path() -> None:
    here = wide_area()
    here.lengthen(0.0)
    assert {name: link.probe().rtt_ms for name, link in here.links.items()} == {
        "wan-us-db-5432": 81.0,
        "wan-eu-db-5432": 81.0,
        "wan-us-judge-2379": 21.0,
    }
    assert [way.doubt for way in here.look()] == ["", "", ""]
    assert here.rtt_ms("wan-us-judge-2379") == 20


def test_a_far_side_that_never_answers_is_named() -> None:
    with pytest.raises(InstrumentError, match=r"db:1 does not answer the site us over the wide-area network: closed"):
        wide_area(dead=True).lengthen(0.0)


def test_between_two_runs_faults_are_taken_away_and_the_distance_stays() -> None:
    here = wide_area()
    here.lengthen(0.0)
    assert here.mend() == []
    first, second, third = here.links.values()
    first.add_toxic("timeout", "upstream", timeout=0)
    second.set_enabled(False)
    third.toxics.clear()  # type: ignore[attr-defined]
    assert here.mend() == [
        "wan-us-db-5432: it had the toxic timeout (upstream)",
        "wan-eu-db-5432: its proxy was disabled",
        "wan-us-judge-2379: its delay was gone",
    ]
    assert [link.probe().rtt_ms for link in here.links.values()] == [81.0, 81.0, 21.0]


@pytest.mark.parametrize(
    ("found_ms", "fits"), [(81.0, True), (140.0, True), (60.0, False), (300.0, False), (None, False)]
)
def test_a_way_that_is_not_as_long_as_it_should_be_is_doubted(found_ms: float | None, fits: bool) -> None:
    doubt = WayBetween("us", "eu", 80.0, found_ms).doubt
    assert (doubt == "") is fits
    assert fits or doubt.startswith("the way from us to eu was to take 80 ms, and a probe found ")


def test_a_far_side_that_is_being_replaced_does_not_speak_for_the_way() -> None:
    here = wide_area()
    spare = ProxyPlan("wan-us-web-8080", "toxiproxy-wan", 1, "web-far:1", 2, "http", "web")
    links: Any = {**here.links, "wan-us-web-8080": StatefulLink("wan-us-web-8080")}
    both = WideArea(here.wan, [*here.plans, WanPlan("us", "eu", spare)], links)
    both.lengthen(0.0)
    links["wan-us-db-5432"].dead = True
    assert [(way.found_ms, way.doubt) for way in both.look()] == [(81.0, ""), (81.0, ""), (21.0, "")]
    links["wan-us-web-8080"].toxics.clear()
    assert "a probe found 1 ms" in both.look()[0].doubt, "who answers at once is no witness of a long way"
    links["wan-us-web-8080"].dead = True
    assert "a probe found no answer" in both.look()[0].doubt


def test_links_are_found_by_region() -> None:
    here = wide_area()
    assert [link.name for link in here.between("east", "west")] == ["wan-us-db-5432", "wan-eu-db-5432"]
    assert len(here.between("east")) == 3
    assert [link.name for link in here.between("north")] == ["wan-us-judge-2379"]
    with pytest.raises(NothingToBreak, match="No link leads"):
        here.between("west", "north")
    with pytest.raises(NothingToBreak, match="'home' is on no site"):
        here.between("home")
    with pytest.raises(NothingToBreak, match="no wide-area network"):
        WideArea(None, (), {}).between("east")
