"""Whole runs with users of several places and with an abuser: Locust, doors, and one row per scheduled arrival."""

from contextlib import ExitStack

import numpy as np
import pytest

from harness.clock import RunClock
from harness.experiment import Mix
from harness.load.generator import LoadGenerator
from harness.load.plan import plan_segments
from harness.loads import Abuser, Segment
from harness.places import PLACES
from tests.contract.load.runs import read_run
from tests.fakes.chat_server import ChatServer


def test_each_place_has_its_door_and_the_abuser_its_own_answers(tmp_path):
    plan = plan_segments(
        (Segment(20, 1), Segment(80, 1)), 0.5, Mix(), seed=1, places=len(PLACES), abuser=Abuser(60, at_s=0.5, lasts_s=1)
    )
    with ExitStack() as stack:
        servers = [stack.enter_context(ChatServer(delay_s=0.02 * k)) for k in range(len(PLACES))]
        for server in servers:
            server.refused_clients = lambda client: client.endswith("abuser")
        doors = [server.url for server in servers]
        with LoadGenerator(tmp_path, plan, host=doors[0], run="test", deadline_s=2, clients=7, doors=doors) as load:
            load.ready(60)
            clock = RunClock.starting_in(1.2)
            load.go(clock)
            load.wait(60)
        seen = [len(server.attempts) for server in servers]
        clients = {attempt.client for server in servers for attempt in server.attempts}
    ran = read_run(tmp_path, plan)
    arrivals = ran.arrivals

    assert ran.odd == []
    assert seen == np.bincount(plan.place).tolist()
    assert clients == {"test-abuser", *(f"test-c{k}" for k in range(7))}
    mine = arrivals.client_class == "abuser"
    assert set(arrivals.outcome[mine]) == {"limited"} and mine.sum() == 60
    assert set(arrivals.outcome[~mine]) == {"ok"}
    for k, place in enumerate(PLACES):
        waits = (arrivals.ended_s - arrivals.sent_s)[(arrivals.place == place) & ~mine]
        assert np.median(waits) >= 0.02 * k


def test_places_without_doors_are_refused(tmp_path):
    plan = plan_segments((Segment(20, 1),), 0, Mix(), seed=1, places=4)
    with pytest.raises(ValueError, match="4 places, and 1 doors"):
        LoadGenerator(tmp_path, plan, host="http://x", run="t", deadline_s=1, doors=["http://x"])
