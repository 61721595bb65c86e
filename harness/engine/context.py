"""What goes into an image: the files that its Dockerfile copies, as a small build context with a fingerprint."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from docker.utils.build import exclude_paths

from harness.errors import HarnessError

CA_FOLDER = "targets/parts/base"
CA_FILE = f"{CA_FOLDER}/host-ca.crt"
"""Where the host's CA bundle lies in the context of those images that copy `CA_FOLDER`."""


@dataclass(frozen=True)
class Context:
    """A build context: file contents by path (POSIX, relative to the repository) and the Dockerfile's path."""

    dockerfile: str
    files: Mapping[str, bytes]
    executable: frozenset[str] = field(default_factory=frozenset)

    def fingerprint(self, **settings: str) -> str:
        """Return a sha256 of every file and of `settings` (base image id, build arguments)."""
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for name in sorted(self.files):
            inner = hashlib.sha256(self.files[name]).hexdigest()
            digest.update(f"\n{name}\t{name in self.executable}\t{inner}".encode())
        return digest.hexdigest()

    def tar(self) -> io.BytesIO:
        """Return the context as a tar archive; owner, time and mode do not depend on the checkout."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for name in sorted(self.files):
                entry = tarfile.TarInfo(name)
                entry.size = len(self.files[name])
                entry.mode = 0o755 if name in self.executable else 0o644
                archive.addfile(entry, io.BytesIO(self.files[name]))
        stream.seek(0)
        return stream


def read_context(root: Path, part: str, ca_bundle: bytes | None) -> Context:
    """Collect what `targets/parts/<part>/Dockerfile` copies from the repository at `root`.

    `.dockerignore` holds as it does for the engine. `ca_bundle` (PEM) is added as `CA_FILE` where the Dockerfile
    copies that folder. Raises HarnessError when the Dockerfile copies something that is not there.
    """
    dockerfile = f"targets/parts/{part}/Dockerfile"
    text = (root / dockerfile).read_text(encoding="utf-8")
    files = {dockerfile: text.encode()}
    executable = set()
    allowed = _allowed_files(root)
    for source in copied_sources(text):
        names = [name for name in allowed if _is_in(name, source)]
        if not names:
            raise HarnessError(
                f"{dockerfile} copies '{source}', and there is no such file in the build context.",
                "Correct the COPY line, or let the file in in .dockerignore.",
            )
        for name in names:
            files[name] = (root / name).read_bytes()
            if (root / name).stat().st_mode & 0o100:
                executable.add(name)
        if ca_bundle and _is_in(CA_FILE, source):
            files[CA_FILE] = ca_bundle
    return Context(dockerfile, files, frozenset(executable))


def copied_sources(dockerfile: str) -> list[str]:
    """Return what the COPY instructions take from the context; copies from other stages (--from) are left out."""
    joined = re.sub(r"\\\n(?:[ \t]*#.*\n)*", " ", dockerfile)
    sources: list[str] = []
    for line in joined.splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if instruction.upper() != "COPY":
            continue
        words = rest.split()
        flags = [word for word in words if word.startswith("--")]
        if any(flag.startswith("--from=") for flag in flags):
            continue
        arguments = " ".join(word for word in words if not word.startswith("--"))
        paths = json.loads(arguments) if arguments.startswith("[") else arguments.split()
        sources += [path.removeprefix("./").rstrip("/") for path in paths[:-1]]
    return sources


def _allowed_files(root: Path) -> list[str]:
    """Files that `.dockerignore` lets in, as POSIX paths relative to `root`."""
    ignore = root / ".dockerignore"
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    found = (PurePosixPath(Path(name)).as_posix() for name in exclude_paths(str(root), patterns))
    return sorted(name for name in found if (root / name).is_file())


def _is_in(name: str, source: str) -> bool:
    """Whether COPY takes the file `name` for `source`: the file itself, a folder above it, or a wildcard."""
    if source in {"", "."} or name == source or name.startswith(f"{source}/"):
        return True
    return "*" in source and PurePosixPath(name).match(source)
