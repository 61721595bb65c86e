"""Drops packets in the network namespace of a container.

From a helper container that is gone a moment later; or, where the engine's machine is this one and we are root, by the
same script without one. A helper takes five questions to the engine: on two busy processors up to three seconds, and
who starts during a partition must be cut off sooner.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from collections.abc import Sequence
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException

from harness.engine import marks
from harness.engine.cpu import PROC, find_group
from harness.engine.images import REPOSITORY
from harness.errors import InstrumentError

IMAGE = "testbed/netadmin"
SCRIPT = REPOSITORY / "targets" / "parts" / "netadmin" / "packets.sh"
PATIENCE_S = 10.0
TRIES = 3


class PacketRules:
    """iptables rules in other containers' network namespaces, which end with the namespace at the latest.

    Every owner of rules has a chain of its own, so that several may drop packets in one namespace. `helper` is whether
    only helpers may make them; where it is not so and something is in the way of the short one, a helper does it.
    """

    def __init__(self, client: docker.DockerClient, campaign: str, image: str = IMAGE, *, helper: bool = False) -> None:
        self._api: Any = client.api
        self._campaign = campaign
        self._image = image
        self._helper = helper or not _may_enter()
        # Containers by the way in which they got their rules, which is kept to: each may have tables of its own.
        self._entered: set[str] = set()
        self._helped: set[str] = set()

    def drop(self, container: str, owner: str, peers: Sequence[str]) -> None:
        """Drop everything that the container (by id) gets from or sends to `peers`, in place of what was dropped.

        What was dropped from and to those that are in both lists stays counted.
        """
        command = ["drop", _chain(owner), *peers]
        if self._helper or container in self._entered | self._helped:
            self._again(container, command)
        elif self._enter(container, command) is not None:
            self._entered.add(container)
        else:
            self._helped.add(container)
            self._run(container, command)

    def restore(self, container: str, owner: str) -> None:
        """Let everything pass again."""
        self._again(container, ["restore", _chain(owner)])

    def dropped(self, container: str, owner: str) -> int:
        """Return how many packets the rules have dropped; 0 when there are none."""
        return int(self._again(container, ["count", _chain(owner)]))

    def _again(self, container: str, command: list[str]) -> str:
        """Return what is printed by the way in which the container got its rules."""
        if container not in self._entered:
            return self._run(container, command)
        for _ in range(TRIES):
            said = self._enter(container, command)
            if said is not None:
                return said
        raise InstrumentError(f"`packets {command[0]}` could not be run in the network of {container[:12]}.")

    def _enter(self, container: str, command: list[str]) -> str | None:
        """Return what the script printed in the container's network namespace; None where it could not run there."""
        try:
            pid = int(self._api.inspect_container(container)["State"]["Pid"])
            with (PROC / str(pid) / "ns" / "net").open("rb") as network:
                # Asked once the namespace is held: the number may have become another process's, or mean one elsewhere.
                if find_group(pid, container) is None:
                    return None
                done = subprocess.run(
                    ["nsenter", f"--net=/proc/self/fd/{network.fileno()}", "sh", str(SCRIPT), *command],
                    pass_fds=[network.fileno()],
                    capture_output=True,
                    text=True,
                    timeout=PATIENCE_S,
                    check=False,
                )
        except (OSError, subprocess.SubprocessError, DockerException, requests.RequestException):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

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


def _may_enter() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0 and all(map(shutil.which, ("nsenter", "iptables", "sh")))


def _chain(owner: str) -> str:
    return f"testbed-{zlib.crc32(owner.encode()):08x}"  # iptables takes 28 characters
