"""A judged campaign as series: all of its runs, one after another, and at its end what became of each claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from harness.campaign_record import CampaignRecord, read_campaign
from harness.checks import CHECKS
from harness.claims import Claims
from harness.conclusion import stored_claims
from harness.observe import names
from harness.observe.runs import series_of_run
from harness.observe.series import Axis, Series
from harness.stored import Unreadable, read_stored
from harness.summary_schema import ClaimPart, Summary

SUMMARY = "summary.json"


def read_summary(folder: Path) -> Summary:
    """Read a campaign's summary. Raises Unreadable where it was not judged yet, or the file is spoilt."""
    if not (folder / SUMMARY).is_file():
        raise Unreadable(folder / SUMMARY, "the campaign has not ended, or was not judged (`harness judge` does that)")
    return read_stored(folder / SUMMARY, Summary)


def series_of_campaign(folder: Path) -> Iterator[Series]:
    """Yield the series of all runs of a judged campaign and of the campaign itself; one run is in memory at a time.

    Raises Unreadable naming what is missing or spoilt.
    """
    record, summary = read_campaign(folder), read_summary(folder)
    parts = {part.run: part for part in summary.runs}
    for run in record.runs:
        place = folder / run
        yield from series_of_run(place, record.campaign, parts.get(place.name))
    yield from series_of_claims(record, summary, stored_claims(folder), ended(record))


def ended(record: CampaignRecord) -> float:
    """Return when the campaign ended (s since 1970); of one that was cut off only its beginning is known."""
    return datetime.fromisoformat(record.finished or record.started).timestamp()


def series_of_claims(record: CampaignRecord, summary: Summary, claims: Claims, at_s: float) -> Iterator[Series]:
    """Yield what is known of the campaign itself from `at_s` (s since 1970) on."""
    axis = Axis(at_s, 0.0, 0.0)
    own = {"phase": record.phase, "campaign": record.campaign}
    git = record.git.sha[:12] + ("-dirty" if record.git.dirty else "")
    info = {**own, "git": git, "valid": "true" if summary.valid else "false"}
    yield Series(names.CAMPAIGN_INFO, info, *axis.held(1.0, 0.0))
    for part in summary.claims:
        yield from _claim(part, own, axis)
    for claim in claims.claims:
        if claim.threshold is None or claim.check is None:
            continue
        direction = "at_most" if claim.at_least is None else "at_least"
        counted = {"check": claim.check, "unit": CHECKS[claim.check].unit}
        said = {**own, "claim": claim.id, **counted, "direction": direction}
        yield Series(names.CLAIM_BOUND, said, *axis.held(claim.threshold.bound, 0.0))


def _claim(part: ClaimPart, own: Mapping[str, str], axis: Axis) -> Iterator[Series]:
    about = {**own, "claim": part.id}
    judged = {**about, "experiment": part.experiment or "", "kind": part.kind, "verdict": part.verdict.value}
    yield Series(names.CLAIM_VERDICT, judged, *axis.held(1.0, 0.0))
    if part.measured is None:
        return
    measured = part.measured
    for metric, value in (
        (names.CLAIM_MEASURED, measured.value),
        (names.CLAIM_LOW, measured.low),
        (names.CLAIM_HIGH, measured.high),
    ):
        if value is not None:
            yield Series(metric, {**about, "unit": measured.unit}, *axis.held(value, 0.0))
