"""Gateways to the document store in containers of their own, on this machine's loopback."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import Self

import docker
from docker.errors import DockerException, ImageNotFound

from tests.contract.chat.local_servers import free_port

IMAGE = "testbed/documents:latest"
START_S = 60.0  # generous: the machine may be busy


def engine_missing_because() -> str:
    """'' when gateways can be started, otherwise the reason."""
    try:
        client = docker.from_env(timeout=10)
        try:
            client.images.get(IMAGE)
        finally:
            client.close()
    except ImageNotFound:
        return f"there is no image {IMAGE} (harness setup makes it)"
    except (DockerException, OSError) as error:
        return f"no Docker engine: {str(error)[:100]}"
    return ""


class Gateway:
    """One FerretDB, before the PostgreSQL servers of `url` (all on loopback). It keeps nothing but its ports."""

    def __init__(self, url: str) -> None:
        self.port, self.health_port = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self._client = docker.from_env(timeout=60)
        self._container = self._client.containers.create(
            IMAGE,
            network_mode="host",
            init=True,
            labels={"testbed.test": "contract"},
            environment={
                "POSTGRES_URL": url,
                "DOCUMENTS_LISTEN": self.address,
                "HEALTH_LISTEN": f"127.0.0.1:{self.health_port}",
            },
        )

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def start(self, *, wait: bool = True) -> None:
        self._container.start()
        deadline = time.monotonic() + START_S
        while wait and self.ask("ready")[0] != 200:
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def kill(self) -> None:
        self._container.kill()
        self._container.wait(timeout=10)

    def stop(self) -> int:
        """Stop it gracefully; return its exit code."""
        self._container.stop(timeout=20)
        return int(self._container.wait(timeout=10)["StatusCode"])

    def pause(self) -> None:
        self._container.pause()

    def unpause(self) -> None:
        self._container.unpause()

    def ask(self, what: str) -> tuple[int, str]:
        """Return the status and the body of /live, /ready or /metrics; status 0 when nothing answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.health_port}/{what}", timeout=3) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metric(self, name: str) -> float:
        """Return the value of a metric without labels."""
        for line in self.ask("metrics")[1].splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        raise AssertionError(f"there is no metric {name}")

    def log(self) -> str:
        return str(self._container.logs(tail=40).decode())

    def remove(self) -> None:
        self._container.remove(force=True, v=True)
        self._client.close()
