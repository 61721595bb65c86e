"""What happens to the TCP connection itself, seen from a raw socket."""

from __future__ import annotations

import json
import socket

import pytest

from tests.fakes.simulator import Simulator

LAST_CHUNK = b"0\r\n\r\n"


def post(connection: socket.socket, *, stream: bool) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello"}], "stream": stream}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: sim\r\ncontent-type: application/json\r\n"
    connection.sendall(head + b"content-length: %d\r\n\r\n" % len(body) + body)


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """Read up to `end`, or until the other side closes."""
    data = b""
    while not data.endswith(end) or not end:
        part = connection.recv(65536)
        if not part:
            break
        data += part
    return data


@pytest.fixture
def connection(simulator: Simulator) -> socket.socket:
    return socket.create_connection(("127.0.0.1", simulator.wire_port), timeout=10)


def test_cut_closes_the_connection_inside_the_chunked_body(simulator: Simulator, connection: socket.socket) -> None:
    simulator.set_fault(kind="cut", after_tokens=2)
    with connection:
        post(connection, stream=True)
        data = read_until(connection, b"")  # returns only because the simulator closes
    assert b"transfer-encoding: chunked" in data
    assert data.count(b'"content":') == 3  # the role's empty one and two tokens
    assert not data.endswith(LAST_CHUNK)


def test_cut_closes_the_connection_before_the_promised_length(simulator: Simulator, connection: socket.socket) -> None:
    simulator.set_fault(kind="cut", after_tokens=2)
    with connection:
        post(connection, stream=False)
        head, _, body = read_until(connection, b"").partition(b"\r\n\r\n")
    promised = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    assert 0 < len(body) < promised


def test_truncate_ends_the_body_properly_and_keeps_the_connection(
    simulator: Simulator, connection: socket.socket
) -> None:
    simulator.set_fault(kind="truncate", after_tokens=2)
    with connection:
        post(connection, stream=True)
        truncated = read_until(connection, LAST_CHUNK)
        assert simulator.control("DELETE", "fault").status_code == 200
        post(connection, stream=True)
        whole = read_until(connection, LAST_CHUNK)
    assert truncated.endswith(LAST_CHUNK) and whole.endswith(LAST_CHUNK)
    assert b"[DONE]" not in truncated and b'"finish_reason":"stop"' not in truncated
    assert b"[DONE]" in whole and b'"finish_reason":"stop"' in whole


def test_a_client_that_leaves_is_noticed_while_the_answer_is_still_due(
    simulator: Simulator, connection: socket.socket
) -> None:
    simulator.set_fault(kind="slow_first_token", delay_s=3600)
    with connection:
        post(connection, stream=True)
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    counters = simulator.settled_counters()
    assert (counters["requests"], counters["aborted"]) == (1, 1)
