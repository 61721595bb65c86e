"""The pull route, for real: a registry on loopback (Debian's docker-registry), and our code with TESTBED_REGISTRY set.

Nothing of the official names is touched: the test pulls images of its own under names of its own.
"""

import io
import os
import shutil
import socket
import subprocess
import tarfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import httpx
import pytest

from harness.engine import base_image, images
from harness.engine.host import connect
from harness.errors import HarnessError

REGISTRY = "docker-registry"


def registry_missing_because() -> str:
    """'' when Debian's registry is installed, else how to get it."""
    if shutil.which(REGISTRY):
        return ""
    return "docker-registry is not installed (on Debian: apt-get install --no-install-recommends docker-registry)"


pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(bool(registry_missing_because()), reason=registry_missing_because() or "installed"),
]


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    client = connect()
    yield client
    client.close()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A fresh registry on loopback, named in TESTBED_REGISTRY; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = tmp_path / "registry.yml"
    store = tmp_path / "store"
    config.write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: '{address}'}}\n"
        f"storage: {{filesystem: {{rootdirectory: '{store}'}}}}\n"
    )
    environment = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
    with (tmp_path / "registry.log").open("wb") as log:
        process = subprocess.Popen([REGISTRY, "serve", str(config)], stdout=log, stderr=log, env=environment)
        try:
            deadline = time.monotonic() + 30
            while not _up(address):
                assert process.poll() is None, (tmp_path / "registry.log").read_text()
                assert time.monotonic() < deadline, "the registry does not answer"
                time.sleep(0.1)
            monkeypatch.setenv("TESTBED_REGISTRY", f"{address}/")
            yield address
        finally:
            process.terminate()
            process.wait(timeout=30)


def _up(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/v2/", trust_env=False, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def official(client: docker.DockerClient, registry: str) -> Iterator[tuple[str, str]]:
    """An image that only the registry has: its official name ('scratch-...:1') and its id."""
    name = f"scratch-{uuid.uuid4().hex[:8]}"
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        entry = tarfile.TarInfo("only-here")
        entry.size = len(name)
        archive.addfile(entry, io.BytesIO(name.encode()))
    pushed = f"{registry}/{name}"
    client.api.import_image_from_data(content.getvalue(), repository=pushed, tag="1")
    identity = client.images.get(f"{pushed}:1").id
    for event in client.api.push(pushed, tag="1", stream=True, decode=True):
        assert "error" not in event, event["error"]
    client.api.remove_image(f"{pushed}:1")
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get(identity)
    yield f"{name}:1", identity
    for image in client.images.list():
        if any(name in tag for tag in image.tags) or image.id == identity:
            client.api.remove_image(image.id, force=True)


def test_the_base_is_pulled_from_the_registry_and_gets_its_plain_name(
    client: docker.DockerClient, official: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, identity = official
    monkeypatch.setattr(base_image, "BASE", name)
    assert base_image.base_route(client).kind == "pull"
    lines: list[str] = []
    assert base_image.ensure_base(client, lines.append) == identity
    assert client.images.get(identity).tags == [name]
    assert [line.split()[0] for line in lines] == ["Pulling"]
    assert base_image.base_route(client).kind == "local"


def test_an_official_image_is_pulled_once_and_takes_our_tag(
    client: docker.DockerClient,
    registry: str,
    official: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, identity = official
    part = name.partition(":")[0]
    _part(tmp_path, part)
    monkeypatch.setitem(images.OFFICIAL, part, f"ghcr.io/{name}")
    monkeypatch.setattr(images, "ensure_base", lambda client, log: "sha256:unused")
    assert images.ensure_images(client, [part], lambda line: None, tmp_path) == {part: identity}
    assert set(client.images.get(identity).tags) == {images.tag_of(part), f"ghcr.io/{name}"}
    monkeypatch.setenv("TESTBED_REGISTRY", "127.0.0.1:1")  # from now on, asking a registry would be noticed
    lines: list[str] = []
    assert images.ensure_images(client, [part], lines.append, tmp_path) == {part: identity}
    assert lines == []


def test_what_the_registry_does_not_have_is_built_with_one_sentence_about_it(
    client: docker.DockerClient, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = f"scratch-{uuid.uuid4().hex[:8]}"
    _part(tmp_path, part)
    monkeypatch.setitem(images.OFFICIAL, part, f"ghcr.io/{part}:1")
    monkeypatch.setattr(images, "ensure_base", lambda client, log: "sha256:unused")
    lines: list[str] = []
    built = images.ensure_images(client, [part], lines.append, tmp_path)
    try:
        assert len([line for line in lines if "failed" in line and "Building" in line]) == 1
        assert client.images.get(built[part]).tags == [images.tag_of(part)]
    finally:
        client.api.remove_image(built[part])


def test_a_base_that_the_registry_does_not_have_is_made_instead(
    client: docker.DockerClient, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base_image, "BASE", f"scratch-{uuid.uuid4().hex[:8]}:1")
    made: list[str] = []
    monkeypatch.setattr(base_image, "build_base", lambda client, log: made.append("made") or "sha256:made")
    monkeypatch.setattr(base_image, "why_not_debootstrap", lambda: "")
    lines: list[str] = []
    assert base_image.ensure_base(client, lines.append) == "sha256:made"
    assert made == ["made"]
    assert "Making the image with debootstrap instead." in lines[1]
    monkeypatch.setattr(base_image, "why_not_debootstrap", lambda: "debootstrap needs root")
    with pytest.raises(HarnessError, match=r"failed.*debootstrap needs root"):
        base_image.ensure_base(client, lines.append)


def _part(root: Path, part: str) -> None:
    """A repository with one part that can be built from nothing."""
    folder = root / "targets" / "parts" / part
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(
        f"FROM scratch\nLABEL testbed.part={part}\nCOPY targets/parts/{part}/file /file\n"
    )
    (folder / "file").write_text(part)
