"""Turns a service as Compose renders it into one that `docker stack deploy` takes: a pure function.

Both read Compose files, but not the same ones: `stack deploy` knows version 3 of the schema, wants some numbers as text
and some texts as numbers, and stops at the first key that it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import ConfigError

VERSION = "3.8"

_AS_IT_IS = frozenset({
    "command", "entrypoint", "environment", "hostname", "user", "working_dir", "stop_signal", "stop_grace_period",
    "read_only", "cap_add", "cap_drop", "dns", "dns_search", "ulimits", "sysctls", "stdin_open", "tty", "logging",
    "isolation", "secrets", "configs",
})  # fmt: skip
_NOT_NEEDED = frozenset({
    "ports", "expose", "depends_on", "build", "container_name", "restart", "scale", "profiles", "env_file", "platform",
    "pull_policy", "attach", "init", "image", "networks", "labels", "deploy", "volumes", "tmpfs", "healthcheck",
    "extra_hosts", "mem_limit", "mem_reservation", "cpus", "pids_limit", "label_file", "annotations", "develop",
})  # fmt: skip
"""Taken care of below, or without a meaning in a stack."""

_CONDITIONS = {"no": "none", "on-failure": "on-failure"}
RESTART_DELAY = "1s"
"""Between the death of a task and the start of its replacement, where the file says nothing (Swarm's own: 5 s)."""


def stack_service(name: str, data: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Return the service without ports, networks and labels of its own. Raises ConfigError for what Swarm cannot do."""
    for key, value in data.items():
        if value and key not in _AS_IT_IS | _NOT_NEEDED and not key.startswith("x-"):
            problem = f"has `{key}`, which Swarm does not know."
            raise ConfigError(file, f"services.{name}", problem, "Leave it away, or deploy it with Compose.")
    service = {key: data[key] for key in data if key in _AS_IT_IS and data[key] is not None}
    service["environment"] = {k: str(v) for k, v in (data.get("environment") or {}).items() if v is not None}
    service["init"] = True  # a crash ends the child of PID 1, and only then does the orchestrator see it
    service["deploy"] = _deploy(data)
    mounts = [_mount(mount) for mount in data.get("volumes") or ()]
    mounts += [{"type": "tmpfs", "target": str(path).partition(":")[0]} for path in _listed(data.get("tmpfs"))]
    if mounts:
        service["volumes"] = mounts
    if data.get("healthcheck"):  # start_interval needs a newer engine, and only makes the first check come sooner
        service["healthcheck"] = {k: v for k, v in data["healthcheck"].items() if k != "start_interval"}
    if data.get("extra_hosts"):
        service["extra_hosts"] = [str(host).replace("=", ":", 1) for host in data["extra_hosts"]]
    for key in ("configs", "secrets"):
        if key in service:
            service[key] = [_with_mode(item) for item in service[key]]
    return service


def restart_condition(data: Mapping[str, Any]) -> str:
    """When Swarm replaces a task of the service: 'any', 'on-failure', 'none'."""
    declared = (data.get("deploy") or {}).get("restart_policy") or {}
    return str(declared.get("condition") or _CONDITIONS.get(str(data.get("restart")).partition(":")[0], "any"))


def _deploy(data: Mapping[str, Any]) -> dict[str, Any]:
    declared = {key: value for key, value in (data.get("deploy") or {}).items() if value is not None}
    policy = {"delay": RESTART_DELAY, **(declared.get("restart_policy") or {}), "condition": restart_condition(data)}
    if "replicas" not in declared and data.get("scale") is not None:
        declared["replicas"] = int(data["scale"])
    # dnsrr: a virtual address needs ip_vs in the kernel, and the names work without it.
    deploy = {**declared, "restart_policy": policy, "endpoint_mode": "dnsrr"}
    resources = _resources(data, declared.get("resources") or {})
    if resources:
        deploy["resources"] = resources
    return deploy


def _resources(data: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """Limits as text; those of the older keys of a service are put where a stack has them."""
    older: list[tuple[str, str, str]] = [
        ("limits", "cpus", "cpus"),
        ("limits", "memory", "mem_limit"),
        ("reservations", "memory", "mem_reservation"),
    ]
    found: dict[str, dict[str, Any]] = {kind: dict(values) for kind, values in declared.items() if values}
    for kind, key, old in older:
        if data.get(old):
            found.setdefault(kind, {}).setdefault(key, data[old])
    if data.get("pids_limit"):
        found.setdefault("limits", {}).setdefault("pids", int(data["pids_limit"]))
    return {kind: {key: _as_text(key, value) for key, value in values.items()} for kind, values in found.items()}


def _as_text(key: str, value: Any) -> Any:
    return str(value) if key in ("cpus", "memory") else value


def _mount(mount: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: mount[key] for key in ("type", "source", "target", "read_only", "consistency") if key in mount}
    bind = {key: value for key, value in (mount.get("bind") or {}).items() if key == "propagation"}
    volume = {key: value for key, value in (mount.get("volume") or {}).items() if key == "nocopy"}
    size = (mount.get("tmpfs") or {}).get("size")
    return (
        kept
        | ({"bind": bind} if bind else {})
        | ({"volume": volume} if volume else {})
        | ({"tmpfs": {"size": int(size)}} if size else {})
    )


def _with_mode(item: Mapping[str, Any]) -> dict[str, Any]:
    """Compose writes the mode of a file as text in octal; a stack wants the number."""
    mode = item.get("mode")
    return {**item, "mode": int(mode, 8)} if isinstance(mode, str) else dict(item)


def _listed(value: Any) -> list[Any]:
    return [] if value is None else [value] if isinstance(value, str) else list(value)
