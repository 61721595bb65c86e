"""What somebody types: three exit codes, also through make, and an error is never taken for an answer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.__main__ import app, guarded

ROOT = Path(__file__).resolve().parents[3]


def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["harness", *words])
    code = guarded(app)
    streams = capsys.readouterr()
    return code, streams.out + streams.err


@pytest.mark.parametrize(
    ("text", "words", "says"),
    [
        (None, ["v1"], "there is no baseline yet"),
        ("not json", ["v1"], "make baseline"),
        (None, ["v9"], "Known: v1"),
    ],
)
def test_what_cannot_be_answered_is_2_and_never_1(
    text: str | None,
    words: list[str],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "v1.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    given = ["--file", str(path)] if words == ["v1"] else []
    code, said = typed(monkeypatch, capsys, "verify", *words, *given)
    assert code == 2
    assert says in said and "Traceback" not in said


@pytest.mark.parametrize("command", ["baseline", "control"])
def test_an_unknown_phase_lists_the_known_ones(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = typed(monkeypatch, capsys, command, "v9")
    assert code == 1 and "Known: v1" in said and "Traceback" not in said


def test_a_baseline_of_an_unknown_experiment_says_which_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = typed(monkeypatch, capsys, "baseline", "v1", "--experiments", "contrl")
    assert code == 1 and "Did you mean 'control'" in said


@pytest.mark.parametrize("code", [0, 1, 2])
def test_make_verify_exits_with_the_gates_own_code(code: int, tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv").mkdir()
    for name in ("pyproject.toml", "uv.lock", ".venv/.installed"):  # the last is the newest: nothing to install
        (tmp_path / name).touch()
    fake = tmp_path / "bin" / "harness"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "asked: $*"\nexit {code}\n', encoding="utf-8")
    fake.chmod(0o755)
    shutil.copy(fake, fake.with_name("uv"))  # found on PATH: else make would put a real one into .tools/ first
    # As from a shell: a make that runs the tests must not make this one its child.
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "verify", f"RUN={fake.parent}/", "PHASE=v1", "EXPERIMENTS=control app_crash", "REPEATS=2"],
        cwd=tmp_path,
        env={**clean, "PATH": f"{fake.parent}:{clean['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert done.stdout.splitlines() == ["asked: verify v1 --experiments=control app_crash --repeats=2"]
