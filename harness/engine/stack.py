"""A target that is up, woven, on this engine: its address, its containers, links and providers, and its end."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import docker
import httpx
import requests
from docker.errors import APIError, DockerException, NotFound

from harness.engine import marks
from harness.engine.cli import ComposeCli, blot_out, last_lines, without_passwords
from harness.engine.container import DockerContainer
from harness.engine.disturbance import Span, disturbances
from harness.engine.host import twin
from harness.engine.link import ProxiedLink
from harness.engine.meter import StackMeters
from harness.engine.moments import EventWatcher
from harness.engine.packets import PacketRules
from harness.engine.pager import PagerControl
from harness.engine.provider import ProviderControl
from harness.engine.proxies import ProxyPlan, Weaving
from harness.engine.service import ComposeService
from harness.engine.settle import settle
from harness.engine.slot import SwarmSlot
from harness.engine.sweep import Log, find_ours, left_over, sweep, unpause
from harness.engine.toxiproxy import ToxiproxyServer
from harness.engine.wide_area import WideArea
from harness.errors import InstrumentError
from harness.faults.base import Container, ServiceHandle
from harness.target import Component, Target

LOOPBACK = "127.0.0.1"

NEWEST = 3
"""How many containers of a service an error message quotes: one that dies over and over leaves many."""


@dataclass(frozen=True)
class Unit:
    """One container of the stack. One that `may_end` is no component and has no policy that restarts it: a job."""

    id: str
    service: str
    container: DockerContainer
    restart_policy: Mapping[str, Any]
    may_end: bool


@dataclass(frozen=True)
class SlotUnit:
    """A slot of a service that an orchestrator keeps filled; `id` is the slot's name."""

    id: str
    service: str
    container: SwarmSlot


@dataclass(frozen=True)
class LogSource:
    """A container that has a log."""

    service: str
    id: str
    name: str


class Stack:
    """Made by a deployer. Every method raises InstrumentError when the engine or the stack does not do its part."""

    def __init__(
        self,
        client: docker.DockerClient,
        target: Target,
        weaving: Weaving,
        campaign: str,
        *,
        cli: ComposeCli,
        files: Sequence[Path],
        text: str = "",
        blotted: Sequence[str] = (),
    ) -> None:
        self._client = client
        self.target = target
        self.weaving = weaving
        self.campaign = campaign
        self._cli = cli
        self._files = files
        self._text = text  # of the file that is not on the disk, if `files` has one
        self._blotted = blotted
        self._watcher = EventWatcher(client, f"{marks.CAMPAIGN}={campaign}")
        self._unlabelled_volumes: set[str] = set()
        self._packets = PacketRules(twin(client), campaign)
        self.fixed_units: tuple[Unit, ...] = ()
        self.servers = {name: ToxiproxyServer(LOOPBACK, port) for name, port in weaving.apis.items()}
        self.links = {plan.link: self._proxied(plan) for plan in weaving.proxies}
        self.doors = {place: f"http://{LOOPBACK}:{port}" for place, port in weaving.doors.items()}
        self.place_links = {
            place: self._proxied(plan) for place, plan in zip(weaving.doors, weaving.place_doors, strict=True)
        }
        between = {plan.proxy.link: self._proxied(plan.proxy) for plan in weaving.wan}
        self.wide_area = WideArea(target.wan, weaving.wan, between)
        self._services: dict[str, ServiceHandle] = {}
        controls = {name: f"http://{LOOPBACK}:{port}" for name, port in weaving.controls.items()}
        self.pagers = {name: PagerControl(name, controls[name]) for name in target.pagers() if name in controls}
        self.providers = {name: ProviderControl(name, url) for name, url in controls.items() if name not in self.pagers}

    def _proxied(self, plan: ProxyPlan) -> ProxiedLink:
        address = (LOOPBACK, plan.host_port)
        return ProxiedLink(plan.link, self.servers[plan.server], address, plan.protocol, plan.host)

    @property
    def project(self) -> str:
        """The Compose project: 'testbed-v1'."""
        return self.weaving.project

    @property
    def base_url(self) -> str:
        """Where users come in."""
        return f"http://{LOOPBACK}:{self.weaving.entry_port}"

    @property
    def units(self) -> tuple[Unit | SlotUnit, ...]:
        """Every container that is part of the measurement, as of now."""
        return self.fixed_units

    def containers(self, component: str) -> list[Container]:
        """The containers of a component; none when a real service stands in for it."""
        return [unit.container for unit in self.fixed_units if unit.service == component]

    def service(self, component: str) -> ServiceHandle | None:
        """A component as something that is deployed; None when a real service stands in for it."""
        if not any(unit.service == component for unit in self.fixed_units):
            return None
        return self._services.setdefault(
            component,
            ComposeService(
                self._client, component, lambda: [unit for unit in self.fixed_units if unit.service == component]
            ),
        )

    def attach(self) -> None:
        """Take note of the containers that Compose created. Called by the deployer, once all of them are."""
        api: Any = self._client.api
        label = [f"{marks.CAMPAIGN}={self.campaign}", f"{marks.PROJECT}={self.project}"]
        units = [self._unit(api.inspect_container(c["Id"])) for c in api.containers(all=True, filters={"label": label})]
        self.fixed_units = tuple(sorted(units, key=lambda unit: unit.container.name))

    def _unit(self, found: Mapping[str, Any]) -> Unit:
        labels: Mapping[str, str] = found["Config"]["Labels"]
        service = labels.get(marks.COMPONENT) or labels[marks.SERVICE]
        name = found["Name"].lstrip("/")
        container = DockerContainer(
            self._client, found["Id"], name, self.part(service), self._watcher, packets=self._packets
        )
        policy = found["HostConfig"]["RestartPolicy"]
        may_end = service not in self.target.components and policy["Name"] in ("", "no", "on-failure")
        # An image may declare volumes of its own: those have no label, and are known only by who mounts them.
        self._unlabelled_volumes |= {m["Name"] for m in found["Mounts"] if m["Type"] == "volume"}
        return Unit(found["Id"], service, container, policy, may_end)

    def part(self, service: str) -> Component:
        """What target.toml says of a service; one that it does not name is for itself."""
        return self.target.components.get(service, Component(name=service, role=service, zone="", region=""))

    def starts(self) -> int:
        """How many starts of its containers the engine has told so far: another number, and somebody is new."""
        return self._watcher.starts()

    def meters(self) -> StackMeters:
        """What its containers use, to be read now and then."""
        return StackMeters(self._client, self)

    def ready(self, timeout_s: float) -> float:
        """Wait until the entry's readiness path answers 2xx, and return how long (s) that took."""
        url = self.base_url + self.target.entry.ready
        started, said = time.monotonic(), "nothing"
        with httpx.Client(trust_env=False, timeout=2.0) as web:  # no proxy of the outside world for loopback
            while (waited := time.monotonic() - started) < timeout_s:
                try:
                    answer = web.get(url)
                    if answer.is_success:
                        return waited
                    said = f"{answer.status_code} {answer.text[:200]}"
                except httpx.HTTPError as error:
                    said = f"{type(error).__name__} {error}".strip()
                time.sleep(0.1)
        tail = self.tail(self.target.entry.component)
        raise InstrumentError(f"{url} was not ready within {timeout_s:g} s; it said {said}.\n{tail}")

    def tail(self, service: str, lines: int = 15) -> str:
        """The last log lines of a service, for an error message; secrets are blotted out."""
        parts = []
        for source in [source for source in self.log_sources() if source.service == service][-NEWEST:]:
            with suppress(DockerException):  # it is gone, and its log with it
                text = self._client.api.logs(source.id, tail=lines).decode(errors="replace").rstrip()
                parts.append(f"The last lines of {source.name}:\n{self._blot_out(text)}")
        return "\n".join(parts)

    def logs(self, folder: Path) -> None:
        """Write one file per service, `<service>.log`, with the engine's time stamps; secrets are blotted out.

        What an earlier stack of the campaign has left there stays above it.

        A line `==> name <==` says from which container those below it come.

        A log that cannot be read says so in its place: the stack must come down whatever its logs are like.
        """
        folder.mkdir(parents=True, exist_ok=True)
        parts: dict[str, list[str]] = {}
        for source in self.log_sources():
            try:
                text = self._client.api.logs(source.id, timestamps=True, tail=50_000).decode(errors="replace")
            except (DockerException, requests.RequestException) as error:
                text = f"The log of {source.name} cannot be read: {error}\n"
            parts.setdefault(source.service, []).append(f"==> {source.name} <==\n{text.rstrip()}\n")
        for service, texts in parts.items():
            with (folder / f"{service}.log").open("a", encoding="utf-8") as file:
                file.write(self._blot_out("".join(texts)))

    def _blot_out(self, text: str) -> str:
        return without_passwords(blot_out(text, self._blotted))

    def log_sources(self) -> list[LogSource]:
        """Every container whose log can be read, oldest first within a service."""
        return [LogSource(unit.service, unit.id, unit.container.name) for unit in self.fixed_units]

    def down(self, log: Log = lambda _: None) -> None:
        """Take everything away, volumes as well, and verify it. May be called twice.

        Raises InstrumentError naming what could not be removed.
        """
        unpause(self._client, find_ours(self._client, self.campaign))
        try:
            done = self._cli.down(self.project, self._files, timeout_s=60, text=self._text)
            if done.returncode != 0:
                log(f"compose down: {last_lines(done.stderr, 2)}")
        except InstrumentError as error:
            log(str(error))
        sweep(self._client, log, self.campaign)  # what Compose left: it gives up at the first thing that it cannot do
        self._watcher.close()
        left = [str(item) for item in left_over(self._client, self.campaign)] + self._volumes_left()
        if left:
            raise InstrumentError(
                f"The stack {self.project} is down but left behind: {', '.join(left)}.", "Run `make recover`."
            )

    def _volumes_left(self) -> list[str]:
        left = []
        for name in sorted(self._unlabelled_volumes):
            try:
                self._client.api.remove_volume(name)
            except NotFound:
                continue
            except APIError:
                left.append(f"volume {name}")
        return left

    def reconnect(self, link: str) -> list[str]:
        """Have the engine connect anew what a link leads to, if it can get that wrong; return what was done."""
        return []

    def settle(self, timeout_s: float = 60.0) -> list[str]:
        """Put everything in order for the next run and return what was not; see `harness.engine.settle`."""
        return settle(self, timeout_s)

    def disturbances(self, since: datetime, spans: Sequence[Span]) -> list[str]:
        """Return who died since `since` without a fault to explain it; see `harness.engine.disturbance`."""
        return disturbances(self, since, spans)
