"""The base of every image, `debian:trixie-slim`: the local one, the official one, or one made here with debootstrap."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import docker
from docker.errors import DockerException, ImageNotFound

from harness.engine.apt import apt_install, apt_update, can_install, is_root
from harness.engine.host import call_timeout
from harness.engine.registry import pull, source_of, why_silent
from harness.errors import HarnessError

Log = Callable[[str], None]

BASE = "debian:trixie-slim"
SUITE = "trixie"
MIRROR = "http://deb.debian.org/debian"
LOCAL_CA_FOLDER = "usr/local/share/ca-certificates"
BUILD_TIMEOUT_S = 900.0

NO_BASE_REMEDY = (
    "Connect this machine to a registry (or name one in TESTBED_REGISTRY), "
    "or run `make setup` as root on Debian or Ubuntu, where the image can be made with debootstrap."
)

# The official slim image leaves out the same folders, now and in every later apt-get install.
UNWANTED = ("doc", "man", "groff", "info", "locale", "lintian", "linda")
CONFIGURATION = {
    "etc/dpkg/dpkg.cfg.d/slim": "".join(f"path-exclude /usr/share/{name}/*\n" for name in UNWANTED)
    + "path-include /usr/share/doc/*/copyright\n",
    "etc/apt/apt.conf.d/slim": (
        'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };\n'
        'Acquire::Languages "none";\n'
        'Acquire::GzipIndexes "true";\n'
    ),
    # Installing a server's package in a build must not start the server.
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
}


@dataclass(frozen=True)
class Route:
    """How the base image gets here, and how that was decided."""

    kind: Literal["local", "pull", "build", "none"]
    because: str


def local_base(client: docker.DockerClient) -> str | None:
    """Return the id of the base image when the engine has it."""
    try:
        return str(client.images.get(BASE).id)
    except ImageNotFound:
        return None


def base_route(client: docker.DockerClient | None) -> Route:
    """Decide within seconds where the base image comes from. `client` may be None when there is no engine yet."""
    if client is not None and local_base(client):
        return Route("local", "the engine has it")
    source = source_of(BASE)
    silent = why_silent(source.registry)
    if not silent:
        return Route("pull", f"{source.registry} answers")
    obstacle = why_not_debootstrap()
    if obstacle:
        return Route("none", f"{silent}, and {obstacle}")
    return Route("build", silent)


def why_not_debootstrap() -> str:
    """Return '' when debootstrap can be run here (or installed first), else what stands in the way."""
    if not sys.platform.startswith("linux"):
        return "debootstrap needs Linux"
    if not is_root():
        return "debootstrap needs root"
    if shutil.which("debootstrap") is None and not can_install():
        return "debootstrap is not installed"
    return ""


def ensure_base(client: docker.DockerClient, log: Log) -> str:
    """Make sure that the engine has the base image and return its id. Raises HarnessError with a remedy."""
    route = base_route(client)
    if route.kind == "pull":
        try:
            log(f"Pulling {source_of(BASE).reference}.")
            return pull(client, BASE, BASE)
        except HarnessError as error:
            obstacle = why_not_debootstrap()
            if obstacle:
                raise HarnessError(f"{error} There is no other way here: {obstacle}.", NO_BASE_REMEDY) from None
            log(f"{error} Making the image with debootstrap instead.")
            route = Route("build", "the pull failed")
    if route.kind == "none":
        raise HarnessError(f"The image {BASE} cannot be had: {route.because}.", NO_BASE_REMEDY)
    if route.kind == "build":
        log(f"Making {BASE} with debootstrap ({route.because}).")
        return build_base(client, log)
    found = local_base(client)
    if found is None:
        raise HarnessError(f"The image {BASE} was removed just now.", "Run the command again.")
    return found


def build_base(client: docker.DockerClient, log: Log, tag: str = BASE) -> str:
    """Make a minimal Debian with debootstrap (as root, about 25 to 60 s), import it as `tag`, return its id."""
    if shutil.which("debootstrap") is None:
        apt_update(log)
        apt_install(["debootstrap", "debian-archive-keyring"], log)
    # Not /tmp: it is often small, or mounted so that no device files can be made in it.
    with tempfile.TemporaryDirectory(prefix="testbed-base-", dir="/var/tmp") as scratch:
        root = Path(scratch) / "root"
        _debootstrap(root)
        slim(root, host_ca_bundle())
        archive = Path(scratch) / "base.tar"
        subprocess.run(
            ["tar", "--numeric-owner", "-C", str(root), "-cf", str(archive), "."], check=True, timeout=BUILD_TIMEOUT_S
        )
        return _import(client, archive, tag)


def _debootstrap(root: Path) -> None:
    mirror = os.environ.get("TESTBED_DEBIAN_MIRROR", MIRROR)
    command = ["debootstrap", "--variant=minbase", SUITE, str(root), mirror]
    scripts = Path("/usr/share/debootstrap/scripts")
    if not (scripts / SUITE).exists():
        command.append(str(scripts / "sid"))  # an older debootstrap does not know the name, and sid's script fits
    remedy = f"Run `{' '.join(command[:3])} /var/tmp/try {mirror}` by hand to see why."
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise HarnessError(f"debootstrap did not end within {BUILD_TIMEOUT_S:g} s.", remedy) from None
    if done.returncode != 0:
        last = (done.stdout + done.stderr).strip().splitlines()[-3:]
        raise HarnessError(f"debootstrap failed: {' / '.join(last)}.", remedy)


def slim(root: Path, ca_bundle: bytes | None) -> None:
    """Take out of a fresh Debian at `root` what no image needs, and let it trust what the host trusts."""
    for folder in ("var/lib/apt/lists", "var/cache/apt", "var/log", *(f"usr/share/{name}" for name in UNWANTED)):
        for path in (root / folder).glob("*") if (root / folder).is_dir() else ():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    for name, text in CONFIGURATION.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755 if text.startswith("#!") else 0o644)
    if ca_bundle:
        local_ca = root / LOCAL_CA_FOLDER
        local_ca.mkdir(parents=True, exist_ok=True)
        (local_ca / "host-ca.crt").write_bytes(ca_bundle)


def host_ca_bundle() -> bytes | None:
    """Return the certificates that this machine trusts (PEM), None where they are not in a file (macOS, Windows)."""
    named = os.environ.get("SSL_CERT_FILE", "")
    known = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem")
    for path in (*([named] if named else []), *known):
        if Path(path).is_file():
            return Path(path).read_bytes()
    return None


def _import(client: docker.DockerClient, archive: Path, tag: str) -> str:
    repository, _, version = tag.rpartition(":")
    changes = ["LABEL testbed.base=debootstrap", 'CMD ["bash"]']
    try:
        with call_timeout(client, BUILD_TIMEOUT_S):
            # By its path: of a stream docker-py says that it comes in chunks and how long it is, and sends no chunks.
            client.api.import_image(str(archive), repository=repository, tag=version, changes=changes)
        return str(client.images.get(tag).id)
    except (DockerException, OSError) as error:
        raise HarnessError(f"The engine did not take the new base image: {error}.", "See the engine's log.") from None
