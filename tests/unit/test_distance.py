"""Users far away: half of the round trip each way, proven by probes, and taken away whatever happens."""

from typing import Any

import pytest

from harness.distance import Distances
from harness.errors import InstrumentError
from harness.places import PLACES, Place
from tests.fakes.link import FakeLink

FAR = tuple(PLACES.values())


def doors(**tampering: Any) -> dict[str, FakeLink]:
    return {place: FakeLink(f"place-{place}", **tampering.get(place.replace("-", "_"), {})) for place in PLACES}


def test_every_place_of_the_table_has_a_source() -> None:
    assert list(PLACES) == ["sao-paulo", "virginia", "frankfurt", "tokyo"]
    assert all(place.source and place.name == name and place.rtt_ms > 0 for name, place in PLACES.items())


def test_half_of_the_round_trip_is_added_each_way_and_found() -> None:
    links = doors()
    distances = Distances(links, FAR)
    distances.set()
    toxics = [(stream, given["latency"]) for _, stream, given in links["tokyo"].toxics.values()]
    assert toxics == [("upstream", 73), ("downstream", 72)]
    distances.look()
    assert [way.added_ms for way in distances.ways()] == [[120, 120], [1, 1], [89, 89], [145, 145]]
    assert distances.doubts() == []
    assert distances.end() == [] == distances.end()
    assert not any(link.toxics for link in links.values())


@pytest.mark.parametrize("tampering", [{"deaf": True}, {"dose": 0.5}, {"dose": 2.0}])
def test_a_distance_that_does_not_hold_is_a_doubt(tampering: dict[str, Any]) -> None:
    distances = Distances(doors(frankfurt=tampering), FAR)
    distances.set()
    assert len(distances.doubts()) == 1
    assert distances.doubts()[0].startswith("users of frankfurt were to be 88.7 ms away, and a probe found")


def test_a_distance_that_is_lost_on_the_way_is_a_doubt() -> None:
    links = doors()
    distances = Distances(links, FAR)
    distances.set()
    links["tokyo"].toxics.clear()
    distances.look()
    assert len(distances.doubts()) == 1 and "tokyo" in distances.doubts()[0]


def test_a_door_that_dies_is_a_doubt() -> None:
    links = doors()
    distances = Distances(links, FAR)
    distances.set()
    links["tokyo"].dead = True
    distances.look()
    assert distances.doubts() == ["users of tokyo were to be 145.3 ms away, and a probe found no answer"]


def test_a_door_that_does_not_answer_gets_no_delay() -> None:
    links = doors(tokyo={"dead": True})
    distances = Distances(links, FAR)
    with pytest.raises(InstrumentError, match="door of tokyo does not answer"):
        distances.set()
    assert distances.end() == [] and not any(link.toxics for link in links.values())


def test_what_cannot_be_taken_away_is_said_and_the_rest_is() -> None:
    links = doors(tokyo={"unhealable": True})
    distances = Distances(links, FAR)
    distances.set()
    left = distances.end()
    assert len(left) == 2 and all("place-tokyo could not be taken away" in line for line in left)
    assert not links["frankfurt"].toxics


def test_what_was_found_is_written_down() -> None:
    events: list[tuple[float, str, dict[str, Any]]] = []
    distances = Distances(doors(near={}), (Place("tokyo", 145.3, "a table"),))
    distances.set()
    distances.write(lambda t_s, event, **more: events.append((t_s, event, more)), -0.2)
    assert events == [(-0.2, "place", {"place": "tokyo", "rtt_ms": 145.3, "added_ms": 145.0, "holds": True})]


def test_a_door_that_takes_its_time_to_come_back_is_waited_for_and_one_that_is_too_near_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    links, waited = doors(), []
    distances = Distances(links, FAR)
    distances.set()
    links["tokyo"].dead = True

    def come_back(seconds: float) -> None:
        waited.append(seconds)
        links["tokyo"].dead = False

    monkeypatch.setattr("harness.distance.time.sleep", come_back)
    distances.look(60.0)
    assert distances.doubts() == [] and len(waited) == 1
    links["frankfurt"].toxics.clear()
    distances.look(60.0)
    assert len(waited) == 1, "no waiting brings back a delay that is lost"
    assert "frankfurt" in distances.doubts()[0]
