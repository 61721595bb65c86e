"""`baselines/<phase>.json`: what the runs of a target were like, small enough to be committed and read in a diff."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from harness.campaign_record import CampaignRecord
from harness.config import Strict
from harness.errors import ConfigError
from harness.gate.figures import run_figures
from harness.history import History, RunRecord

BASELINES = Path(__file__).resolve().parents[2] / "baselines"
MACHINE_KEYS = ("cores", "processor", "memory_gib")


class BaselineRun(Strict):
    """One run: its repeat and seed, and every figure of `harness.gate.metrics`.

    `cpu_pressure` is the share of the run in which somebody waited for a processor (PSI), None if not known.
    """

    repeat: int = Field(ge=1)
    seed: int = Field(ge=0)
    cpu_pressure: float | None = None
    figures: dict[str, float | None]


class BaselineExperiment(Strict):
    """What an experiment asked (windows, load, faults), and its runs. Only equal questions can be compared."""

    asks: dict[str, Any]
    runs: tuple[BaselineRun, ...]

    @property
    def faulty(self) -> bool:
        """Whether it has a fault."""
        return bool(self.asks.get("faults"))


class Baseline(Strict):
    """The whole file. `recorded` is a UTC moment in ISO 8601; `note` is for people."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    phase: str
    recorded: str
    git: str
    note: str = ""
    seed: int = Field(ge=0)
    repeats: int = Field(ge=1)
    machine: dict[str, str]
    versions: dict[str, str]
    experiments: dict[str, BaselineExperiment]


def make_baseline(record: CampaignRecord, histories: Sequence[History], note: str = "") -> Baseline:
    """Return what a campaign's usable runs were like."""
    experiments: dict[str, BaselineExperiment] = {}
    for name in record.experiments:
        runs = [history for history in histories if history.record.experiment == name]
        if runs:
            experiments[name] = BaselineExperiment(
                asks=asked(runs[0].record), runs=tuple(map(_run, sorted(runs, key=lambda h: h.record.repeat)))
            )
    return Baseline(
        phase=record.phase,
        recorded=record.finished or record.started,
        git=record.git.sha + ("+changes" if record.git.dirty else ""),
        note=note,
        seed=record.seed,
        repeats=record.repeats,
        machine=dict(record.machine),
        versions=dict(record.versions),
        experiments=experiments,
    )


def asked(record: RunRecord) -> dict[str, Any]:
    """Return what decides whether two runs put the same question: load, windows (s), faults.

    What only some loads have (stretches, places, an abuser) is there only for those.
    """
    rare = {
        "stretches": [asdict(stretch) for stretch in record.stretches],
        "places": [way.place for way in record.ways],
        "abuser_per_s": record.abuser_per_s,
    }
    return {
        "rate_per_s": round(record.rate_per_s, 9),
        "warmup_s": record.warmup_s,
        "duration_s": record.duration_s,
        "deadline_s": record.deadline_s,
        "shares": record.shares,
        "faults": [[f.name, f.aimed_at, f.planned_on_s, f.planned_off_s] for f in record.faults],
        **{key: value for key, value in rare.items() if value},
    }


def machine_differs(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Return in what two machines differ that times depend on, as sentences; [] when they are the same kind."""
    return [
        f"{key}: {before.get(key) or 'unknown'} then, {now.get(key) or 'unknown'} now"
        for key in MACHINE_KEYS
        if not _alike(before.get(key), now.get(key))
    ]


def _alike(before: str | None, now: str | None) -> bool:
    """Whether two facts are the same; numbers (memory) may differ by a tenth, which no time depends on."""
    try:
        old, new = float(before or ""), float(now or "")
    except ValueError:
        return before == now
    return abs(old - new) <= 0.1 * max(old, new)


def cpu_pressure(history: History) -> float | None:
    """Return the share of a run in which somebody waited for a processor; None if nobody knows."""
    pressure = history.record.pressure
    return None if pressure is None or pressure.cpu_some_avg is None else round(pressure.cpu_some_avg, 4)


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write it so that a crash leaves either the old file or the new one; the same baseline gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(_text(baseline), encoding="utf-8")
    temporary.replace(path)


def read_baseline(path: Path) -> Baseline:
    """Read it back. Raises ConfigError that says what is wrong and how to get a new one."""
    remedy = "Write it anew with `make baseline`."
    try:
        return Baseline.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ConfigError(str(path), "", "there is no baseline yet.", "Write it with `make baseline`.") from None
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror}.", remedy) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ConfigError(str(path), place, f"{first['msg']}.", remedy) from None


def _run(history: History) -> BaselineRun:
    return BaselineRun(
        repeat=history.record.repeat,
        seed=history.record.seed,
        cpu_pressure=cpu_pressure(history),
        figures=run_figures(history),
    )


def _text(baseline: Baseline) -> str:
    """Return it as JSON with one line per run, which is what a diff wants to show."""
    plain = baseline.model_dump(mode="json", by_alias=True)
    lines: dict[str, str] = {}
    for name, experiment in plain["experiments"].items():
        for index, run in enumerate(experiment["runs"]):
            key = f"@{name}/{index}@"
            lines[json.dumps(key)] = json.dumps(run, allow_nan=False)
            experiment["runs"][index] = key
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
    for key, line in lines.items():
        text = text.replace(key, line)
    return text + "\n"
