"""`monitoring`: the laboratory of docker-compose.yml (Prometheus, Grafana, pages) beside whatever the harness does.

It belongs to its user (`marks.USERS`), as what `run` starts does: no campaign, no audit and no `recover` touches it,
and it needs no lock, because it shares nothing with a target but the engine.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Annotated

import docker
import typer

from harness.engine import marks
from harness.engine.host import compose_command, connect
from harness.engine.images import REPOSITORY, ensure_images, find_image
from harness.engine.install import ensure_engine
from harness.engine.ports import can_bind
from harness.engine.registry import pull, source_of, why_silent
from harness.engine.sweep import find_ours
from harness.errors import HarnessError, InstrumentError
from harness.observe import laboratory
from harness.observe.command import DATA, RESULTS, data_directory

CAMPAIGN = f"{marks.RUN}laboratory"
"""What its containers are labelled with in docker-compose.yml."""

FILE = REPOSITORY / "docker-compose.yml"
GRAFANA_IMAGE = "grafana/grafana-oss:11.6.0"
USER, RESULTS_NAME = "TESTBED_USER", "TESTBED_RESULTS"
PORTS = {"prometheus": 9090, "grafana": 3000, "pages": 8080}
READY_S = 90.0
Say = Callable[[str], None]


def register(app: typer.Typer, say: Say) -> None:
    """Add `monitoring` to the command line; `say` prints one line."""

    @app.command()
    def monitoring(
        down: Annotated[
            bool, typer.Option("--down", help="Stop it and remove it; what it has recorded stays.")
        ] = False,
    ) -> None:
        """Start the laboratory on this machine: Prometheus, Grafana with its dashboards, pages (docs/laboratory.md)."""
        if down:
            remove(say)
        else:
            with closing(ensure_engine(say)) as client:
                start(client, say)


def start(client: docker.DockerClient, say: Say) -> None:
    """Bring the laboratory up and wait until it answers; what is up already stays, or is made anew if it changed.

    Raises HarnessError when a port is taken or an image cannot be made, InstrumentError when it does not come up.
    """
    ensure_images(client, ["monitoring", "pages"], say)
    services = ["prometheus", "pages", *(["grafana"] if _has_grafana(client, say) else [])]
    _free_ports(client, services)
    data, results = data_directory().resolve(), RESULTS.resolve()
    for folder, name in ((results, RESULTS_NAME), (data, DATA)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HarnessError(f"{folder}: cannot be made: {error.strerror}.", f"Name another with {name}=.") from None
    settings = {DATA: str(data), RESULTS_NAME: str(results), USER: f"{os.getuid()}:{os.getgid()}"}
    compose(["up", "-d", "--no-build", "--pull", "never", *services], settings)
    answers = {
        "prometheus": laboratory.prometheus_is_up,
        "grafana": laboratory.grafana_is_up,
        "pages": laboratory.pages_are_up,
    }
    for service in services:
        _wait(service, answers[service])
    if "grafana" in services:
        say(f"Grafana:    {laboratory.GRAFANA} (anybody on this machine may look; admin may change)")
    say(f"Prometheus: {laboratory.PROMETHEUS} (samples in {data})")
    say(f"Pages:      {laboratory.PAGES} (campaigns in {results}), {laboratory.PAGES}/v1/chat/arquitetura")
    say("`make experiment` is watched live; `make observe` adds old campaigns; `make monitoring-down` removes it all.")


def remove(say: Say) -> None:
    """Stop the laboratory and remove its containers. Samples and annotations stay. Raises InstrumentError."""
    with closing(connect()) as client:
        compose(["down", "--remove-orphans", "-t", "10"], {})
        left = [item for item in find_ours(client, CAMPAIGN) if item.kind != "volume"]
    if left:
        raise InstrumentError(f"Still there: {', '.join(map(str, left))}.", "See what uses it, then try again.")
    say(f"The laboratory is down. Its samples stay in {data_directory()}.")


def compose(arguments: Sequence[str], settings: dict[str, str]) -> None:
    """Call Compose for docker-compose.yml; its words go to the terminal. Raises InstrumentError when it fails."""
    command = [*compose_command(), "-f", str(FILE), *arguments]
    code = subprocess.call(command, env={**os.environ, **settings})
    if code != 0:
        raise InstrumentError(f"Compose ended with {code}.", "Its own words are above.")


def _has_grafana(client: docker.DockerClient, say: Say) -> bool:
    """Whether its image is there, or can be had. Says in one sentence why not."""
    if find_image(client, GRAFANA_IMAGE) is not None:
        return True
    why = why_silent(source_of(GRAFANA_IMAGE).registry)
    if not why:
        say(f"Pulling {source_of(GRAFANA_IMAGE).reference}.")
        try:
            pull(client, GRAFANA_IMAGE, GRAFANA_IMAGE)
        except HarnessError as error:
            why = str(error).rstrip(".")
    if why:
        say(f"Grafana is left out, because {GRAFANA_IMAGE} cannot be pulled ({why}); the rest works without it.")
    return not why


def _free_ports(client: docker.DockerClient, services: Sequence[str]) -> None:
    """Raise HarnessError where somebody else listens; what is up already listens itself."""
    if any(item.kind == "container" and item.state == "running" for item in find_ours(client, CAMPAIGN)):
        return
    for service in services:
        if not can_bind(PORTS[service]):
            problem = f"Port {PORTS[service]} of 127.0.0.1 is taken, and the laboratory's {service} needs it."
            raise HarnessError(
                problem, "Stop what listens there (a Prometheus of this machine's own?), then try again."
            )


def _wait(service: str, answers: Callable[[], bool]) -> None:
    give_up = time.monotonic() + READY_S
    while not answers():
        if time.monotonic() > give_up:
            problem = f"The laboratory's {service} does not answer on port {PORTS[service]}."
            raise InstrumentError(problem, f"Read `docker compose logs {service}`.")
        time.sleep(0.5)
