"""Whatever is typed, to `harness` or to make: one line that says what is wrong, exit code 1, and nothing runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.__main__ import app, guarded
from harness.errors import ConfigError, one_line
from harness.experiment import known_experiments

ROOT = Path(__file__).parents[3]
QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
typed_text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)


def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["harness", *words])
    code = guarded(lambda: app(standalone_mode=False))
    streams = capsys.readouterr()
    return code, streams.out + streams.err


@QUICK
@given(st.sampled_from(["experiment", "judge", "run", "down", "setup"]), typed_text)
def test_a_phase_or_folder_that_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, text: str
) -> None:
    code, said = typed(monkeypatch, capsys, command, "--", f"no{text}")
    assert code == 1 and "Traceback" not in said
    assert said.count("\n") == 1 and said[:-1].isprintable()


@QUICK
@given(typed_text)
def test_an_experiment_that_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    if text in known_experiments():
        return
    code, said = typed(monkeypatch, capsys, "experiment", "v1", f"--experiment={text}")
    assert code == 1 and "there is no experiment" in said and "Known: abusive_client, all_providers, " in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("words", [
    ["experiment"], ["experiment", "v1", "v2"], ["experiment", "v1", "--sede", "1"], ["nonsense"], ["judge"],
    ["experiment", "v1", "--seed", "-1"], ["experiment", "v1", "--seed", "9" * 30 + "x"],
    ["experiment", "v1", "--repeats", "1001"], ["experiment", "v1", "--repeats", "1.5"], ["--loud"],
])  # fmt: skip
def test_words_that_do_not_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    code, said = typed(monkeypatch, capsys, *words)
    assert code == 1 and said.count("\n") == 1 and "harness --help" in said


def test_an_error_of_the_system_is_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        raise OSError(30, "Read-only file system", "/results/v1")

    assert guarded(command) == 2
    assert capsys.readouterr().err == "the instrument failed: [Errno 30] Read-only file system: '/results/v1'\n"


def test_make_passes_odd_characters_on_as_one_word(tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    odd = f"a b; touch {touched} 'q\" `touch {touched}` & * > {touched} --help"
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        ["make", "experiment", *(f"{name}={odd}" for name in ("PHASE", "EXPERIMENT", "SEED", "REPEATS"))],
        cwd=ROOT, env=clean, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2  # make's own code for a recipe that failed
    assert not touched.exists()
    assert "Traceback" not in done.stderr
    said = done.stderr.splitlines()
    assert len(said) == 2 and said[1].startswith("make: ***")


def test_a_message_is_one_line_whatever_was_typed() -> None:
    assert one_line("a\nb\x1b[31m\tc") == "a b [31m c"
    assert len(one_line("x" * 5000)) == 300
    assert str(ConfigError("a\nfile", "", "is\x00 wrong.", "Mend\nit.")) == "a file: is wrong. Mend it."
