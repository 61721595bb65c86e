"""Brings a target up as a Swarm stack, woven by name, and hands out the running stack."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docker.errors import APIError, ImageNotFound

from harness.engine import marks
from harness.engine.cli import STDIN, ComposeCli, last_lines, run_child
from harness.engine.deployer import STEADY_S, Deployer, PortTaken, is_port_taken, resolve
from harness.engine.disks import make_disks
from harness.engine.project import Project, read_project
from harness.engine.settle import until
from harness.engine.swarm_mode import ensure_swarm
from harness.engine.swarm_service import SwarmService
from harness.engine.swarm_stack import SwarmStack, write_redacted
from harness.engine.swarm_weave import SwarmWeaving, weave_swarm
from harness.engine.sweep import Log, sweep
from harness.errors import InstrumentError
from harness.interruption import shielded
from harness.target import Target

START_S = 150.0
"""How long a stack may take until all its tasks run: a database cluster elects its first primary in it."""


class SwarmDeployer(Deployer):
    """Deploys onto one engine that is, or is made, the manager of a swarm; everything runs on its node.

    Arguments as for `ComposeDeployer`; `about_to_make` is called before a swarm is made.
    """

    default_start_s = START_S

    def up(self, target: Target, campaign: str, log: Log) -> SwarmStack:
        """Weave, start, and wait until every service has all its tasks and every link answers through its Toxiproxy.

        Raises ConfigError for a project that cannot be woven, InstrumentError when it does not come up: nothing of
        it is left then but its logs.
        """
        self._refuse_strangers(marks.project_name(target.phase))
        node = ensure_swarm(self._client, campaign, self._about_to_make)
        try:
            return self._with_free_ports(lambda: self._try(target, campaign, node, log), log)
        except BaseException:
            with shielded():
                sweep(self._client, log, campaign)  # the networks of a stack that could not even be woven; the swarm
            raise

    def _try(self, target: Target, campaign: str, node: str, log: Log) -> SwarmStack:
        plain_file = target.folder / target.compose
        cli = self._cli(target)
        rendered, variables = cli.rendered(plain_file), cli.variables(plain_file)
        plain = read_project(rendered, str(plain_file))
        disks = make_disks(self._client, target, campaign)
        weaving = weave_swarm(
            target,
            rendered,
            plain,
            ports=self._ports(),
            env=variables,
            campaign=campaign,
            resolve=resolve,
            node=node,
            images=self._image_ids(rendered, plain),
            places=self._places,
            toxiproxy_image=self._toxiproxy_image,
            disks=disks,
        )
        blotted = self._blotted(target, variables)
        write_redacted(self._folder, weaving, blotted)
        stack = SwarmStack(self._client, target, weaving, campaign, cli=cli, node=node, blotted=blotted)
        self.or_take_down(stack, lambda: self._start(stack, weaving, cli), log)
        return stack

    def _start(self, stack: SwarmStack, weaving: SwarmWeaving, cli: ComposeCli) -> None:
        deadline = time.monotonic() + self._start_s
        self._make_networks(weaving, stack.campaign)
        with ThreadPoolExecutor(1) as pool:
            beside = pool.submit(cli.up, weaving.project, [STDIN], self._start_s, weaving.yaml())
            self._deploy(weaving)
            done = beside.result()
        stack.attach()
        if done.returncode != 0:
            said = last_lines(done.stderr, 2)
            if is_port_taken(done.stderr):
                raise PortTaken(f"A port that was free a moment ago is not: {said}.")
            raise InstrumentError(f"What stands beside {stack.target.title} did not come up: {said}.")
        self._wait_for_containers(stack, deadline)
        self._wait_for_services(stack, deadline)
        self._verify_links(stack, deadline)
        stack.wide_area.lengthen(deadline)

    def _make_networks(self, weaving: SwarmWeaving, campaign: str) -> None:
        """Overlays to which plain containers can be attached; the deployer of stacks makes only others."""
        api: Any = self._client.api
        for name in weaving.networks.values():
            try:
                api.create_network(name, driver="overlay", attachable=True, labels=marks.labels(campaign))
            except APIError as error:
                raise InstrumentError(f"The network {name} cannot be made: {error.explanation or error}.") from None

    def _deploy(self, weaving: SwarmWeaving) -> None:
        docker_cli = shutil.which("docker")
        if docker_cli is None:
            raise InstrumentError("Stacks are deployed by the Docker client, and there is none.", "Install docker-cli.")
        command = [docker_cli, "stack", "deploy", "--resolve-image", "never", "-c", "-", weaving.project]
        done = run_child(
            "docker stack deploy", command, self._env, self._started, timeout_s=60, text=weaving.stack_yaml()
        )
        if done.returncode != 0:
            raise InstrumentError(f"`docker stack deploy` refused the woven stack: {last_lines(done.stderr, 3)}.")

    def _wait_for_services(self, stack: SwarmStack, deadline: float) -> None:
        missing = list(stack.swarm_services.values())
        since: dict[tuple[str, ...], float] = {}

        def is_up(service: SwarmService) -> bool:
            """Without a health check, a task that cannot start is running for a moment, over and over."""
            if not service.settled():
                return False
            now = time.monotonic()
            return service.job or now - since.setdefault((service.name, *service.instances()), now) >= STEADY_S

        def all_up() -> bool:
            missing[:] = [service for service in missing if not is_up(service)]
            return not missing

        if not until(all_up, deadline, every_s=0.3):
            first = missing[0]
            why, said = first.trouble() or f"{first.name} does not stay up", first.last_words()
            words = f"{why}, within {self._start_s:g} s." + (f" Swarm says: {said}." if said else "")
            raise InstrumentError(f"{words}\n{stack.tail(first.name)}")

    def _image_ids(self, rendered: Mapping[str, Any], plain: Project) -> dict[str, str]:
        """The ids of those images that are here; the others are Swarm's to find."""
        found: dict[str, str] = {}
        for name, data in rendered["services"].items():
            image = str(data.get("image") or f"{plain.name}-{name}")
            if image not in found:
                try:
                    found[image] = str(self._client.images.get(image).id)
                except ImageNotFound:
                    continue
        return found

    def _refuse_strangers(self, project: str) -> None:
        super()._refuse_strangers(project)
        if not (self._client.info().get("Swarm") or {}).get("ControlAvailable"):
            return
        api: Any = self._client.api
        for found in api.services(filters={"label": f"{marks.STACK}={project}"}):
            if (found["Spec"].get("Labels") or {}).get(marks.OWNER) != marks.OURS:
                name = found["Spec"]["Name"]
                raise InstrumentError(f"The stack '{project}' exists and is not ours ({name}).", "Take it down.")
