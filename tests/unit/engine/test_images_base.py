"""The base image: which way it comes, and what is taken out of a fresh Debian."""

from pathlib import Path

import pytest

from harness.engine import base_image
from harness.engine.base_image import BASE, Route, base_route, ensure_base, host_ca_bundle, slim
from harness.errors import HarnessError


class Engine:
    """Has the base image, or not."""

    def __init__(self, base: str | None) -> None:
        self.images = self
        self.base = base

    def get(self, name: str) -> object:
        assert name == BASE
        if self.base is None:
            raise base_image.ImageNotFound("no such image")
        return type("Image", (), {"id": self.base})()


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What stands in the way of asking the registry and of debootstrap; '' is nothing."""
    ways = {"registry": "", "debootstrap": ""}
    monkeypatch.setattr(base_image, "why_silent", lambda registry: ways["registry"])
    monkeypatch.setattr(base_image, "why_not_debootstrap", lambda: ways["debootstrap"])
    return ways


def test_what_the_engine_has_is_used_without_asking_anyone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_image, "why_silent", lambda registry: pytest.fail("a registry was asked"))
    assert ensure_base(Engine("sha256:1"), pytest.fail) == "sha256:1"


@pytest.mark.parametrize(
    ("registry", "debootstrap", "route"),
    [
        ("", "", Route("pull", "registry-1.docker.io answers")),
        ("", "no root", Route("pull", "registry-1.docker.io answers")),
        ("no answer", "", Route("build", "no answer")),
        ("no answer", "no root", Route("none", "no answer, and no root")),
    ],
)
def test_the_route_is_decided_and_explained(
    ways: dict[str, str], monkeypatch: pytest.MonkeyPatch, registry: str, debootstrap: str, route: Route
) -> None:
    monkeypatch.delenv("TESTBED_REGISTRY", raising=False)
    ways.update(registry=registry, debootstrap=debootstrap)
    assert base_route(Engine(None)) == route
    assert base_route(None) == route


def test_no_way_at_all_is_an_error_with_a_remedy(ways: dict[str, str]) -> None:
    ways.update(registry="no answer", debootstrap="debootstrap needs root")
    with pytest.raises(HarnessError, match=r"cannot be had: no answer, and debootstrap needs root\. Connect"):
        ensure_base(Engine(None), lambda line: None)


def test_without_a_registry_it_is_made(ways: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    ways.update(registry="hub does not answer")
    monkeypatch.setattr(base_image, "build_base", lambda client, log: "sha256:made")
    lines: list[str] = []
    assert ensure_base(Engine(None), lines.append) == "sha256:made"
    assert lines == [f"Making {BASE} with debootstrap (hub does not answer)."]


def test_debootstrap_that_fails_says_its_last_lines(
    ways: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "debootstrap"
    script.write_text("#!/bin/sh\necho 'I: Retrieving'\necho 'E: Failed getting release file'\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    ways.update(registry="hub does not answer")
    with pytest.raises(HarnessError, match=r"debootstrap failed: .*E: Failed getting release file.*by hand to see why"):
        ensure_base(Engine(None), lambda line: None)


def test_slimming_takes_lists_and_documents_and_leaves_the_rest(tmp_path: Path) -> None:
    kept = ["usr/bin/tool", "usr/share/zoneinfo/UTC", "etc/debian_version"]
    gone = [
        "var/lib/apt/lists/packages",
        "var/cache/apt/archives/a.deb",
        "usr/share/doc/a/changelog.gz",
        "usr/share/locale/pt/LC_MESSAGES/a.mo",
        "var/log/dpkg.log",
    ]
    for name in kept + gone:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    slim(tmp_path, b"PEM")
    assert [name for name in kept if not (tmp_path / name).exists()] == []
    assert [name for name in gone if (tmp_path / name).exists()] == []
    assert (tmp_path / "usr/local/share/ca-certificates/host-ca.crt").read_bytes() == b"PEM"
    assert (tmp_path / "usr/sbin/policy-rc.d").stat().st_mode & 0o111


def test_without_a_ca_bundle_none_is_put_in(tmp_path: Path) -> None:
    slim(tmp_path, None)
    assert not (tmp_path / "usr/local").exists()


def test_the_ca_bundle_that_the_user_named_is_the_one_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_bytes(b"OWN")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "own.pem"))
    assert host_ca_bundle() == b"OWN"
