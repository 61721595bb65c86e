"""Reads a whole body of server-sent events (WHATWG HTML, section 9.2.6), as far as a chat stream needs it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """One event: its name ('message' unless the stream names it) and its data."""

    name: str
    data: str


def parse_events(body: bytes) -> list[Event]:
    """Return the events of a body. An event without its closing blank line is not complete and left out.

    Raises UnicodeDecodeError when the body is not UTF-8.
    """
    events: list[Event] = []
    name, data = "", []
    for line in _lines(body.decode("utf-8")):
        if line:
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if key == "event":
                name = value
            elif key == "data":
                data.append(value)
            continue
        if data:
            events.append(Event(name or "message", "\n".join(data)))
        name, data = "", []
    return events


def _lines(text: str) -> list[str]:
    """Split into lines that were ended, without their ends. str.splitlines() knows too many kinds of ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
