"""The report of a game day: from what lies in its folder alone, and never better than what was seen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.claims import load_claims
from harness.experiment import known_experiments
from harness.gameday import vitals
from harness.gameday.conduct import finish
from harness.gameday.plan import Day, plan_day, write_plan
from harness.gameday.report import conclude_day
from harness.gameday.schedule import Pace
from harness.history import Durability, FaultRecord, Generator, History, Receipt
from harness.stored import Unreadable
from tests.fakes.histories import Trouble, history
from tests.fakes.stored import stored_campaign

DAY_S = 240.0
GENERATOR = Generator(4800, 4800, 4800, 0, 1.0, 2.0, 9.0, 30, 0.1)
DURABILITY = Durability(acknowledged=7000, lost=0, duplicated=0, reordered=0, unchecked=0)


def the_day() -> Day:
    return plan_day("v1", DAY_S / 60, 1, Pace())


def faults(day: Day, late_s: float = 0.0) -> list[FaultRecord]:
    found = []
    for one in day.drawn:
        for at in one.strikes():
            on, off = at.t_s + late_s, at.t_s + late_s + 10
            receipt = Receipt("confirmed", {}, {}, on, off, ["It was seen."])
            found.append(FaultRecord(at.fault.name, at.fault.aimed_at, on, None, True, receipt))
    return found


def held(root: Path, *troubles: Trouble, late_s: float = 0.0, **record: Any) -> Path:
    """A day of three incidents that lies on disk, each of them `late_s` late."""
    day, folder = the_day(), root / "gameday-v1-1"
    folder.mkdir()
    write_plan(folder, day)
    vitals.note(folder, "before")
    vitals.note(folder, "after")
    fields: dict[str, Any] = {"generator": GENERATOR, "durability": DURABILITY, **record}
    run = history(*troubles, faults=faults(day, late_s), experiment="gameday", duration_s=DAY_S, **fields)
    store(folder, run)
    events = [
        {
            "t_s": one.t_s + late_s,
            "event": "incident_begun",
            "number": one.number,
            "put_off_because": ["busy"] * bool(late_s),
        }
        for one in day.drawn
    ]
    write_events(folder, events)
    return folder


def store(folder: Path, run: History, **campaign: Any) -> None:
    claims = load_claims(Path("targets/v1/claims.toml"), known_experiments())
    stored_campaign(folder / "v1-campaign", claims, [run], **campaign)


def write_events(folder: Path, events: list[dict[str, Any]]) -> None:
    (run,) = (folder / "v1-campaign" / "runs").iterdir()
    (run / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


def first_on(day: Day) -> float:
    return day.drawn[0].t_s


def test_a_good_day_is_healthy_and_says_what_each_incident_cost(tmp_path: Path) -> None:
    on = first_on(the_day())
    folder = held(tmp_path, Trouble(on, on + 5))
    data = conclude_day(folder)
    assert (data["ended"], data["healthy"], data["valid"]) == ("as planned", True, True)
    first, *others = data["incidents"]
    assert first["lost_s"] == pytest.approx(5, abs=0.5)
    assert all(other["lost_s"] == 0 for other in others)
    assert data["budget"]["bad"] == pytest.approx(100, abs=10)
    assert data["budget"]["spent"] == pytest.approx(data["budget"]["bad"] / 2400)
    assert data["budget"]["times_the_claim"] == pytest.approx(data["budget"]["bad"] / 240)
    assert data["durability"]["lost"] == 0 and data["not_reached"] == []
    assert data["harness"]["before"]["handles"] > 0
    html, text = (folder / "report.html").read_text(), (folder / "report.md").read_text()
    assert "HEALTHY" in html and "<svg" in html and "HEALTHY" in text
    assert json.loads((folder / "gameday.json").read_text()) == data


def test_what_the_next_incident_breaks_off_is_no_relapse_of_the_one_before(tmp_path: Path) -> None:
    first, second, *_ = (one.t_s for one in the_day().drawn)
    # Due half a second before the second one strikes, and broken off by it.
    folder = held(tmp_path, Trouble(first, first + 2), Trouble(second - 0.5, second + 1, after_s=0.7))
    one, two, *_ = conclude_day(folder)["incidents"]
    assert one["recovered_after_s"] == 0 and one["lost_s"] == pytest.approx(2, abs=0.4)
    assert two["lost_s"] == pytest.approx(1.5, abs=0.4)


def test_incidents_that_were_put_off_say_for_how_long_and_why(tmp_path: Path) -> None:
    folder = held(tmp_path, late_s=3.0)
    data = conclude_day(folder)
    assert data["incidents"][0]["put_off_s"] == pytest.approx(3)
    assert "3 s later: busy" in (folder / "report.md").read_text()


def test_bad_traffic_at_the_end_is_not_healthy(tmp_path: Path) -> None:
    data = conclude_day(held(tmp_path, Trouble(DAY_S - 2, DAY_S)))
    assert data["healthy"] is False
    assert "in the last 20 s only" in data["unhealthy_because"][0]


def test_what_is_left_behind_is_not_healthy_and_what_was_not_healed_neither(tmp_path: Path) -> None:
    folder = tmp_path / "gameday-v1-1"
    folder.mkdir()
    day = the_day()
    write_plan(folder, day)
    unhealed = [replace(fault, healed=False) for fault in faults(day)[:1]]
    run = history(faults=unhealed, experiment="gameday", duration_s=DAY_S, generator=GENERATOR)
    store(folder, run, void_because=("left behind: container x",))
    write_events(folder, [])
    data = conclude_day(folder)
    assert data["healthy"] is False and data["left_behind"] == ["container x"]
    assert any("was not healed" in why for why in data["unhealthy_because"])
    assert not data["valid"] and len(data["not_reached"]) == len(day.drawn)


def cut_off(folder: Path, at_s: float) -> Path:
    """A day whose harness stopped sending at `at_s`."""
    folder.mkdir()
    write_plan(folder, the_day())
    whole = history(experiment="gameday", duration_s=DAY_S, void_because=["the run was interrupted"])
    sent = np.where(whole.arrivals.due_s < at_s, whole.arrivals.sent_s, np.nan)
    cut = replace(whole.arrivals, sent_s=sent, outcome=np.where(np.isnan(sent), "unsent", whole.arrivals.outcome))
    unsent = int(np.isnan(sent).sum())
    store(folder, History(replace(whole.record, generator=replace(GENERATOR, unsent=unsent)), cut))
    write_events(folder, [])
    return folder


def test_a_day_that_was_cut_off_counts_as_far_as_it_went_and_nobody_knows_its_health(tmp_path: Path) -> None:
    folder = cut_off(tmp_path / "gameday-v1-1", 100)
    data = conclude_day(folder)
    assert (data["ended"], data["healthy"]) == ("cut off", None)
    assert data["lasted_s"] == pytest.approx(100, abs=1)
    assert data["judged_s"] == pytest.approx(90, abs=1)
    assert data["availability"]["value"] == 1.0  # what was never sent is not the target's
    assert "NOT KNOWN" in (folder / "report.html").read_text()
    assert "what came later could not end" in (folder / "report.md").read_text()


def test_a_day_that_was_cut_off_before_an_arrival_had_to_end_has_lasted_all_the_same(tmp_path: Path) -> None:
    folder = cut_off(tmp_path / "gameday-v1-1", 6)
    write_events(folder, [{"t_s": 3.0, "event": "incident_begun", "number": 1, "put_off_because": []}])
    data = conclude_day(folder)
    assert data["lasted_s"] == pytest.approx(6, abs=1) and data["judged_s"] == 0
    assert data["availability"]["value"] is None
    assert data["incidents"][0]["watched_s"] == 0
    assert "NOT KNOWN" in (folder / "report.html").read_text()


def test_a_day_that_spent_its_budget_says_so(tmp_path: Path) -> None:
    folder = held(tmp_path, notes=["ended early: the error budget was spent at 70 s; all was well again by 110 s"])
    with next((folder / "v1-campaign" / "runs").iterdir()).joinpath("events.jsonl").open("a") as file:
        file.write(json.dumps({"t_s": 70.0, "event": "error_budget_spent", "bad": 2401, "allowed": 2400.0}) + "\n")
    data = conclude_day(folder)
    assert data["ended"] == "broken off: the error budget was spent"
    assert "all was well again by 110 s" in (folder / "report.md").read_text()


def test_a_folder_without_a_run_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "gameday-v1-1"
    folder.mkdir()
    with pytest.raises(Unreadable, match=r"plan\.json"):
        conclude_day(folder)
    write_plan(folder, the_day())
    with pytest.raises(Unreadable, match="no campaign"):
        conclude_day(folder)


def test_recover_reports_the_day_of_a_harness_that_was_killed(tmp_path: Path) -> None:
    folder = held(tmp_path)
    done = finish(folder / "v1-campaign")
    assert any("reported the game day" in line for line in done)
    assert (folder / "report.html").is_file()


def test_vitals_are_those_of_this_process_and_a_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    before = vitals.look("now")
    with (tmp_path / "one").open("w"), (tmp_path / "two").open("w"):
        assert vitals.look("now").handles == before.handles + 2
    assert before.threads >= 1 and before.rss_kb > 10_000
    vitals.note(tmp_path, "before")
    with (tmp_path / vitals.FILE).open("a") as file:
        file.write('{"at": "cut')
    assert [look.at for look in vitals.noted(tmp_path)] == ["before"]


def test_memory_that_grows_under_load_is_said_to(tmp_path: Path) -> None:
    folder = held(tmp_path)
    for k in range(12):
        moment = f"2026-11-25T13:{k:02d}:00+00:00"
        row = {
            "at": f"{60 * k} s",
            "time": moment,
            "rss_kb": 100_000 + 50 * k,
            "handles": 9,
            "threads": 3,
            "children": 1,
        }
        with (folder / vitals.FILE).open("a") as file:
            file.write(json.dumps(row) + "\n")
    assert conclude_day(folder)["harness"]["growth_kb_per_h"] == pytest.approx(3000)
    assert "3.0 MB an hour" in (folder / "report.md").read_text()
