"""Plain containers on a network of their own, for tests of single images."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.models.containers import Container
from docker.models.volumes import Volume

from harness.engine.host import connect
from harness.engine.images import ensure_images

FAKE_APP = Path(__file__).with_name("fake_app.py").read_text(encoding="utf-8")


class Bench:
    """Starts containers that know each other by name; `close` removes everything."""

    def __init__(self, client: docker.DockerClient, images: dict[str, str]) -> None:
        self.client = client
        self._images = images  # ids, so that a build in the middle of a test changes nothing
        self.name = f"dev-edge-{uuid.uuid4().hex[:8]}"
        self._network = client.networks.create(self.name)
        self._started: list[Container] = []
        self._volumes: list[Volume] = []
        self._numbers = itertools.count(1)

    def start(self, part: str, name: str, port: int, **options: object) -> Container:
        """Start a container of `part` that the others find as `name`; its `port` is published on loopback."""
        endpoint = self.client.api.create_endpoint_config(aliases=[name])
        container = self.client.containers.run(
            self._images[part], detach=True, init=True, name=f"{self.name}-{name}-{next(self._numbers)}", hostname=name,
            network=self._network.name, networking_config={self._network.name: endpoint},
            ports={f"{port}/tcp": ("127.0.0.1", None)}, **options,
        )  # fmt: skip
        self._started.append(container)
        return container

    def volume(self, name: str) -> str:
        """Make a volume that outlives the containers; return its full name."""
        self._volumes.append(self.client.volumes.create(f"{self.name}-{name}"))
        return str(self._volumes[-1].name)

    def fake_app(self, name: str, port: int = 8000) -> Container:
        """Start a FakeApp under that name."""
        environment = {"NAME": name, "PORT": str(port)}
        # docker-init and Python alone: the health check of the image is about another program.
        return self.start(
            "provider-sim", name, port, entrypoint=["python3", "-c", FAKE_APP], environment=environment,
            healthcheck={"test": ["NONE"]},
        )  # fmt: skip

    def address(self, container: Container, port: int) -> str:
        """Where this process reaches a container: host:port on loopback."""
        container.reload()
        published = container.attrs["NetworkSettings"]["Ports"][f"{port}/tcp"][0]
        return f"127.0.0.1:{published['HostPort']}"

    def remove(self, container: Container) -> None:
        """Remove one container at once, as if its machine were gone."""
        self._started.remove(container)
        container.remove(force=True, v=True)

    def close(self) -> None:
        """Remove every container, every volume and the network."""
        for container in self._started:
            container.remove(force=True, v=True)
        for volume in self._volumes:
            volume.remove(force=True)
        self._network.remove()


@contextmanager
def bench(*parts: str) -> Iterator[Bench]:
    """A Bench whose images exist, removed at the end."""
    client = connect(timeout_s=120)
    made = Bench(client, ensure_images(client, parts, lambda _: None))
    try:
        yield made
    finally:
        made.close()
        client.close()


def wait_until(what: str, true: Callable[[], bool], timeout_s: float = 10.0) -> float:
    """Poll every 50 ms until `true()`; return the seconds it took. Fails the test after `timeout_s`."""
    started = time.monotonic()
    while not true():
        assert time.monotonic() - started < timeout_s, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - started
