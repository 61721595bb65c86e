"""Only equal questions can be compared: what makes two of them equal, and what does not."""

from __future__ import annotations

from dataclasses import replace

from harness.asked import asked_for
from harness.compare.question import differences, fingerprint, is_stale, question, question_now
from harness.experiment import ClaimedUsers, known_experiments, load_experiment
from harness.history import FaultRecord, RunRecord, Way
from harness.places import PLACES
from harness.target import find_target
from tests.fakes.histories import fault, history


def with_dose(record: FaultRecord, **requested: object) -> FaultRecord:
    return replace(record, receipt=replace(record.receipt, requested=dict(requested)))


def asks(*faults: FaultRecord) -> dict[str, object]:
    return question(history(faults=faults).record)


def test_how_many_parts_a_target_has_is_no_difference_and_a_dose_is() -> None:
    one, two = with_dose(fault(), containers=1, lasts_s=12), with_dose(fault(), containers=7, lasts_s=12)
    assert fingerprint(asks(one)) == fingerprint(asks(two))
    longer = with_dose(fault(), containers=1, lasts_s=30)
    assert differences(asks(one), asks(longer)) == ["dose of the faults: [[crash; lasts_s 12]], [[crash; lasts_s 30]]"]
    assert fingerprint(asks(one)) != fingerprint(asks(longer))


def test_load_windows_and_aims_are_part_of_the_question() -> None:
    here = question(history().record)
    assert differences(here, question(history(rate=24).record)) == ["arrivals a second: 20, 24"]
    assert differences(here, question(history(deadline_s=3.0).record)) == ["deadline (s): 10, 3"]
    assert differences(here, question(history(clients=1000).record)) == ["clients: none, 1000"]
    assert differences(asks(fault()), asks(fault(aimed_at="zone a")))
    assert not differences(here, question(history(seed=99, run="another").record))


def test_every_experiment_asks_the_same_of_every_target_but_for_the_users_that_it_claims() -> None:
    v1, v2 = find_target("v1"), find_target("v2")
    differing = [
        name
        for name in known_experiments()
        if differences(question_now(load_experiment(name), v1), question_now(load_experiment(name), v2))
    ]
    assert "users_at_claim" in differing
    assert all(isinstance(load_experiment(name).load, ClaimedUsers) for name in differing)


def test_a_run_of_today_is_not_stale_and_one_of_another_length_is() -> None:
    target, experiment = find_target("v1"), load_experiment("users_of_the_world")
    record = today(asked_for(experiment, target, run="r", repeat=1, seed=1, started=""))
    assert is_stale(record, experiment, target) == []
    assert is_stale(replace(record, duration_s=60.0), experiment, target) == ["seconds: 60, 24"]
    provider = load_experiment("provider_outage")
    plain = asked_for(provider, target, run="r", repeat=1, seed=1, started="")
    assert [each.split(":")[0] for each in is_stale(plain, provider, target)] == ["faults"]


def today(record: RunRecord) -> RunRecord:
    return replace(record, ways=[Way(place.name, place.rtt_ms, [None, None]) for place in PLACES.values()])
