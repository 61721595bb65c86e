"""What experiments measured, in words for the architecture page: by component, each with the file it stands in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from harness.kept import KEPT
from harness.pages.architecture import Measured
from harness.pages.model import Diagram
from harness.pages.page_words import page_words
from harness.pages.results import SUMMARY, Campaign, newest_of, struck
from harness.pages.words import Language
from harness.wording import localized


def measured_of(diagrams: Sequence[Diagram], stored: Sequence[Campaign], language: Language) -> dict[str, Measured]:
    """Return, by phase, what the newest valid run of each experiment says, and which runs can be replayed."""
    return {diagram.phase: _phase(diagram, stored, language) for diagram in diagrams}


def _phase(diagram: Diagram, stored: Iterable[Campaign], language: Language) -> Measured:
    hits: dict[str, list[dict[str, str]]] = {}
    runs: list[dict[str, str]] = []
    for experiment, (campaign, run) in newest_of(stored, diagram.phase).items():
        if (campaign.folder / "runs" / run["run"]).is_dir():
            runs.append(
                {
                    "address": f"/api/replay/{quote(campaign.name)}/{quote(run['run'])}",
                    "experiment": experiment,
                    "run": run["run"],
                    "campaign": campaign.name,
                }
            )
        for fault in run["faults"]:
            if fault["receipt"] != "confirmed":
                continue
            for name in struck(diagram, fault["aimed_at"], fault.get("evidence", ())):
                hits.setdefault(name, []).append(_hit(campaign, run, fault, language))
    return Measured(hits, sorted(runs, key=lambda r: (not _has_fault(r, stored), r["experiment"])))


def _has_fault(entry: Mapping[str, str], stored: Iterable[Campaign]) -> bool:
    """Runs in which something strikes come first: they are what one wants to see."""
    campaign = next(c for c in stored if c.name == entry["campaign"])
    return bool(campaign.run(entry["run"])["faults"])


def _hit(campaign: Campaign, run: Mapping[str, Any], fault: Mapping[str, Any], language: Language) -> dict[str, str]:
    words = page_words(language)
    said = []
    if run["availability"] is not None:
        shares = {key: share(run["availability"][key], language) for key in ("value", "low", "high")}
        said.append(words["hit_available"].format(**shares))
    if fault["lost_s"] is not None:
        said.append(words["hit_lost"].format(seconds=number(fault["lost_s"], language)))
    if fault["recovered_after_s"] is not None:
        said.append(words["hit_recovered"].format(seconds=number(fault["recovered_after_s"], language)))
    elif fault.get("recovery_censored"):
        said.append(words["hit_not_recovered"])
    return {
        "experiment": str(run["experiment"]),
        "fault": str(fault["name"]),
        "aimed_at": str(fault["aimed_at"]),
        "said": " ".join(said),
        "file": f"{KEPT.as_posix() + '/' if campaign.committed else ''}{campaign.name}/{SUMMARY}",
        "run": str(run["run"]),
        "address": f"/campaigns/{quote(campaign.name)}/{SUMMARY}",
    }


def number(value: float | None, language: Language) -> str:
    """Return a figure as people of the language write it; a dash where there is none."""
    if value is None:
        return "–"
    text = f"{value:,.1f}" if value % 1 else f"{value:,.0f}"
    return localized(text, language)


def share(value: float | None, language: Language) -> str:
    """Return a share in per cent, with two decimals where it is not round."""
    if value is None:
        return "–"
    text = f"{100 * value:.2f}".rstrip("0").rstrip(".") + " %"
    return text if language == "en" else text.replace(".", ",")
