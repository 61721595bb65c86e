"""Drops packets in the network namespace of a container, from a helper container that is gone a moment later."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException

from harness.engine import marks
from harness.errors import InstrumentError

IMAGE = "testbed/netadmin"
PATIENCE_S = 10.0
TRIES = 3


class PacketRules:
    """iptables rules in other containers' network namespaces, which end with the namespace at the latest.

    Every owner of rules has a chain of its own, so that several may drop packets in one namespace.
    """

    def __init__(self, client: docker.DockerClient, campaign: str, image: str = IMAGE) -> None:
        self._api: Any = client.api
        self._campaign = campaign
        self._image = image

    def drop(self, container: str, owner: str, peers: Sequence[str]) -> None:
        """Drop everything that the container (by id) gets from or sends to `peers`, in place of what was dropped.

        What was dropped from and to those that are in both lists stays counted.
        """
        self._run(container, ["drop", _chain(owner), *peers])

    def restore(self, container: str, owner: str) -> None:
        """Let everything pass again."""
        self._run(container, ["restore", _chain(owner)])

    def dropped(self, container: str, owner: str) -> int:
        """Return how many packets the rules have dropped; 0 when there are none."""
        return int(self._run(container, ["count", _chain(owner)]))

    def _run(self, container: str, command: list[str]) -> str:
        """Return what the helper printed. Raises InstrumentError when it fails, or `container` does not run.

        Asked again when the connection to the engine broke, as docker-py's do when many threads use one client: every
        command may be carried out twice.
        """
        what = f"`packets {command[0]}` beside {container[:12]}"
        for left in reversed(range(TRIES)):
            try:
                return self._help(what, container, command)
            except (requests.ConnectionError, requests.Timeout) as error:
                if not left:
                    raise InstrumentError(f"{what} could not be run: {error}.") from None
        raise AssertionError("unreachable: the last try returns or raises")

    def _help(self, what: str, container: str, command: list[str]) -> str:
        try:
            network = self._api.create_host_config(network_mode=f"container:{container}", cap_add=["NET_ADMIN"])
            labels = marks.labels(self._campaign)
            helper = self._api.create_container(self._image, command, user="0", host_config=network, labels=labels)
            try:
                self._api.start(helper["Id"])
                code = int(self._api.wait(helper["Id"], timeout=PATIENCE_S)["StatusCode"])
                said: str = self._api.logs(helper["Id"]).decode(errors="replace").strip()
            finally:
                self._api.remove_container(helper["Id"], force=True, v=True)
        except APIError as error:
            raise InstrumentError(f"{what} could not be run: {error.explanation or error}.") from None
        except DockerException as error:
            raise InstrumentError(f"{what} could not be run: {error}.") from None
        if code != 0:
            raise InstrumentError(f"{what} ended with {code}: {said[-300:]}.")
        return said


def _chain(owner: str) -> str:
    return f"testbed-{zlib.crc32(owner.encode()):08x}"  # iptables takes 28 characters
