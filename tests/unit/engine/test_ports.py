"""Host ports are free when they are handed out, and never handed out twice."""

import random
import socket
from itertools import islice

import pytest

from harness.engine.ports import can_bind, free_ports
from harness.errors import InstrumentError


def test_ports_are_distinct_and_in_range() -> None:
    found = list(islice(free_ports(random.Random(1)), 50))
    assert len(set(found)) == 50
    assert all(20000 <= port <= 29999 for port in found)


def test_a_port_that_somebody_listens_on_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not can_bind(port)
        with pytest.raises(InstrumentError, match="is free"):
            next(free_ports(first=port, last=port))


def test_two_harnesses_do_not_choose_the_same_ones() -> None:
    assert next(free_ports(random.Random(1))) != next(free_ports(random.Random(2)))
