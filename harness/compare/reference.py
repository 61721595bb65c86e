"""The committed reference: what was measured of each version, and the table of it in both READMEs.

`docs/reference/` holds the runs themselves (`harness.kept`), `docs/reference.json` every experiment's figures; README
and README.pt-BR.md show some of them, between two marks. The tables are made from the file, and the file from the runs;
tests compare. All versions take hours: a version that a comparison has no runs of stays as it was measured before, with
the day and commit of then.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.campaign_record import read_campaign
from harness.errors import HarnessError
from harness.kept import KEPT, committed, machine_in_words
from harness.kept import keep as keep_runs
from harness.stored import write_whole
from harness.wording import localized, percent

REFERENCE = Path("docs") / "reference.json"
READMES = {"en": Path("README.md"), "pt": Path("README.pt-BR.md")}
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
COMPARE = "make compare MEASURE=1"

ROWS = {
    "control": ("Nothing is broken", "Nada quebrado"),
    "users_at_claim": ("As many users as the seed claims", "Tantos usuários quantos o README original afirma"),
    "traffic_spike": ("Ten times the traffic", "Dez vezes o tráfego"),
    "app_crash": ("An app process dies", "Um processo da aplicação morre"),
    "app_hangs": ("An app process is stuck", "Um processo da aplicação trava"),
    "bad_deploy_errors": ("A bad version is deployed", "Uma versão ruim entra em produção"),
    "cache_down": ("The cache is away", "O cache some"),
    "database_primary_crash": ("The primary database is lost", "O banco primário se perde"),
    "zone_outage": ("The database's zone is lost", "A zona do banco se perde"),
    "region_outage": ("The database's region is lost", "A região do banco se perde"),
    "provider_outage": ("The first AI provider fails", "O primeiro provedor de IA falha"),
    "two_providers_outage": ("Two AI providers fail", "Dois provedores de IA falham"),
}
WORDS = {
    "en": {
        "what": "Good answers, of all that were due",
        "untested": "untested",
        "lost": "messages acknowledged, and lost, in all runs",
        "of": "{acknowledged}: {lost} lost",
        "year": "a year, projected",
        "too_good": "incomplete, too good",
        "caption": "*In brackets the 95 % interval of one run's arrivals. Measured on {machine}; day and commit: "
        "{when}. The AI providers are simulated. Made by `make reference` from "
        "[docs/reference.json](docs/reference.json), which has every experiment. A run lasts a minute or "
        "two: it shows what a fault does, not what a year brings; for that see "
        "[docs/projection.md](docs/projection.md). Untested: there was no valid run, or the version has "
        "nothing of the kind.*",
        "and": " and ",
    },
    "pt": {
        "what": "Respostas boas, de todas as devidas",
        "untested": "não testado",
        "lost": "mensagens confirmadas, e perdidas, em todas as execuções",
        "of": "{acknowledged}: {lost} perdidas",
        "year": "um ano, projetado",
        "too_good": "incompleto, bom demais",
        "caption": "*Entre parênteses, o intervalo de 95 % das chegadas de uma execução. Medido em {machine}; dia e "
        "commit: {when}. Os provedores de IA são simulados. Feito por `make reference` a "
        "partir de [docs/reference.json](docs/reference.json), que tem todos os experimentos. Uma execução "
        "dura um ou dois minutos: mostra o que uma falha faz, não o que um ano traz; para isso, "
        "[docs/projection.md](docs/projection.md). Não testado: não houve execução válida, ou a versão não "
        "tem nada do tipo.*",
        "and": " e ",
    },
}  # fmt: skip


def keep(comparison: Mapping[str, Any], results: Path) -> dict[str, Any]:
    """Return what of a comparison is committed, each campaign with its commit, moment and machine.

    Raises HarnessError for a campaign that ran with uncommitted changes: nobody could repeat it.
    """
    return {
        "schema": 1,
        "phases": [{**phase, "campaigns": _campaigns(phase, results)} for phase in comparison["phases"]],
        "experiments": [
            {"experiment": row["experiment"], "cells": {p: _cell(cell) for p, cell in row["cells"].items()}}
            for row in comparison["experiments"]
        ],
        "projections": {p: projected and _year(projected) for p, projected in comparison["projections"].items()},
    }


def merged(kept: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return `kept` with the versions of the reference `before` of which it has no campaign, and their names."""
    fresh = {phase["phase"] for phase in kept["phases"] if phase["campaigns"]}
    old = {phase["phase"]: phase for phase in before["phases"] if phase["phase"] not in fresh and phase["campaigns"]}
    phases = {phase["phase"]: phase for phase in kept["phases"]} | old
    rows = {row["experiment"]: dict(row["cells"]) for row in kept["experiments"]}
    for row in before["experiments"]:
        cells = {phase: cell for phase, cell in row["cells"].items() if phase in old}
        if any(cell["tested"] for cell in cells.values()) or row["experiment"] in rows:
            rows.setdefault(row["experiment"], {}).update(cells)
    nothing = {"tested": False, "because": "It was not there when this version was measured."}
    experiments = [
        {"experiment": name, "cells": {phase: cells.get(phase, nothing) for phase in sorted(phases)}}
        for name, cells in rows.items()
    ]
    years = {**kept["projections"], **{phase: before["projections"][phase] for phase in old}}
    whole = {"phases": [phases[phase] for phase in sorted(phases)], "experiments": experiments, "projections": years}
    return {**kept, **whole}, sorted(old)


def _campaigns(phase: Mapping[str, Any], results: Path) -> list[dict[str, Any]]:
    found = []
    for each in phase["campaigns"]:
        record = read_campaign(_folder(each["campaign"], results))
        if record.git.dirty or not record.git.sha:
            problem = f"{record.campaign} was measured with uncommitted changes: nobody could repeat it."
            raise HarnessError(problem, f"Commit, remove its folder from {results}, then {COMPARE}.")
        found.append({**each, "started": record.started, "git": asdict(record.git), "machine": record.machine})
    return found


def _folder(campaign: str, results: Path) -> Path:
    """Where a campaign of the comparison lies: among the results, or among those that are committed already."""
    own = results / campaign
    return own if own.exists() else committed() / campaign


def _keep_runs(root: Path, comparison: Mapping[str, Any], results: Path) -> None:
    """Commit the runs that the figures come from, in place of those of the same versions that were there."""
    used: dict[str, dict[str, set[str]]] = {}
    for row in comparison["experiments"]:
        for phase, cell in row["cells"].items():
            if cell["tested"]:
                used.setdefault(phase, {}).setdefault(cell["campaign"], set()).update(cell["runs"])
    for phase, campaigns in used.items():
        for name, runs in campaigns.items():
            if (results / name).exists():
                keep_runs(results / name, runs, root / KEPT)
        for old in (root / KEPT).glob(f"{phase}-*"):
            if old.name not in campaigns:
                shutil.rmtree(old)


def _cell(cell: Mapping[str, Any]) -> dict[str, Any]:
    if not cell["tested"]:
        return {"tested": False, "because": cell["because"]}
    names = ("label", "availability", "lost_s", "harmed", "mitigated", "recovered", "p95_s", "messages", "alerts")
    claims = [{name: claim[name] for name in ("id", "verdict")} for claim in cell["claims"]]
    return {"tested": True, **{n: cell[n] for n in names}, "claims": claims, "campaign": cell["campaign"]}


def _year(projection: Mapping[str, Any]) -> dict[str, Any]:
    names = ("availability", "minutes_lost_a_year", "incomplete", "claims", "years", "seed")
    return {name: projection[name] for name in names}


def table(reference: Mapping[str, Any], language: str) -> str:
    """Return the table of a README, in Markdown, with what has to be known to read it."""
    words = WORDS[language]
    say = _Say(language)
    phases = [phase["phase"] for phase in reference["phases"]]
    cells = {row["experiment"]: row["cells"] for row in reference["experiments"]}
    lines = [_line([words["what"], *phases]), _line(["---"] * (1 + len(phases)))]
    for name, titles in ROWS.items():
        row = cells.get(name, {})
        title = f"{titles[list(WORDS).index(language)]} (`{name}`)"
        lines.append(_line([title, *(say.cell(row.get(phase)) for phase in phases)]))
    lines.append(_line([words["lost"], *(say.messages(cells, phase) for phase in phases)]))
    lines.append(_line([words["year"], *(say.year(reference["projections"].get(phase)) for phase in phases)]))
    return "\n".join([*lines, "", say.caption(reference)])


class _Say:
    """Figures as words of one language."""

    def __init__(self, language: str) -> None:
        self._words = WORDS[language]
        self._language = language

    def cell(self, cell: Mapping[str, Any] | None) -> str:
        if cell is None or not cell["tested"]:
            return self._words["untested"]
        share = cell["availability"]
        if share is None:
            return self._words["untested"]
        return self._local(f"{percent(share['value'])} ({percent(share['low'])} – {percent(share['high'])})")

    def messages(self, cells: Mapping[str, Mapping[str, Any]], phase: str) -> str:
        counted = [row[phase]["messages"] for row in cells.values() if row.get(phase, {}).get("messages")]
        if not counted:
            return self._words["untested"]
        total, lost = (sum(each[name] for each in counted) for name in ("acknowledged", "lost"))
        return self._words["of"].format(acknowledged=self._local(f"{total:,}"), lost=self._local(f"{lost:,}"))

    def year(self, projection: Mapping[str, Any] | None) -> str:
        if not projection:
            return self._words["untested"]
        share = projection["availability"]
        text = self._local(f"{percent(share['mean'])} ({percent(share['low'])} – {percent(share['high'])})")
        return f"{text}, {self._words['too_good']}" if projection["incomplete"] else text

    def caption(self, reference: Mapping[str, Any]) -> str:
        measured = {phase["phase"]: phase["campaigns"] for phase in reference["phases"] if phase["campaigns"]}
        campaigns = [each for every in measured.values() for each in every]
        machines = sorted({machine_in_words(each["machine"], self._language) for each in campaigns})
        return self._words["caption"].format(
            machine=self._words["and"].join(machines),
            when=", ".join(self._when(phase, campaigns) for phase, campaigns in measured.items()),
        )

    def _when(self, phase: str, campaigns: list[Mapping[str, Any]]) -> str:
        """Day and commit of every campaign that a version's figures come from."""
        runs = dict.fromkeys((each["started"][:10], each["git"]["sha"][:7]) for each in campaigns)
        return f"{phase} " + self._words["and"].join(f"{day} ({commit})" for day, commit in runs)

    def _local(self, figure: str) -> str:
        return localized(figure, self._language)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def spliced(path: Path, text: str, block: str) -> str:
    """Return `text`, the words of the file `path`, with `block` between its marks. Raises HarnessError without them."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise HarnessError(f"{path}: the marks {BEGIN} and {END} are not both there.", "Put them back, in this order.")
    return f"{head}{BEGIN}\n\n{block}\n\n{END}{tail}"


def rewritten(root: Path, reference: Mapping[str, Any]) -> dict[Path, str]:
    """Return both READMEs under `root` as they must be by a reference. Raises HarnessError."""
    return {
        root / path: spliced(path, (root / path).read_text(encoding="utf-8"), table(reference, language))
        for language, path in READMES.items()
    }


def commit(root: Path, results: Path) -> tuple[list[Path], list[str]]:
    """Keep the comparison under `results` as the reference, and write the tables.

    Returns the files that were written, and the versions that stay as they were: the comparison has no runs of them.
    Raises HarnessError when there is no comparison, or it cannot be repeated; nothing is written then.
    """
    comparison = _read(results / "comparison" / "comparison.json", f"Run {COMPARE} first.")
    kept, stay = keep(comparison, results), list[str]()
    if (root / REFERENCE).exists():
        kept, stay = merged(kept, _read(root / REFERENCE, f"Take it from the last commit: git checkout {REFERENCE}."))
    written = {root / REFERENCE: json.dumps(kept, indent=1, ensure_ascii=False) + "\n", **rewritten(root, kept)}
    _keep_runs(root, comparison, results)
    for file, text in written.items():
        write_whole(file, text)
    return list(written), stay


def _read(path: Path, remedy: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path}: it cannot be read ({error}).", remedy) from None
    return found
