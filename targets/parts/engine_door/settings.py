"""Which services may be scaled, and how far."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from targets.parts.kit.environment import whole, words

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Settings:
    """`allowed` holds the full name, as the engine knows it, of each short name that clients use."""

    allowed: Mapping[str, str]
    minimum: int = 2
    maximum: int = 4
    socket: str = "/var/run/docker.sock"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read STACK (prefix of the full names), SCALE, MIN_REPLICAS, MAX_REPLICAS and DOCKER_SOCKET.

        Raises ValueError that names the variable which is missing or wrong.
        """
        stack = environment.get("STACK", "").strip()
        names = words(environment, "SCALE", "")
        for variable, name in [("STACK", stack), *(("SCALE", name) for name in names)]:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{variable} must hold names of letters, digits, '_', '.' and '-', not '{name}'")
        minimum = whole(environment, "MIN_REPLICAS", cls.minimum, at_least=1)
        maximum = whole(environment, "MAX_REPLICAS", max(minimum, cls.maximum), at_least=1)
        if maximum < minimum:
            raise ValueError(f"MAX_REPLICAS must be at least MIN_REPLICAS ({minimum}), not {maximum}")
        socket = environment.get("DOCKER_SOCKET", "").strip() or cls.socket
        return cls({name: f"{stack}_{name}" for name in names}, minimum, maximum, socket)
