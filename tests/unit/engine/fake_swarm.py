"""What the code for Swarm asks of a manager, in memory: nodes whose labels change with their version, and services."""

from __future__ import annotations

import copy
import threading
from typing import Any

from docker.errors import APIError


class FakeManager:
    """Stands for a DockerClient and its `api`; one node, `n1`. `conflicts` updates are refused as out of sequence."""

    def __init__(self, labels: dict[str, str] | None = None, conflicts: int = 0) -> None:
        self.node: dict[str, Any] = {
            "ID": "n1",
            "Version": {"Index": 7},
            "Spec": {"Labels": dict(labels or {}), "Role": "manager", "Availability": "active"},
        }
        self.conflicts = conflicts
        self.updates = 0
        self._lock = threading.Lock()

    @property
    def api(self) -> FakeManager:
        return self

    @property
    def labels(self) -> dict[str, str]:
        found: dict[str, str] = self.node["Spec"]["Labels"]
        return found

    def inspect_node(self, node: str) -> dict[str, Any]:
        assert node == "n1"
        return copy.deepcopy(self.node)

    def update_node(self, node: str, version: int, spec: dict[str, Any]) -> None:
        assert node == "n1"
        with self._lock:
            if self.conflicts or version != self.node["Version"]["Index"]:
                self.conflicts = max(0, self.conflicts - 1)
                raise APIError("update out of sequence")
            self.node["Version"]["Index"] += 1
            self.node["Spec"] = copy.deepcopy(spec)
            self.updates += 1
