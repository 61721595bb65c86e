"""Signs of life: what each kind of far side looks like from here."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.engine.probe import probe
from harness.errors import InstrumentError
from harness.target import Protocol

Serve = Callable[[socket.socket], None]

SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])
ALERT = b"\x15\x03\x01\x00\x02\x02\x28"
QUESTIONS: dict[Protocol, tuple[bytes, bytes]] = {
    "postgres": (SSL_REQUEST, b"N"),
    "redis": (b"PING\r\n", b"+PONG\r\n"),
    "http": (b"GET / HTTP/1.1\r\nHost: db\r\nConnection: close\r\n\r\n", b"HTTP/1.1 404 Not Found\r\n\r\n"),
}


@contextmanager
def far_side(serve: Serve) -> Iterator[tuple[str, int]]:
    """A server on loopback that does `serve` with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    serve(connection)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listener.getsockname()[:2]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def wait_for_the_end(connection: socket.socket) -> None:
    connection.settimeout(5)
    while connection.recv(4096):
        pass


@pytest.mark.parametrize("protocol", QUESTIONS)
def test_each_protocol_asks_its_own_question_and_times_the_answer(protocol: Protocol) -> None:
    question, answer = QUESTIONS[protocol]
    asked: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        asked.append(connection.recv(4096))
        connection.sendall(answer)

    with far_side(serve) as address:
        found = probe(address, protocol, "db")
    assert asked == [question]
    assert found.outcome == "answered"
    assert found.rtt_ms is not None
    assert 0 < found.rtt_ms < 2000


@pytest.mark.parametrize("answer", [b"-NOAUTH Authentication required.\r\n", b"-LOADING Redis is loading\r\n"])
def test_a_redis_that_refuses_is_alive(answer: bytes) -> None:
    with far_side(lambda c: c.sendall(answer)) as address:
        assert probe(address, "redis", "cache").outcome == "answered"


def test_tls_sends_the_server_name_and_takes_an_alert_for_a_sign_of_life() -> None:
    hello: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        hello.append(connection.recv(4096))
        connection.sendall(ALERT)

    with far_side(serve) as address:
        assert probe(address, "tls", "api.ai.example").outcome == "answered"
    assert hello[0].startswith(b"\x16\x03")
    assert b"api.ai.example" in hello[0]


def test_an_unknown_protocol_only_has_to_stay_open() -> None:
    with far_side(wait_for_the_end) as address:
        assert probe(address, "tcp", "queue").outcome == "answered"
    with far_side(lambda _: None) as address:
        assert probe(address, "tcp", "queue").outcome == "closed"


@pytest.mark.parametrize("protocol", [*QUESTIONS, "tls"])
def test_a_far_side_that_hangs_up_is_closed(protocol: Protocol) -> None:
    with far_side(lambda c: void(c.recv(4096))) as address:
        assert probe(address, protocol, "db").outcome == "closed"


def test_nobody_there_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()[:2]
    assert probe(address, "redis", "cache").outcome == "closed"


@pytest.mark.parametrize("protocol", [*QUESTIONS, "tls"])
def test_silence_is_told_from_an_end(protocol: Protocol) -> None:
    with far_side(wait_for_the_end) as address:
        found = probe(address, protocol, "db", timeout_s=0.2)
    assert (found.outcome, found.rtt_ms) == ("silent", None)


def test_a_reset_is_told_from_an_end() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with far_side(serve) as address:
        assert probe(address, "redis", "cache").outcome == "reset"


def test_an_answer_in_another_protocol_is_a_mistake_in_the_target() -> None:
    mistaken = pytest.raises(InstrumentError, match=r"does not speak redis.*Correct the link's `protocol`")
    with far_side(lambda c: c.sendall(b"HTTP/1.1 400 Bad Request\r\n")) as address, mistaken:
        probe(address, "redis", "cache")


def void(_: object) -> None:
    """Throw away a value."""
