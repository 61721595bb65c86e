"""Brings a target up under Docker Compose, woven, and hands out the running stack."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.engine import marks
from harness.engine.cli import ComposeCli, last_lines
from harness.engine.deployer import Deployer, PortTaken, is_port_taken, resolve
from harness.engine.project import Project
from harness.engine.settle import healthy
from harness.engine.stack import Stack
from harness.engine.sweep import Log
from harness.engine.weave import Weaving, weave
from harness.errors import InstrumentError
from harness.target import Target


class ComposeDeployer(Deployer):
    """Deploys with Docker Compose."""

    def up(self, target: Target, campaign: str, log: Log) -> Stack:
        """Weave, start, and wait until every container is healthy and every link answers through its Toxiproxy.

        Raises ConfigError for a project that cannot be woven, InstrumentError when it does not come up: nothing of
        it is left then but its logs.
        """
        plain_file = target.folder / target.compose
        cli = self._cli(target)
        plain = cli.project(plain_file)
        variables = cli.variables(plain_file)
        self._refuse_strangers(marks.project_name(target.phase))

        def attempt() -> Stack:
            weaving = self._weave(target, plain, variables, campaign)
            woven_file = self._folder / "woven.yml"
            woven_file.parent.mkdir(parents=True, exist_ok=True)
            woven_file.write_text(weaving.yaml(), encoding="utf-8")
            files, blotted = [plain_file, woven_file], self._blotted(target, variables)
            stack = Stack(self._client, target, weaving, campaign, cli=cli, files=files, blotted=blotted)
            self.or_take_down(stack, lambda: self._start(stack, cli, files), log)
            return stack

        return self._with_free_ports(attempt, log)

    def _weave(self, target: Target, plain: Project, variables: Mapping[str, str], campaign: str) -> Weaving:
        return weave(
            target,
            plain,
            ports=self._ports(),
            env=variables,
            campaign=campaign,
            resolve=resolve,
            places=self._places,
            toxiproxy_image=self._toxiproxy_image,
        )

    def _start(self, stack: Stack, cli: ComposeCli, files: Sequence[Path]) -> None:
        deadline = time.monotonic() + self._start_s
        done = cli.up(stack.project, files, timeout_s=self._start_s)
        stack.attach()
        if done.returncode != 0:
            said = last_lines(done.stderr, 2)
            if is_port_taken(done.stderr):
                raise PortTaken(f"A port that was free a moment ago is not: {said}.")
            tails = [stack.tail(unit.service) for unit in stack.fixed_units if not healthy(unit)]
            raise InstrumentError("\n".join([f"{stack.target.title} did not come up: {said}.", *tails]))
        self._wait_for_containers(stack, deadline)
        self._verify_links(stack, deadline)
