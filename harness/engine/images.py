"""The images of a target: built from `targets/parts/<name>/Dockerfile`, and only when what goes into them changed."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.images import Image

from harness.engine.base_image import BASE, ensure_base, host_ca_bundle
from harness.engine.context import Context, read_context
from harness.engine.registry import pull, source_of, why_silent
from harness.errors import HarnessError, did_you_mean

Log = Callable[[str], None]

REPOSITORY = Path(__file__).resolve().parents[2]
INPUTS_LABEL = "testbed.inputs"
PART_LABEL = "testbed.part"
OFFICIAL = {"toxiproxy": "ghcr.io/shopify/toxiproxy:2.12.0"}
"""Images that are pulled where their registry answers, and built by us only where it does not."""

STEP_TIMEOUT_S = 900.0
"""How long a build may say nothing: unpacking a compiler is silent for minutes on a slow disk."""


def tag_of(part: str) -> str:
    """Return the image name of a part, as the Compose files have it."""
    return f"testbed/{part}:latest"


def known_parts(root: Path = REPOSITORY) -> list[str]:
    """Return the names that `ensure_images` takes: folders of targets/parts with a Dockerfile."""
    return sorted(path.parent.name for path in (root / "targets" / "parts").glob("*/Dockerfile"))


def ensure_images(
    client: docker.DockerClient, names: Iterable[str], log: Log, root: Path = REPOSITORY
) -> dict[str, str]:
    """Make sure that the engine has an up-to-date image of each named part; return image ids by name.

    An image is rebuilt when its Dockerfile, a file that it copies, the base image or the host's CA bundle changed, and
    the image before it is then removed. Raises HarnessError: an unknown name, no base image, a failed build (with its
    last lines).
    """
    wanted = list(dict.fromkeys(names))
    known = known_parts(root)
    for name in wanted:
        if name not in known:
            raise HarnessError(f"There is no image '{name}' in targets/parts.", did_you_mean(name, known))
    base = ensure_base(client, log)
    ca_bundle = host_ca_bundle()
    return {name: _ensure(client, name, read_context(root, name, ca_bundle), base, log) for name in wanted}


def _ensure(client: docker.DockerClient, part: str, context: Context, base: str, log: Log) -> str:
    inputs = context.fingerprint(base=base)
    current = find_image(client, tag_of(part))
    if current is not None and current.labels.get(INPUTS_LABEL) == inputs:
        return str(current.id)
    if part in OFFICIAL:
        pulled = _official(client, part, log)
        if pulled is not None:
            return pulled
    started = time.monotonic()
    log(f"Building {tag_of(part)} ({'it is not there yet' if current is None else 'its inputs changed'}).")
    steps = build(client, part, context, {INPUTS_LABEL: inputs}, log)
    built = client.images.get(tag_of(part))
    sweep(client, part, keep=steps)
    log(f"Built {tag_of(part)} in {time.monotonic() - started:.0f} s.")
    return str(built.id)


def find_image(client: docker.DockerClient, tag: str) -> Image | None:
    """Return the image with that tag, None when the engine has none."""
    try:
        return client.images.get(tag)
    except ImageNotFound:
        return None


def _official(client: docker.DockerClient, part: str, log: Log) -> str | None:
    """The id of the official image under our tag: the local one, or a pulled one; None when it must be built."""
    official, tag = OFFICIAL[part], tag_of(part)
    local = find_image(client, official)
    if local is not None:
        if tag not in local.tags:
            local.tag(*tag.split(":"))
        return str(local.id)
    source = source_of(official)
    silent = why_silent(source.registry)
    if silent:
        log(f"{silent}: {part} is built here from its source.")
        return None
    try:
        log(f"Pulling {source.reference}.")
        pull(client, official, official)
    except HarnessError as error:
        log(f"{error} Building {part} from its source instead.")
        return None
    return _official(client, part, log)


def build(client: docker.DockerClient, part: str, context: Context, labels: dict[str, str], log: Log) -> set[str]:
    """Build the image of `part` under its tag; return the ids (12 digits) of the image of every step.

    Uses the engine's own builder by its API: it needs no client program, and works where buildx is missing.
    Raises HarnessError with the last lines that the build printed.
    """
    tail: deque[str] = deque(maxlen=25)
    steps: set[str] = set()
    step = ""
    try:
        events = client.api.build(
            fileobj=context.tar(), custom_context=True, dockerfile=context.dockerfile, tag=tag_of(part), rm=True,
            forcerm=True, decode=True, labels=labels, buildargs={"BASE": BASE}, timeout=round(STEP_TIMEOUT_S),
        )  # fmt: skip
        for event in events:
            text = str(event.get("stream", "")).rstrip()
            steps.update(re.findall(r"^ ---> ([0-9a-f]{12})", text, re.MULTILINE))
            tail.extend(line for line in text.splitlines() if line.strip())
            step = text if text.startswith("Step ") else step
            if text.startswith(" ---> Running in") and " : RUN " in step:  # it takes time
                log(f"  {part}: {step[:100]}")
            if "error" in event:
                raise _failed(part, str(event["error"]), tail)
    except (DockerException, OSError) as error:
        raise _failed(part, str(error), tail) from None
    return steps


def _failed(part: str, reason: str, tail: Iterable[str]) -> HarnessError:
    lines = "\n".join(f"    {line}" for line in tail)
    return HarnessError(
        f"The image {tag_of(part)} could not be built: {reason.strip()}\n{lines}\n",
        f"Correct targets/parts/{part}/Dockerfile, or see whether Debian, PyPI and the Go module proxy can be reached.",
    )


def sweep(client: docker.DockerClient, part: str, keep: Iterable[str]) -> list[str]:
    """Remove images of `part` that lost their tag and are not among `keep` (12 digits); return the ids removed.

    `keep` are the steps of the build that just ended: its inner stages have no tag and are the cache of the next build.
    An image that a container uses stays, and goes at the next sweep.
    """
    removed = []
    kept = set(keep)
    filters = {"dangling": True, "label": f"{PART_LABEL}={part}"}
    for image in client.images.list(filters=filters):
        identity = str(image.id)
        digits = identity.removeprefix("sha256:")
        if digits[:12] in kept:
            continue
        try:
            client.api.remove_image(identity)
        except APIError as error:
            if error.status_code not in {404, 409}:  # gone already, or in use
                raise
        else:
            removed.append(digits)
    return removed
