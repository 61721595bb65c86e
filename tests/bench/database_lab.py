"""The database of v2 in plain containers: two Patroni nodes, three etcd, clients that write all the time."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import NotFound
from docker.models.containers import Container

from harness.engine.images import ensure_images, tag_of

NODES = ("database-a", "database-b")
MEMBERS = ("etcd-a", "etcd-b", "etcd-w")
DATA = {"database": "/var/lib/postgresql/data", "etcd": "/var/lib/etcd/data"}
WRITER = Path(__file__).with_name("database_writer.py")

BOTH = (
    "postgresql://chat:made-up@database-a:5432,database-b:5432/chat?target_session_attrs=read-write&connect_timeout=2"
)
"""libpq's multi-host URL: the client tries one node after the other until one lets it write."""

THROUGH_HAPROXY = "postgresql://chat:made-up@proxy:5432/chat?connect_timeout=2"

HAPROXY = """
global
  nbthread 1
resolvers docker
  nameserver dns 127.0.0.11:53
  resolve_retries 3
  timeout resolve 1s
  timeout retry 500ms
  hold valid 1s
defaults
  mode tcp
  timeout connect 1s
  timeout client 1h
  timeout server 1h
  timeout check 1s
frontend write
  bind :5432
  default_backend primary
backend primary
  option httpchk GET /primary
  http-check expect status 200
  default-server check port 8008 inter 1s fall 2 rise 1 on-marked-down shutdown-sessions resolvers docker init-addr none
  server database-a database-a:5432
  server database-b database-b:5432
"""


@dataclass(frozen=True)
class Write:
    """One attempt of a writer: row number, start and end (s since the epoch), whether COMMIT was answered, why not."""

    n: int
    began: float
    ended: float
    ok: bool
    why: str


def wait_until(what: str, true: Callable[[], bool], timeout_s: float = 90.0, every_s: float = 0.25) -> None:
    """Ask until the answer is yes. Raises TimeoutError with `what`."""
    deadline = time.monotonic() + timeout_s
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout_s} s: {what}")
        time.sleep(every_s)


class DatabaseLab:
    """Everything is named `<prefix>-...`, and gone after `remove`. `environment` is added to that of all `nodes`."""

    def __init__(
        self,
        client: docker.DockerClient,
        prefix: str = "dev-database",
        environment: Mapping[str, str] | None = None,
        nodes: Sequence[str] = NODES,
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._environment = dict(environment or {})
        self.nodes = tuple(nodes)
        self._containers: dict[str, Container] = {}
        self._network: Any = None

    def build(self, *parts: str) -> None:
        """Make sure that these images are there."""
        ensure_images(self._client, parts, lambda _: None)

    def start(self) -> None:
        """Start them all, in no particular order. Volumes are made by the engine."""
        self._network = self._client.networks.create(f"{self._prefix}-net")
        for name in (*self.nodes, *MEMBERS):
            self.place(name)

    def place(self, name: str) -> None:
        """Start a container of `name`; one that was there is replaced, its volume stays, its address may change."""
        if name in self._containers:
            self._containers.pop(name).remove(force=True)
        kind = name.partition("-")[0]
        if kind == "etcd":
            part, environment = "etcd", {"ETCD_NAME": name}
        else:
            part = "patroni"
            environment = {"PATRONI_NAME": name, "POSTGRES_PASSWORD": "made-up", **self._environment}
        volume = {f"{self._prefix}-{name}": {"bind": DATA[kind], "mode": "rw"}}
        self._run(name, [name, f"{name}-peer"], tag_of(part), environment=environment, volumes=volume)

    def place_haproxy(self) -> None:
        """Start HAProxy as `proxy`: port 5432 leads to whichever node says on its REST API that it is the primary."""
        script = ["-c", 'printf "%s" "$CONFIG" > /run/lb/database.cfg && exec haproxy -db -f /run/lb/database.cfg']
        self._run("proxy", ["proxy"], tag_of("lb"), entrypoint=["sh"], command=script, environment={"CONFIG": HAPROXY})

    def place_writer(self, name: str, url: str) -> None:
        """Start a client that writes a row every 0.1 s to the database at `url`."""
        command = ["-u", "-c", WRITER.read_text(encoding="utf-8"), url, name]
        self._run(name, [name], tag_of("app"), entrypoint=["python"], command=command)

    def _run(self, name: str, aliases: list[str], image: str, **options: Any) -> None:
        network = self._network.name
        endpoint = {network: self._client.api.create_endpoint_config(aliases=aliases)}
        self._containers[name] = self._client.containers.run(
            image,
            name=f"{self._prefix}-{name}",
            detach=True,
            init=True,
            network=network,
            networking_config=endpoint,
            **options,
        )

    def container(self, name: str) -> Container:
        """Return the container that is `name` now."""
        return self._containers[name]

    def logs(self, name: str) -> bytes:
        """Return what the container that is `name` now has printed."""
        return bytes(self._containers[name].logs()) if name in self._containers else b""

    def crash(self, name: str) -> None:
        """End every process in it with SIGKILL, docker-init excepted, as the harness does."""
        self._containers[name].exec_run(["sh", "-c", "kill -9 -1"], user="root")

    def sql(self, name: str, statement: str) -> str:
        """Return what psql prints for a statement, as the application's user, inside the node. Raises RuntimeError."""
        code, output = self._containers[name].exec_run(["psql", "-U", "chat", "-d", "chat", "-qtAc", statement])
        if code != 0:
            raise RuntimeError(output.decode())
        return output.decode().strip()

    def address(self, name: str) -> str:
        """Return the IPv4 address of a container on the lab's network; '' while it does not run."""
        container = self._containers[name]
        container.reload()
        return str(container.attrs["NetworkSettings"]["Networks"][self._network.name]["IPAddress"])

    def _get(self, name: str, path: str) -> tuple[int, bytes]:
        """Ask the REST API of a node; (0, b'') when it does not answer within 1 s."""
        address = self.address(name)
        if not address:
            return 0, b""
        try:
            with urllib.request.urlopen(f"http://{address}:8008{path}", timeout=1) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, b""
        except OSError:
            return 0, b""

    def is_primary(self, name: str) -> bool:
        """Whether the node says so."""
        return self._get(name, "/primary")[0] == 200

    def primary(self) -> str:
        """Return the node that says that it is the primary, '' when none does."""
        return next((name for name in self.nodes if self.is_primary(name)), "")

    def settled(self) -> bool:
        """Whether there is one primary, and all others stream from it synchronously."""
        for name in self.nodes:
            status, body = self._get(name, "/cluster")
            if status == 200:
                members = json.loads(body)["members"]
                roles = sorted((each["role"].replace("quorum_", "sync_"), each["state"]) for each in members)
                return roles == [("leader", "running")] + [("sync_standby", "streaming")] * (len(self.nodes) - 1)
        return False

    def writes(self, writer: str) -> list[Write]:
        """Return every attempt of a writer that has ended so far."""
        lines = self._containers[writer].logs(stderr=False).decode().splitlines()
        return [Write(**json.loads(line)) for line in lines if line.startswith("{")]

    def rows(self, writer: str) -> set[int]:
        """Return the numbers of the rows of a writer that the primary has."""
        statement = f"select n from acknowledged where writer = '{writer}'"
        return {int(line) for line in self.sql(self.primary(), statement).split()}

    def cpu(self) -> dict[str, float]:
        """Return the CPU time that each of them has used since it started, in s."""
        return {name: self._cpu(self._containers[name]) for name in (*self.nodes, *MEMBERS)}

    def _cpu(self, container: Container) -> float:
        return float(container.stats(stream=False, one_shot=True)["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9

    def remove(self) -> None:
        """Remove all containers, volumes and the network, also what an earlier lab of that prefix left behind."""
        left = self._client.containers.list(all=True, filters={"name": f"^/?{self._prefix}-"})
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda container: container.remove(force=True, v=True), left))
        for name in self._volumes():
            self._client.volumes.get(name).remove(force=True)
        with suppress(NotFound):
            self._client.networks.get(f"{self._prefix}-net").remove()
        self._containers.clear()

    def _volumes(self) -> Iterator[str]:
        for volume in self._client.volumes.list(filters={"name": self._prefix}):
            if str(volume.name).startswith(f"{self._prefix}-"):
                yield str(volume.name)
