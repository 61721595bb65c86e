import pytest

from harness.load.sse import Event, parse_events


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_events_are_split_at_blank_lines_whatever_ends_a_line(end):
    text = end.join(["event: start", "data: 1", "", ": a comment", "data:2", "data: 3", "id: 9", "", ""])
    assert parse_events(text.encode()) == [Event("start", "1"), Event("message", "2\n3")]


def test_an_event_without_its_end_or_without_data_is_left_out():
    assert parse_events(b"event: x\n\ndata: 1\n\ndata: 2\n") == [Event("message", "1")]


def test_separators_that_only_python_knows_stay_in_the_data():
    assert parse_events("data: a\u2028b\x0bc\n\n".encode()) == [Event("message", "a\u2028b\x0bc")]
