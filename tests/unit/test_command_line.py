"""What somebody types: one clear message and an exit code, never a traceback."""

import sys
from pathlib import Path

import pytest

from harness.__main__ import app, guarded
from harness.errors import HarnessError, InstrumentError
from harness.interruption import Interrupted


def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["harness", *words])
    code = guarded(app)
    streams = capsys.readouterr()
    return code, streams.out + streams.err


def test_an_unknown_experiment_lists_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = typed(monkeypatch, capsys, "experiment", "v1", "--experiment", "app_crush")
    assert code == 1
    assert "Did you mean 'app_crash'?" in said and "users_at_claim" in said
    assert "Traceback" not in said


def test_an_unknown_phase_lists_the_known_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = typed(monkeypatch, capsys, "experiment", "v7")
    assert code == 1 and "Known: v1" in said


@pytest.mark.parametrize("words", [["experiment", "v1", "--repeats", "0"], ["experiment", "v1", "--seed", "x"]])
def test_impossible_numbers_are_refused(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = typed(monkeypatch, capsys, *words)
    assert code != 0 and "Traceback" not in said and words[2] in said


@pytest.mark.parametrize("port", ["0", "65536", "eight", "-1"])
def test_a_port_that_is_none_is_refused_before_anything_starts(
    port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", port)
    code, said = typed(monkeypatch, capsys, "run", "v2")
    assert code == 1 and f"PORT is '{port}'" in said


def test_judging_a_folder_without_a_campaign_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = typed(monkeypatch, capsys, "judge", str(tmp_path))
    assert code == 1 and "manifest.json" in said


@pytest.mark.parametrize(
    ("error", "code"),
    [(HarnessError("x", "Do y."), 1), (InstrumentError("x"), 2), (Interrupted("SIGINT"), 130), (SystemExit(3), 3)],
)
def test_each_end_has_its_exit_code(error: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def command() -> None:
        raise error

    assert guarded(command) == code
