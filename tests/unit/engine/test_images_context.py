"""Build contexts: what a Dockerfile copies and nothing else, with a fingerprint that changes when they do."""

import re
import tarfile
from pathlib import Path

import pytest

from harness.engine.context import CA_FILE, Context, copied_sources, read_context
from harness.engine.images import OFFICIAL, REPOSITORY, known_parts
from harness.errors import HarnessError


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A small repository with one part, `box`, that copies a file, a folder and the CA folder."""
    write(tmp_path, ".dockerignore", "# only these\n*\n!targets\n!lock\n**/__pycache__\ntargets/**/*.toml\n")
    write(
        tmp_path,
        "targets/parts/box/Dockerfile",
        "FROM x\nCOPY lock /lock\nCOPY targets/chat /c\nCOPY targets/parts/base/ /ca/\n",
    )
    write(tmp_path, "targets/parts/base/README.md", "about")
    write(tmp_path, "lock", "1")
    write(tmp_path, "targets/chat/api.py", "api")
    write(tmp_path, "targets/chat/__pycache__/api.pyc", "compiled")
    write(tmp_path, "targets/chat/claims.toml", "claims")
    write(tmp_path, "targets/chat/deep/run.sh", "#!/bin/sh").chmod(0o755)
    write(tmp_path, "targets/v9/app.py", "another")
    write(tmp_path, ".env", "SECRET=1")
    return tmp_path


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def fingerprint(root: Path, ca: bytes | None = None, base: str = "base") -> str:
    return read_context(root, "box", ca).fingerprint(base=base)


@pytest.mark.parametrize(
    ("dockerfile", "sources"),
    [
        ("COPY a b /x/", ["a", "b"]),
        ("COPY --chown=1:1 ./targets/chat/ /srv", ["targets/chat"]),
        ("COPY --from=build /out /out\ncopy c /c", ["c"]),
        ('COPY ["with space", "/x"]', ["with space"]),
        ("COPY a \\\n  # a reason\n  b \\\n  /x", ["a", "b"]),
        ("RUN cp COPY x\n# COPY y /y", []),
    ],
)
def test_copy_lines_say_what_goes_in(dockerfile: str, sources: list[str]) -> None:
    assert copied_sources(dockerfile) == sources


def test_the_context_holds_what_is_copied_and_nothing_else(repository: Path) -> None:
    context = read_context(repository, "box", None)
    assert set(context.files) == {
        "targets/parts/box/Dockerfile",
        "lock",
        "targets/chat/api.py",
        "targets/chat/deep/run.sh",
        "targets/parts/base/README.md",
    }
    assert context.executable == {"targets/chat/deep/run.sh"}


def test_the_ca_bundle_of_the_host_goes_along_where_it_is_wanted(repository: Path) -> None:
    assert read_context(repository, "box", b"PEM").files[CA_FILE] == b"PEM"
    write(repository, "targets/parts/box/Dockerfile", "FROM x\nCOPY lock /lock\n")
    assert CA_FILE not in read_context(repository, "box", b"PEM").files


def test_a_wildcard_takes_what_it_matches(repository: Path) -> None:
    write(repository, "targets/parts/box/Dockerfile", "FROM x\nCOPY targets/chat/*.py /c/\n")
    assert set(read_context(repository, "box", None).files) == {"targets/parts/box/Dockerfile", "targets/chat/api.py"}


@pytest.mark.parametrize("source", ["nowhere", ".env", "targets/chat/claims.toml"])
def test_copying_what_is_missing_or_shut_out_is_one_clear_message(repository: Path, source: str) -> None:
    write(repository, "targets/parts/box/Dockerfile", f"FROM x\nCOPY {source} /x\n")
    with pytest.raises(HarnessError, match=rf"targets/parts/box/Dockerfile copies '{re.escape(source)}'.*Correct"):
        read_context(repository, "box", None)


@pytest.mark.parametrize("name", ["targets/chat/api.py", "targets/chat/new.py", "lock", "targets/parts/base/README.md"])
def test_a_changed_input_changes_the_fingerprint(repository: Path, name: str) -> None:
    before = fingerprint(repository)
    write(repository, name, "changed")
    assert fingerprint(repository) != before


def test_so_do_the_dockerfile_the_base_the_ca_bundle_a_mode_and_a_name(repository: Path) -> None:
    prints = [fingerprint(repository), fingerprint(repository, ca=b"PEM"), fingerprint(repository, base="other")]
    (repository / "targets/chat/api.py").chmod(0o755)
    prints.append(fingerprint(repository))
    (repository / "targets/chat/api.py").rename(repository / "targets/chat/apis.py")
    prints.append(fingerprint(repository))
    dockerfile = repository / "targets/parts/box/Dockerfile"
    dockerfile.write_text(dockerfile.read_text() + "USER nobody\n")
    prints.append(fingerprint(repository))
    assert len(set(prints)) == 6


@pytest.mark.parametrize(
    "name", ["targets/v9/app.py", "targets/chat/claims.toml", "targets/chat/__pycache__/api.pyc", ".env", "results/x"]
)
def test_what_is_not_copied_changes_nothing(repository: Path, name: str) -> None:
    before = fingerprint(repository)
    write(repository, name, "changed")
    (repository / "lock").touch()
    assert fingerprint(repository) == before


def test_moving_bytes_from_one_file_to_its_neighbour_is_a_change() -> None:
    one, other = Context("D", {"a": b"xy", "b": b""}), Context("D", {"a": b"x", "b": b"y"})
    assert one.fingerprint() != other.fingerprint()


def test_the_archive_does_not_depend_on_the_checkout(repository: Path) -> None:
    first = read_context(repository, "box", b"PEM").tar().read()
    (repository / "lock").chmod(0o600)
    assert read_context(repository, "box", b"PEM").tar().read() == first
    with tarfile.open(fileobj=read_context(repository, "box", b"PEM").tar()) as archive:
        modes = {entry.name: entry.mode for entry in archive}
        assert archive.extractfile("lock").read() == b"1"
    assert modes["targets/chat/deep/run.sh"] == 0o755
    assert modes["lock"] == 0o644


@pytest.mark.parametrize("part", known_parts())
def test_the_dockerfiles_keep_to_the_rules_that_the_harness_relies_on(part: str) -> None:
    text = (REPOSITORY / "targets" / "parts" / part / "Dockerfile").read_text(encoding="utf-8")
    assert text.startswith("#")
    assert "\nARG BASE=debian:trixie-slim\n" in text
    assert f"\nLABEL testbed.part={part}\n" in text.rpartition("\nFROM ")[2]
    assert not re.search(r"^ADD ", text, re.MULTILINE)  # only COPY is looked at for inputs
    assert re.search(r"^USER (?!root)", text.rpartition("\nFROM ")[2], re.MULTILINE)
    context = read_context(REPOSITORY, part, None)
    assert not [name for name in context.files if name.endswith((".env", "target.toml", "compose.yml", "claims.toml"))]
    assert sum(map(len, context.files.values())) < 5_000_000


def test_app_and_simulator_share_their_first_stages_word_for_word() -> None:
    shared = []
    for part in ("app", "provider-sim"):
        text = (REPOSITORY / "targets" / "parts" / part / "Dockerfile").read_text(encoding="utf-8")
        stages = text[text.index("FROM ${BASE} AS python") : text.index("FROM tools AS lock")]
        shared.append(stages)
    assert shared[0] == shared[1]


def test_the_official_toxiproxy_is_the_version_that_we_would_build() -> None:
    text = (REPOSITORY / "targets" / "parts" / "toxiproxy" / "Dockerfile").read_text(encoding="utf-8")
    version = re.search(r"^ARG TOXIPROXY_VERSION=(\S+)$", text, re.MULTILINE)
    assert version is not None
    assert OFFICIAL["toxiproxy"] == f"ghcr.io/shopify/toxiproxy:{version.group(1)}"
