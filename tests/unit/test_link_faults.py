"""Faults on links: proven over the link itself, healed whatever happens, never confirmed when tampered with."""

import pytest

from harness.errors import InstrumentError, NothingToBreak
from harness.faults import link as link_module
from harness.faults.base import Probe
from harness.faults.link import LinkFault
from harness.faults.link_black_hole import LinkBlackHole
from harness.faults.link_down import LinkDown
from harness.faults.link_reset import LinkReset
from harness.faults.link_slow import LinkSlow
from harness.target import find_target
from tests.fakes.link import FakeLink
from tests.fakes.stage import FakeStage
from tests.unit.engine.projects import link, target

TARGET = find_target("v1")
FAULTS = [LinkDown("cache"), LinkSlow("cache", latency_ms=300), LinkBlackHole("cache"), LinkReset("cache")]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_module, "HEALING_PATIENCE_S", 0.0)
    monkeypatch.setattr(link_module.time, "sleep", lambda _: None)


def on(link: FakeLink) -> FakeStage:
    return FakeStage(TARGET, links=[link])


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_it_bites_heals_and_proves_it(fault: LinkFault) -> None:
    link = FakeLink("cache")
    injection = fault.inject(on(link))  # type: ignore[attr-defined]
    assert link.probe() != Probe("answered", 1.0)
    injection.heal()
    injection.heal()  # healing twice does no harm
    receipt = injection.receipt()
    assert receipt.status == "confirmed", receipt
    assert receipt.on_s <= receipt.off_s
    assert link.probe() == Probe("answered", 1.0)
    assert link.toxics == {} and link.enabled


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_a_fault_that_secretly_does_nothing_is_not_confirmed(fault: LinkFault) -> None:
    injection = fault.inject(on(FakeLink("cache", deaf=True)))  # type: ignore[attr-defined]
    injection.heal()
    assert injection.receipt().status == "missing"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_hitting_another_link_than_it_says_is_not_confirmed(fault: LinkFault, monkeypatch: pytest.MonkeyPatch) -> None:
    said, hit = FakeLink("cache"), FakeLink("database")
    for deed in ("set_enabled", "add_toxic", "remove_toxic"):
        monkeypatch.setattr(said, deed, getattr(hit, deed))
    injection = fault.inject(on(said))  # type: ignore[attr-defined]
    assert hit.toxics or not hit.enabled
    injection.heal()
    assert injection.receipt().status == "missing"
    assert hit.toxics == {} and hit.enabled


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_a_fault_that_wears_off_before_it_is_healed_is_a_mismatch(fault: LinkFault) -> None:
    link = FakeLink("cache")
    injection = fault.inject(on(link))  # type: ignore[attr-defined]
    link.toxics.clear()  # as when somebody restarts Toxiproxy behind our back
    link.enabled = True
    injection.heal()
    assert injection.receipt().status == "mismatch"


def test_half_the_latency_is_not_confirmed_and_the_dose_is_told() -> None:
    injection = LinkSlow("cache", latency_ms=300).inject(on(FakeLink("cache", dose=0.5)))
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "missing"
    assert receipt.requested["added_ms"] == 300
    assert receipt.delivered["added_ms"] == pytest.approx(150)


def test_a_slow_moment_before_does_not_make_the_dose_smaller() -> None:
    class Busy(FakeLink):
        """A link whose first answer takes long, as when the machine has other things to do."""

        asked = 0

        def probe(self, timeout_s: float = 2.0) -> Probe:
            self.asked += 1
            found = super().probe(timeout_s)
            return Probe("answered", 250.0) if self.asked == 1 else found

    injection = LinkSlow("cache", latency_ms=300).inject(on(Busy("cache")))
    injection.heal()
    receipt = injection.receipt()
    assert receipt.status == "confirmed"
    assert receipt.delivered["added_ms"] == pytest.approx(300)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_what_does_not_heal_is_an_error(fault: LinkFault) -> None:
    with pytest.raises(InstrumentError):
        fault.inject(on(FakeLink("cache", unhealable=True))).heal()  # type: ignore[attr-defined]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_a_link_that_is_ill_already_is_not_injured(fault: LinkFault) -> None:
    link = FakeLink("cache", dead=True)
    with pytest.raises(InstrumentError, match="does not answer even before the fault"):
        fault.inject(on(link))  # type: ignore[attr-defined]
    assert link.toxics == {} and link.enabled


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f.name)
def test_aiming_at_nothing_is_an_error(fault: LinkFault) -> None:
    with pytest.raises(NothingToBreak):
        fault.check_aim(FakeStage(TARGET))


def test_half_an_injury_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    link = FakeLink("cache")
    add = link.add_toxic

    def second_fails(kind: str, stream: str, **attributes: int) -> str:
        if link.toxics:
            raise InstrumentError("Toxiproxy refuses")
        return add(kind, stream, **attributes)  # type: ignore[arg-type]

    monkeypatch.setattr(link, "add_toxic", second_fails)
    with pytest.raises(InstrumentError, match="Toxiproxy refuses"):
        LinkBlackHole("cache").inject(on(link))
    assert link.toxics == {}


@pytest.mark.parametrize("wrong", [{"latency_ms": 0}, {"latency_ms": 100, "jitter_ms": 200}])
def test_impossible_latencies_cannot_be_constructed(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="latency_ms"):
        LinkSlow("cache", **wrong)


TWO = target([link("db-a", 5432), link("db-b", 5432)], settings={"db-a": {"role": "db"}, "db-b": {"role": "db"}})
ON_BOTH = [LinkDown("db"), LinkSlow("db", latency_ms=300), LinkBlackHole("db"), LinkReset("db")]


@pytest.mark.parametrize("fault", ON_BOTH, ids=lambda f: f.name)
def test_a_name_that_is_a_role_stands_for_all_links_to_it(fault: LinkFault) -> None:
    links = [FakeLink("db-a"), FakeLink("db-b")]
    injection = fault.inject(FakeStage(TWO, links=links))  # type: ignore[attr-defined]
    assert all(one.toxics or not one.enabled for one in links)
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.requested["links"], receipt.delivered["links"]) == ("confirmed", 2, 2)
    assert all(one.toxics == {} and one.enabled for one in links)


@pytest.mark.parametrize("fault", ON_BOTH, ids=lambda f: f.name)
@pytest.mark.parametrize("deaf", [0, 1])
def test_one_link_of_two_is_a_mismatch_and_the_dose_is_that_of_the_other(fault: LinkFault, deaf: int) -> None:
    links = [FakeLink("db-a", deaf=deaf == 0), FakeLink("db-b", deaf=deaf == 1)]
    injection = fault.inject(FakeStage(TWO, links=links))  # type: ignore[attr-defined]
    injection.heal()
    receipt = injection.receipt()
    assert (receipt.status, receipt.delivered["links"]) == ("mismatch", 1)
    assert receipt.delivered.get("answered", True) is True
    assert receipt.delivered.get("added_ms", 0) == pytest.approx(0)


def test_one_link_says_nothing_of_their_number() -> None:
    injection = LinkDown("cache").inject(on(FakeLink("cache")))
    injection.heal()
    assert injection.receipt().requested == {"answered": False}
