"""Container registries: does one answer, and pulling from it, with an optional mirror in front."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass

import docker
import httpx
from docker.errors import APIError, DockerException

from harness.errors import HarnessError

DOCKER_HUB = "registry-1.docker.io"
MIRROR_VARIABLE = "TESTBED_REGISTRY"
"""Environment variable with a registry (and path) to pull from instead: '127.0.0.1:5000/', 'mirror.example/hub'."""


@dataclass(frozen=True)
class Source:
    """Where an official image is pulled from: `registry` is a host, `reference` what the engine is asked for."""

    registry: str
    reference: str


def source_of(image: str) -> Source:
    """Return where to pull `image` ('debian:trixie-slim', 'ghcr.io/shopify/toxiproxy:2.12.0') from.

    With TESTBED_REGISTRY set, its value takes the place of the image's registry: 'mirror/debian:trixie-slim',
    'mirror/shopify/toxiproxy:2.12.0'.
    """
    first, _, rest = image.partition("/")
    named = bool(rest) and ("." in first or ":" in first or first == "localhost")
    mirror = os.environ.get(MIRROR_VARIABLE, "").strip().removeprefix("https://").removeprefix("http://").strip("/")
    if mirror:
        return Source(mirror.partition("/")[0], f"{mirror}/{rest if named else image}")
    return Source(first if named else DOCKER_HUB, image)


def why_silent(registry: str, timeout_s: float = 3.0) -> str:
    """Ask `registry` for its API; return '' when it answers, else the reason in a few words.

    200 and 401 are answers. The whole question takes `timeout_s`, name resolution included, which no HTTP client
    bounds: it runs in a thread that is left behind when it does not come back.
    """
    result: list[str] = []
    thread = threading.Thread(target=lambda: result.append(_ask(registry, timeout_s)), daemon=True)
    thread.start()
    thread.join(timeout_s)
    return result[0] if result else f"{registry} did not answer within {timeout_s:g} s"


def _ask(registry: str, timeout_s: float) -> str:
    # The engine, too, speaks plain HTTP to a registry on loopback.
    scheme = "http" if _loopback(registry) else "https"
    try:
        # A proxy from the environment is never meant for loopback.
        status = httpx.get(f"{scheme}://{registry}/v2/", timeout=timeout_s, trust_env=scheme == "https").status_code
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return f"{registry} does not answer ({error or type(error).__name__})"
    return "" if status in {200, 401} else f"{registry} answers with status {status}"


def _loopback(registry: str) -> bool:
    host = registry.rpartition(":")[0] if registry.count(":") == 1 else registry
    return host == "localhost" or host.startswith(("127.", "[::1]"))


def pull(client: docker.DockerClient, image: str, tag: str) -> str:
    """Pull `image` from its source, name it `tag`, and return the image's id.

    A name that only says which mirror it came from is removed again. Raises HarnessError with the engine's reason.
    """
    source = source_of(image)
    repository, _, version = source.reference.rpartition(":")
    try:
        for event in client.api.pull(repository, tag=version, stream=True, decode=True):
            if "error" in event:
                raise HarnessError(f"Pulling {source.reference} failed: {event['error']}.")
        found = client.images.get(source.reference)
        name, _, tag_version = tag.rpartition(":")
        if tag != source.reference:
            found.tag(name, tag=tag_version)
            client.api.remove_image(source.reference, noprune=True)
    except APIError as error:
        raise HarnessError(f"Pulling {source.reference} failed: {error.explanation}.") from None
    except (DockerException, OSError) as error:
        raise HarnessError(f"Pulling {source.reference} failed: {error}.") from None
    return str(found.id)
