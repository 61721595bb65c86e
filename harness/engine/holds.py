"""Keeps services of a stack away: labels on the node, which every woven service has a constraint against.

That is what holds an orchestrator back: it goes on wanting its tasks, finds no place for them, and whoever scales the
service finds none either. Seen with engine 20.10: a task that is running when the label appears is shut down gracefully
(SIGTERM), so a crash kills first and labels within the restart delay; without the label, the task is back in 1.3 s.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

import docker
from docker.errors import APIError

from harness.engine import marks
from harness.errors import InstrumentError

KILLED_TOGETHER_S = 0.7
"""How long the first victim of a service waits for the others before it is labelled: less than the restart delay."""

CONFLICT_PATIENCE_S = 10.0


class Holds:
    """The services that are kept from running on `node`. Changes that are asked for together are made together."""

    def __init__(self, client: docker.DockerClient, node: str) -> None:
        self._api: Any = client.api
        self._node = node
        self._changing = threading.Lock()
        self._wanted: dict[str, bool] = {}
        self._condition = threading.Condition()
        self._intended: dict[str, set[str]] = {}
        self._struck: dict[str, set[str]] = {}

    def intend(self, service: str, slot: str) -> None:
        """Note that the next crash of `slot` is one from which it must not come back."""
        with self._condition:
            self._intended.setdefault(service, set()).add(slot)

    def intended(self, service: str) -> frozenset[str]:
        """The slots of `service` that are about to be crashed for longer."""
        with self._condition:
            return frozenset(self._intended.get(service, ()))

    def struck(self, service: str, slot: str) -> None:
        """`slot` was killed: keep the service away as soon as the last slot that was intended is dead."""
        with self._condition:
            self._struck.setdefault(service, set()).add(slot)
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._all_struck(service), KILLED_TOGETHER_S)
        self.hold(service)

    def hold(self, service: str) -> None:
        """Keep `service` away."""
        self._change({marks.hold_label(service): True})

    def release(self, service: str) -> bool:
        """Let `service` run again; returns whether it was kept away."""
        with self._condition:
            self._intended.pop(service, None)
            self._struck.pop(service, None)
        held = self.is_held(service)
        if held:
            self._change({marks.hold_label(service): False})
        return held

    def release_all(self) -> list[str]:
        """Let everything run again; return the labels that were there."""
        with self._condition:
            self._intended.clear()
            self._struck.clear()
        held = self._held()
        if held:
            self._change(dict.fromkeys(held, False))
        return held

    def is_held(self, service: str) -> bool:
        """Whether the node has the label."""
        return marks.hold_label(service) in self._held()

    def _all_struck(self, service: str) -> bool:
        return self._intended.get(service, set()) <= self._struck.get(service, set())

    def _held(self) -> list[str]:
        return held_labels(self._api.inspect_node(self._node))

    def _change(self, labels: dict[str, bool]) -> None:
        """One update of the node carries what all who ask at this moment want."""
        with self._condition:
            self._wanted.update(labels)
        with self._changing:
            with self._condition:
                wanted, self._wanted = self._wanted, {}
            if wanted:
                change_labels(self._api, self._node, wanted)


def held_labels(node: Any) -> list[str]:
    """The labels of ours on a node, as the engine describes it."""
    return sorted(key for key in node["Spec"].get("Labels") or {} if key.startswith(marks.HOLD))


def change_labels(api: Any, node: str, wanted: dict[str, bool]) -> None:
    """Set (True) or remove (False) labels of `node`, and no other. Raises InstrumentError."""
    deadline = time.monotonic() + CONFLICT_PATIENCE_S
    while True:
        found = api.inspect_node(node)
        labels = {k: v for k, v in (found["Spec"].get("Labels") or {}).items() if k not in wanted}
        labels |= dict.fromkeys(_set(wanted), "yes")
        try:
            api.update_node(node, found["Version"]["Index"], {**found["Spec"], "Labels": labels})
        except APIError as error:
            # Somebody else changed the node between the two calls; the manager itself does so as well.
            if "out of sequence" not in str(error) or time.monotonic() > deadline:
                raise InstrumentError(f"The node cannot be labelled: {error.explanation or error}.") from None
        else:
            return


def _set(wanted: dict[str, bool]) -> Iterable[str]:
    return (key for key, there in wanted.items() if there)
