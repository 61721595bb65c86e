"""The look back after a run, against a real server."""

import numpy as np
import pytest

from harness.clock import RunClock
from harness.experiment import Mix
from harness.history import Durability, Kind
from harness.load.arrivals import write_arrivals
from harness.load.asking import Arrival, Asker
from harness.load.client import OneAttemptPool
from harness.load.durability import audit
from harness.load.plan import make_plan
from harness.load.rawlog import RawLog
from harness.load.settings import RAW, Settings
from tests.fakes.chat_server import ChatServer

PLAN = make_plan(12, 1, 0, Mix(chat=1, stream=0, read=0), seed=1)


def talk(server, folder, behaviours):
    """Send the plan's arrivals one after the other; return the arrivals of the run."""
    clock = RunClock.starting_in(0)
    one = Asker(OneAttemptPool().get_client(server.url), Settings(server.url, "r", 60, 0), clock)
    log = RawLog(folder / RAW)
    for seq in range(12):
        server.script = lambda t, method, seq=seq: behaviours.get(seq, "ok")
        log.add(one.ask(Arrival(seq, clock.now(), Kind.CHAT, seq % 4 == 0, 0.5)))
    log.close()
    server.script = lambda t, method: "ok"
    return write_arrivals(folder, PLAN)[0]


@pytest.mark.parametrize(
    ("behaviours", "expected"),
    [
        ({}, Durability(24, 0, 0, 0, 0)),
        ({3: "forget", 7: "forget"}, Durability(24, 4, 0, 0, 0)),
        ({2: "repeat"}, Durability(24, 0, 1, 0, 0)),
        ({5: "break_off", 6: "unavailable"}, Durability(20, 0, 0, 0, 0)),
    ],
)
def test_the_audit_finds_what_the_store_did(tmp_path, behaviours, expected):
    with ChatServer() as server:
        arrivals = talk(server, tmp_path, behaviours)
        assert audit(server.url, "r", arrivals, timeout_s=20) == expected


def test_a_conversation_that_is_gone_is_lost(tmp_path):
    with ChatServer() as server:
        arrivals = talk(server, tmp_path, {})
        gone = arrivals.conversation_id[0]
        turns = int(np.sum(arrivals.conversation_id == gone))
        del server.store[gone]
        assert audit(server.url, "r", arrivals, timeout_s=20) == Durability(24, 2 * turns, 0, 0, 0)


def test_a_target_that_comes_back_late_is_asked_again(tmp_path):
    with ChatServer() as server:
        arrivals = talk(server, tmp_path, {})
        refusals = iter(["unavailable"] * 6)
        server.script = lambda t, method: next(refusals, "ok")
        assert audit(server.url, "r", arrivals, timeout_s=20) == Durability(24, 0, 0, 0, 0)


def test_what_cannot_be_read_in_time_is_unchecked(tmp_path):
    with ChatServer() as server:
        arrivals = talk(server, tmp_path, {})
        server.script = lambda t, method: "unavailable"
        assert audit(server.url, "r", arrivals, timeout_s=0.5) == Durability(24, 0, 0, 0, 24)


def test_nothing_acknowledged_is_nothing_to_look_for(tmp_path):
    arrivals, _ = write_arrivals(tmp_path, PLAN)
    assert audit("http://127.0.0.1:9", "r", arrivals) == Durability(0, 0, 0, 0, 0)
