"""Knocking: one container tries to connect to an address in another zone, and what comes of it says who hears whom."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

from harness.errors import InstrumentError
from harness.faults.base import Container

CLOSED_PORT = 9  # nothing listens there: who can be reached refuses at once, and who cannot is not heard of

# Prints what came of one attempt to connect: 124 is how timeout(1) ends when its time is up.
KNOCK = (
    "timeout 1 bash -c '</dev/tcp/{address}/{port}' 2>/dev/null; "
    "case $? in 124) echo silent;; 0) echo open;; *) echo refused;; esac"
)

Heard = Literal["heard", "silent", "unknown"]


@dataclass(frozen=True)
class Pair:
    """One container that knocks at an address of the other zone."""

    container: Container
    address: str

    def knock(self) -> Heard:
        """Try to connect; 'unknown' when the container has no shell for it, or does not run."""
        command = KNOCK.format(address=self.address, port=CLOSED_PORT)
        try:
            said = self.container.run(("bash", "-c", command)).strip()
        except InstrumentError:
            return "unknown"
        return "silent" if said == "silent" else "heard" if said in ("open", "refused") else "unknown"


def knock(pairs: Sequence[Pair]) -> list[Heard]:
    """Let all of them knock in the same moment."""
    with ThreadPoolExecutor(max(1, len(pairs))) as pool:
        return list(pool.map(Pair.knock, pairs))


def nearest(own: Sequence[str], far: Sequence[str]) -> str:
    """Return the address of the other zone that shares most with one of its own: most likely one network holds both."""
    return max(far, key=partial(_shared, own))


def _shared(own: Sequence[str], address: str) -> int:
    """How many leading parts of an IPv4 address are those of one of `own`."""
    parts = address.split(".")
    return max(next((k for k in range(4) if mine.split(".")[k] != parts[k]), 4) for mine in own)
