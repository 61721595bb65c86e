"""One arrival at a time against one misbehaviour at a time, in this process: the client and the asker."""

import errno
import time

import gevent
import pytest

from harness.clock import RunClock
from harness.errors import InstrumentError
from harness.history import Kind, Outcome
from harness.load import client as client_module
from harness.load.asking import Arrival, Asker
from harness.load.client import REST_S, OneAttemptPool
from harness.load.settings import Settings
from tests.fakes.chat_server import ChatServer, serving


def asker(server, deadline_s=1.0):
    host = server if isinstance(server, str) else server.url
    clock = RunClock.starting_in(0)
    return Asker(OneAttemptPool().get_client(host), Settings(host, "r", deadline_s, 0), clock), clock


def ask(one, clock, kind, fresh=False, seq=0):
    return one.ask(Arrival(seq, clock.now(), kind, fresh, 0.0))


@pytest.mark.parametrize("kind", [Kind.CHAT, Kind.STREAM])
@pytest.mark.parametrize(
    ("behaviour", "outcome", "status"),
    [
        ("ok", Outcome.OK, 200),
        ("hang", Outcome.DEADLINE, 0),
        ("dribble", Outcome.DEADLINE, 0),
        ("drop", Outcome.RESET, 0),
        ("break_off", Outcome.RESET, 200),
        ("garbage", Outcome.MALFORMED, 0),
        ("not_json", Outcome.MALFORMED, 200),
        ("no_finish", Outcome.TRUNCATED, 200),
        ("limited", Outcome.LIMITED, 429),
        ("unavailable", Outcome.HTTP_ERROR, 503),
    ],
)
def test_a_turn_ends_as_the_server_made_it_end(kind, behaviour, outcome, status):
    with serving(behaviour) as server:
        record = ask(*asker(server, 0.6), kind)

    assert (record.outcome, record.status) == (outcome, status)
    assert len(server.attempts) == 1
    assert bool(record.assistant_message_id) is (outcome is Outcome.OK)
    assert record.sent_s <= record.ended_s < 3
    if outcome is Outcome.DEADLINE:
        assert record.ended_s - record.sent_s > 0.5


def test_an_error_event_ends_a_stream():
    with serving("error_event") as server:
        record = ask(*asker(server), Kind.STREAM)
    assert (record.outcome, record.status) == (Outcome.HTTP_ERROR, 200)
    assert "502" in record.detail


@pytest.mark.parametrize("kind", [Kind.CHAT, Kind.STREAM])
def test_an_answer_of_another_conversation_is_wrong(kind):
    with ChatServer() as server:
        one, clock = asker(server)
        first = ask(one, clock, Kind.CHAT, fresh=True)
        server.script = lambda t, method: "wrong_conversation"
        second = ask(one, clock, kind)
    assert first.outcome is Outcome.OK
    assert second.outcome is Outcome.WRONG
    assert second.conversation_id == first.conversation_id


def test_a_read_finds_what_was_acknowledged_and_misses_what_is_gone():
    with ChatServer() as server:
        one, clock = asker(server)
        first = ask(one, clock, Kind.CHAT, fresh=True)
        good = ask(one, clock, Kind.READ)
        server.script = lambda t, method: "forget" if method == "POST" else "ok"
        ask(one, clock, Kind.CHAT)
        bad = ask(one, clock, Kind.READ)
    assert (good.outcome, good.conversation_id) == (Outcome.OK, first.conversation_id)
    assert bad.outcome is Outcome.WRONG
    assert "2 of 4" in bad.detail


def test_a_read_without_any_conversation_begins_one_and_says_so():
    with ChatServer() as server:
        record = ask(*asker(server), Kind.READ)
    assert (record.kind, record.outcome) == (Kind.CHAT, Outcome.OK)
    assert server.attempts[0].method == "POST"


def test_a_read_looks_into_a_busy_conversation_when_none_is_idle():
    with ChatServer() as server:
        one, clock = asker(server, 0.8)
        ask(one, clock, Kind.CHAT, fresh=True)
        server.script = lambda t, method: "hang" if method == "POST" else "ok"
        busy = gevent.spawn(ask, one, clock, Kind.CHAT)
        gevent.sleep(0.1)
        read = ask(one, clock, Kind.READ)
        assert busy.get().outcome is Outcome.DEADLINE
    assert (read.kind, read.outcome) == (Kind.READ, Outcome.OK)


def test_a_failed_turn_gives_its_conversation_back():
    with ChatServer() as server:
        one, clock = asker(server)
        first = ask(one, clock, Kind.CHAT, fresh=True)
        server.script = lambda t, method: "unavailable"
        assert ask(one, clock, Kind.CHAT).outcome is Outcome.HTTP_ERROR
        server.script = lambda t, method: "ok"
        assert ask(one, clock, Kind.CHAT).conversation_id == first.conversation_id


def test_nobody_listening_is_refused():
    with ChatServer() as server:
        url = server.url
    record = ask(*asker(url), Kind.CHAT)
    assert (record.outcome, record.status) == (Outcome.REFUSED, 0)
    assert record.first_byte_s is None


def test_the_deadline_runs_from_the_due_time():
    with serving("hang") as server:
        one, _ = asker(server, 0.8)
        time.sleep(0.5)
        late = one.ask(Arrival(0, 0.0, Kind.CHAT, True, 0.0))
        never = one.ask(Arrival(1, -5.0, Kind.CHAT, True, 0.0))
    assert late.outcome is Outcome.DEADLINE
    assert late.ended_s - late.sent_s < 0.5
    assert (never.outcome, never.sent_s) == (Outcome.UNSENT, None)
    assert [attempt.arrival for attempt in server.attempts] == ["r-0"]
    assert [attempt.request for attempt in server.attempts] == ["r-0"], "under which the target's logs know it"


def test_out_of_descriptors_is_the_instruments_fault(monkeypatch):
    def no_more(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(client_module.Connections, "_create_tcp_socket", no_more)
    record = ask(*asker("http://127.0.0.1:9"), Kind.CHAT)
    assert record.outcome is Outcome.UNSENT
    assert "Too many open files" in record.detail


def test_a_connection_is_used_again_after_a_rest():
    with ChatServer() as server:
        one, clock = asker(server)
        for seq in range(5):
            assert ask(one, clock, Kind.CHAT, seq=seq).outcome is Outcome.OK
            gevent.sleep(3 * REST_S)
        assert server.connections == 1


def test_a_connection_that_has_not_rested_is_not_used_again(monkeypatch):
    """The server may have closed it right after its answer, and the FIN may still be on its way."""
    with ChatServer() as server:
        one, clock = asker(server)
        monkeypatch.setattr(client_module, "REST_S", 60.0)
        ask(one, clock, Kind.CHAT)
        ask(one, clock, Kind.CHAT)
        assert server.connections == 2
        monkeypatch.setattr(client_module, "REST_S", 0.0)
        ask(one, clock, Kind.CHAT)
        assert server.connections == 2


def test_connections_that_the_server_closed_while_they_were_idle_are_not_used():
    with ChatServer() as server:
        server.keep_alive_s = 0.2
        one, clock = asker(server, 5.0)
        for kind in (Kind.CHAT, Kind.READ, Kind.CHAT):
            together = [gevent.spawn(ask, one, clock, kind) for _ in range(5)]
            assert {greenlet.get().outcome for greenlet in together} == {Outcome.OK}
            gevent.sleep(0.6)  # longer than the server waits, shorter than the client would keep them
    assert server.connections == len(server.attempts) == 15


def test_an_address_that_is_not_http_or_not_known_is_refused_at_once():
    with pytest.raises(InstrumentError, match="plain HTTP"):
        OneAttemptPool().get_client("https://127.0.0.1:8000")
    with pytest.raises(InstrumentError, match="cannot resolve"):
        OneAttemptPool().get_client("http://nowhere.invalid:8000").resolve()


def test_a_conversation_belongs_to_one_client_and_there_are_many():
    with serving() as server:
        settings = Settings(server.url, "r", 1.0, 0, clients=5)
        clock = RunClock.starting_in(0)
        one = Asker(OneAttemptPool().get_client(server.url), settings, clock)
        for seq in range(7):
            ask(one, clock, Kind.CHAT, fresh=True, seq=seq)
        for seq in range(7, 17):
            one.ask(Arrival(seq, clock.now(), (Kind.CHAT, Kind.READ)[seq % 2], False, seq / 17))

    begun = {attempt.client for attempt in server.attempts[:7]}
    assert begun == {f"r-c{k}" for k in range(5)}
    owners = {}
    for attempt, conversation in zip(server.attempts[:7], server.store, strict=True):
        owners[conversation] = attempt.client
    assert len(server.attempts) == 17
    assert all(owners[attempt.conversation] == attempt.client for attempt in server.attempts[7:])


def test_nobody_goes_on_with_what_an_abuser_began():
    with serving() as server:
        one, clock = asker(server)
        one.ask(Arrival(0, clock.now(), Kind.CHAT, True, 0.0, abuser=True))
        record = one.ask(Arrival(1, clock.now(), Kind.CHAT, False, 0.0))

    assert [attempt.client for attempt in server.attempts] == ["r-abuser", "r-c0"]
    assert server.attempts[1].conversation == "" and record.outcome is Outcome.OK


def test_users_of_a_place_come_in_at_its_door_and_stay_there():
    with serving() as near, serving() as far:
        clock = RunClock.starting_in(0)
        doors = [OneAttemptPool().get_client(server.url) for server in (near, far)]
        one = Asker(doors[0], Settings(near.url, "r", 1.0, 0, clients=9), clock, doors)
        records = [one.ask(Arrival(seq, clock.now(), Kind.CHAT, seq < 4, 0.5, place=seq % 2)) for seq in range(12)]

    assert {record.outcome for record in records} == {Outcome.OK}
    assert [len(server.attempts) for server in (near, far)] == [6, 6]
    assert not set(near.store) & set(far.store)
    assert {attempt.conversation for attempt in near.attempts[2:]} <= set(near.store)
