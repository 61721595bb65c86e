"""The base image that we make ourselves reaches the engine: the step between debootstrap and the first build."""

import io
import tarfile
import uuid
from pathlib import Path

import pytest

from harness.engine import base_image
from harness.engine.host import connect

pytestmark = pytest.mark.engine


def test_a_file_system_in_an_archive_becomes_an_image(tmp_path: Path) -> None:
    content, archive = b"x" * 3_000_000, tmp_path / "root.tar"  # more than one packet, as a real one is
    with tarfile.open(archive, "w") as tar:
        file = tarfile.TarInfo("etc/testbed")
        file.size = len(content)
        tar.addfile(file, io.BytesIO(content))
    tag = f"testbed-import:{uuid.uuid4().hex[:8]}"
    client = connect()
    try:
        image = base_image._import(client, archive, tag)
        found = client.images.get(tag)
        assert found.id == image
        assert found.labels == {"testbed.base": "debootstrap"}
        assert found.attrs["Size"] >= len(content)
    finally:
        client.images.remove(tag, force=True)
        client.close()
