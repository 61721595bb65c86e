"""An engine that exists only in memory: what the sweeping and recovering code asks of docker-py, and no more."""

from __future__ import annotations

from typing import Any

from docker.errors import APIError, NotFound

OURS = {"testbed.owner": "harness", "testbed.campaign": "c1"}


class FakeEngine:
    """Stands for a DockerClient and its `api` at once. Things are dicts as the engine's list calls return them.

    `swarm` are the labels of the swarm that it manages, None when it is part of none; `node_labels` those of its node.
    """

    def __init__(self) -> None:
        self.things: dict[str, dict[str, dict[str, Any]]] = {"container": {}, "network": {}, "volume": {}}
        self.things |= {"service": {}, "config": {}, "secret": {}}
        self.swarm: dict[str, str] | None = None
        self.node_labels: dict[str, str] = {}
        self.stuck: set[str] = set()
        self.on_networks: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []

    @property
    def api(self) -> FakeEngine:
        return self

    def info(self) -> dict[str, Any]:
        return {"ID": "AB:CD", "Swarm": {"ControlAvailable": self.swarm is not None}}

    def add(self, kind: str, name: str, labels: dict[str, str] | None = None, state: str = "running") -> None:
        thing = {
            "Id": name,
            "ID": name,
            "Spec": {"Name": name},
            "Name": name,
            "Names": [f"/{name}"],
            "State": state,
            "Scope": "local",
            "Labels": labels or {},
        }
        self.things[kind][name] = thing

    def names(self, kind: str) -> set[str]:
        return set(self.things[kind])

    def containers(self, all: bool = False, filters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        assert all, "stopped containers are leftovers too"
        return self._filtered("container", filters)

    def networks(self, filters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        return self._filtered("network", filters)

    def volumes(self, filters: dict[str, Any]) -> dict[str, Any]:
        return {"Volumes": self._filtered("volume", filters) or None}  # null and not [], as the engine does

    def remove_container(self, name: str, force: bool, v: bool) -> None:
        assert force, "a running container is removed as well"
        assert v, "and the volumes that only it knows"
        self._remove("container", name)

    def remove_network(self, name: str) -> None:
        self._remove("network", name)

    def inspect_network(self, name: str) -> dict[str, Any]:
        return {"Containers": self.on_networks.get(name, {})}

    def remove_volume(self, name: str, force: bool = False) -> None:
        self._remove("volume", name)

    def unpause(self, name: str) -> None:
        self.calls.append(f"unpause {name}")
        self.things["container"][name]["State"] = "running"

    def _filtered(self, kind: str, filters: dict[str, Any] | None) -> list[dict[str, Any]]:
        wanted = [pair.split("=", 1) for pair in (filters or {}).get("label", [])]
        return [t for t in self.things[kind].values() if all(t["Labels"].get(k) == v for k, v in wanted)]

    def _remove(self, kind: str, name: str) -> None:
        self.calls.append(f"remove {name}")
        if name not in self.things[kind]:
            raise NotFound(f"no such {kind}")
        if name in self.stuck:
            raise APIError(f"{kind} is in use")
        if kind == "container" and self.things[kind][name]["State"] == "paused":
            raise APIError("container is paused")
        del self.things[kind][name]

    def services(self, filters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        return self._filtered("service", filters)

    def configs(self, filters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        return self._filtered("config", filters)

    def secrets(self, filters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        return self._filtered("secret", filters)

    def remove_service(self, name: str) -> None:
        self._remove("service", name)

    def remove_config(self, name: str) -> None:
        self._remove("config", name)

    def remove_secret(self, name: str) -> None:
        self._remove("secret", name)

    def nodes(self) -> list[dict[str, Any]]:
        return [self.inspect_node("n1")]

    def inspect_node(self, node: str) -> dict[str, Any]:
        return {"ID": node, "Version": {"Index": 1}, "Spec": {"Labels": dict(self.node_labels)}}

    def update_node(self, node: str, version: int, spec: dict[str, Any]) -> None:
        self.calls.append(f"label {node}")
        self.node_labels = spec["Labels"]

    def inspect_swarm(self) -> dict[str, Any]:
        assert self.swarm is not None, "only a manager can be asked"
        return {"Spec": {"Labels": self.swarm}}

    def leave_swarm(self, force: bool) -> None:
        assert force, "a manager leaves only so"
        self.calls.append("leave")
        self.swarm = None
        self.stuck -= {"docker_gwbridge"}
