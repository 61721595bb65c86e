"""Logs as rows: JSON, logfmt and plain lines, when they were said and by whom, and what is asked of them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from harness.__main__ import app, guarded
from harness.engine.cli import without_passwords
from harness.errors import HarnessError
from harness.log_command import Ran, instant, runs_of
from harness.logs import Line, collect, moment, parsed

STAMP = "2026-11-24T23:06:44.290910160Z"
APP = f"""==> testbed-v9_app.1.abc <==
{STAMP} INFO:     Started server process [6]
2026-11-24T23:06:45.500000000Z {{"time": "2026-11-24T23:06:45.461+00:00", "level": "info", "logger": "chat.http", \
"message": "request", "request_id": "01-control-1-7", "route": "/v1/chat", "status": 200}}
==> testbed-v9_app.2.def <==
2026-11-24T23:06:47.000000000Z {{"time": "2026-11-24T23:06:46.900+00:00", "level": "warning", "logger": "chat.x", \
"message": "it failed", "request_id": "01-control-1-8", "reason": "a \\"reason\\""}}
2026-11-24T23:06:48.000000000Z {{"level": "error", "message": "no time of its own"}}
no stamp at all
"""
ETCD = f"""{STAMP} {{"level":"warn","ts":"2026-11-24T23:06:33.831188Z","caller":"flags/flag.go:113","msg":"recognized"}}
"""


def line(text: str) -> Line:
    (found,) = parsed("part", [text])
    return found


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def campaign(folder: Path, **logs: str) -> Path:
    """A folder with logs, and a run that went on from 23:06:40 to 23:06:50, its time 0 being at 43."""
    (folder / "logs").mkdir()
    for component, text in (logs or {"app": APP, "etcd": ETCD, "silent": ""}).items():
        (folder / "logs" / f"{component}.log").write_text(text, encoding="utf-8")
    run = folder / "runs" / "01-control-1"
    run.mkdir(parents=True)
    events = [
        {"t_s": -3.0, "event": "run_started", "run": run.name, "t0": "2026-11-24T23:06:43+00:00"},
        {"t_s": 7.0, "event": "load_ended"},
    ]
    (run / "events.jsonl").write_text("\n".join(map(json.dumps, events)) + "\n")
    rows = "(values (7, 1.25::double, 'ok'), (8, 2.5, 'http_error')) t(seq, due_s, outcome)"
    duckdb.sql(f"copy (from {rows}) to '{run}/arrivals.parquet'")
    return folder


def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["harness", "logs", *map(str, words)])
    code = guarded(lambda: app(standalone_mode=False))
    streams = capsys.readouterr()
    return code, streams.out + streams.err


def test_json_is_taken_apart_and_its_own_time_counts() -> None:
    found = [each for each in parsed("app", APP.splitlines(keepends=True)) if each.request_id]
    assert found[0] == Line(
        at("2026-11-24T23:06:45.461"),
        "app",
        "testbed-v9_app.1.abc",
        "info",
        "chat.http",
        "request",
        "01-control-1-7",
        '{"route": "/v1/chat", "status": 200}',
    )
    assert (found[1].container, found[1].level) == ("testbed-v9_app.2.def", "warning")
    assert json.loads(found[1].fields or "") == {"reason": 'a "reason"'}


def test_a_plain_line_is_kept_whole_with_the_engines_time() -> None:
    found = line(f"{STAMP} 2026-11-24 23:06:36,766 ERROR: Failed to get list of machines")
    assert found.said_at == at("2026-11-24T23:06:44.290910")
    assert (found.level, found.message) == ("error", "2026-11-24 23:06:36,766 ERROR: Failed to get list of machines")
    assert (found.logger, found.request_id, found.fields) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("INFO:     Started server", "info"),
        ("[WARNING]  (10) : Server origins/lb-b is UP", "warning"),
        ("2026-11-24 23:07:07.941 UTC [40] FATAL:  terminating", "critical"),
        ("2026-11-24 23:07:07.941 UTC [40] LOG:  checkpoint", "info"),
        ("7:C 24 Nov 2026 # Redis is starting", None),
        ("a long line that " + "goes on and on " * 6 + "ERROR: is quoted", None),
        ("an error: lower case is a word", None),
    ],
)
def test_the_level_of_a_plain_line_is_what_it_says_near_its_beginning(text: str, level: str | None) -> None:
    assert line(text).level == level


def test_logfmt_is_taken_apart() -> None:
    found = line(f'{STAMP} ts=2026-11-24T23:06:40.5Z caller=main.go:617 level=WARN msg="it \\"said\\" so" count=3')
    assert (found.said_at, found.level, found.logger) == (at("2026-11-24T23:06:40.5"), "warning", "main.go:617")
    assert (found.message, found.fields) == ('it "said" so', '{"count": "3"}')


@pytest.mark.parametrize("text", ['{"level": "info", ', '{"a": 1} and more', "[1, 2]", "{broken}", '"text"'])
def test_what_only_looks_like_json_is_a_plain_line(text: str) -> None:
    found = line(f"{STAMP} {text}")
    assert (found.message, found.fields, found.level) == (text, None, None)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("2026-11-24T23:06:44Z", "2026-11-24T23:06:44"),
        ("2026-11-25T00:06:44+01:00", "2026-11-24T23:06:44"),
        ("2026-11-24T23:06:44.290910160Z", "2026-11-24T23:06:44.290910"),
        (1795561604.5, "2026-11-24T23:06:44.5"),
        ("yesterday", None),
        (True, None),
        (1e300, None),
        (None, None),
    ],
)
def test_moments(value: object, wanted: str | None) -> None:
    assert moment(value) == (None if wanted is None else at(wanted))


def test_everything_said_becomes_a_row_in_the_order_in_which_it_was_said(tmp_path: Path) -> None:
    path = collect(campaign(tmp_path))
    rows = duckdb.sql(f"select said_at, component, level, message from '{path}'").fetchall()
    assert [row[1:] for row in rows] == [
        ("app", None, "no stamp at all"),
        ("etcd", "warning", "recognized"),
        ("app", "info", "INFO:     Started server process [6]"),
        ("app", "info", "request"),
        ("app", "warning", "it failed"),
        ("app", "error", "no time of its own"),
    ]
    assert rows[0][0] is None and rows[3][0] == datetime(2026, 11, 24, 23, 6, 45, 461000)
    assert duckdb.sql(f"select fields->>'status' from '{path}' where message = 'request'").fetchall() == [("200",)]


def test_what_no_utf8_and_no_json_can_hold_is_kept_as_well_as_can_be(tmp_path: Path) -> None:
    odd = '{"message": "half \\ud800 a pair", "level": "info", "x": NaN, "y": "\\udc00"}\n'
    path = collect(campaign(tmp_path, app=odd))
    (row,) = duckdb.sql(f"select message, fields->>'x' from '{path}'").fetchall()
    assert row == ("half ? a pair", "NaN")


def test_a_folder_without_logs_says_so(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="holds no logs"):
        collect(tmp_path)


def test_passwords_in_addresses_are_blotted_out() -> None:
    said = (
        "cannot reach postgresql://chat:s3cret@database-a:5432,database-b:5432/chat, nor redis://:s3cret@cache:6379/0"
    )
    assert "s3cret" not in without_passwords(said)
    assert without_passwords("http://lb-a:8404/metrics at 10:30 by me@home") == (
        "http://lb-a:8404/metrics at 10:30 by me@home"
    )


def test_searching_shows_the_lines_that_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = campaign(tmp_path)
    code, said = typed(monkeypatch, capsys, folder)
    assert code == 0 and len(said.splitlines()) == 6
    code, said = typed(monkeypatch, capsys, folder, "--component", "app", "--level", "warning")
    assert [text.split()[3] for text in said.splitlines()] == ["warning", "error"]
    code, said = typed(monkeypatch, capsys, folder, "--request", "01-control-1-7")
    assert said.startswith("2026-11-24 23:06:45.461 app            info     chat.http: request [01-control-1-7]")
    code, said = typed(monkeypatch, capsys, folder, "--since", "01-control-1+3", "--until", "2026-11-24T23:06:47Z")
    assert "it failed" in said and len(said.splitlines()) == 1
    code, said = typed(monkeypatch, capsys, folder, "--level", "critical")
    assert (code, said) == (0, "Nothing was found.\n")
    code, said = typed(monkeypatch, capsys, folder, "--limit", "2")
    assert len(said.splitlines()) == 3 and "--limit" in said


def test_a_request_is_followed_from_the_arrival_into_the_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sql = "select seq, outcome, message from arrivals join logs using (request_id) where outcome <> 'ok'"
    code, said = typed(monkeypatch, capsys, campaign(tmp_path), "--sql", sql)
    assert code == 0
    assert said.splitlines() == ["seq  outcome     message", "---  ----------  ---------", "8    http_error  it failed"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("--sql", "selec 1"), "--sql: Parser Error"),
        (("--sql", "select nothing from logs"), '"nothing" not found'),
        (("--sql", "drop view logs"), "not one select"),
        (("--sql", "select 1; select 2"), "not one select"),
        (("--sql", "copy logs to '/tmp/x.csv'"), "not one select"),
        (("--component", "ap"), "Did you mean 'app'?"),
        (("--level", "fatal"), "there is no level 'fatal'"),
        (("--since", "02-control-1"), "neither a run nor a moment. Did you mean '01-control-1'?"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_mistakes_are_one_clear_message(
    words: tuple[str, str],
    wanted: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = typed(monkeypatch, capsys, campaign(tmp_path), *words)
    assert code == 1 and wanted in said and "Traceback" not in said


def test_a_folder_that_is_none_and_a_spoilt_file_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = typed(monkeypatch, capsys, tmp_path / "nowhere")
    assert code == 1 and "nowhere: there is no such folder" in said
    folder = campaign(tmp_path)
    (folder / "logs.parquet").write_text("spoilt")
    code, said = typed(monkeypatch, capsys, folder)
    assert code == 1 and "Remove logs.parquet" in said


def test_runs_are_known_by_their_events(tmp_path: Path) -> None:
    folder = campaign(tmp_path)
    (folder / "runs" / "02-control-1").mkdir()
    (folder / "runs" / "02-control-1" / "events.jsonl").write_text('{"t_s": 1')
    (ran,) = runs_of(folder)
    t0 = at("2026-11-24T23:06:43")
    assert ran == Ran("01-control-1", at("2026-11-24T23:06:40"), t0, at("2026-11-24T23:06:50"))
    assert instant("01-control-1", [ran], "--since") == ran.began
    assert instant("01-control-1", [ran], "--until") == ran.ended
    assert instant("01-control-1+1.5", [ran], "--until") == at("2026-11-24T23:06:44.5")
