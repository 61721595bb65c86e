"""From what lies in a campaign's folder to verdicts and reports: nothing else is looked at, so it can be done again.

manifest.json            CampaignRecord
claims.json              the claims as they were when the campaign ran
runs/<run>/              RunRecord and arrivals, see `harness.history`
summary.json, report.*   what is written here, the same bytes from the same record
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.campaign_record import FILE, read_campaign
from harness.claims import Claims, check_the_checks
from harness.errors import HarnessError, InstrumentError, one_line
from harness.history import read_history
from harness.judge import ClaimVerdict, judge
from harness.report import write_reports
from harness.rescue import KILLED, finish_record, still_at_work
from harness.stored import Unreadable, read_stored, write_whole
from harness.summary import build_summary, write_summary
from harness.verdict import Verdict

CLAIMS = "claims.json"


def store_claims(folder: Path, claims: Claims) -> None:
    """Keep the claims with the campaign: the file they came from may change, or be gone, when it is judged again."""
    write_whole(folder / CLAIMS, claims.model_dump_json(by_alias=True, indent=2) + "\n")


def stored_claims(folder: Path) -> Claims:
    """Read them back. Raises Unreadable, or ConfigError when this harness does not know one of their checks."""
    claims = read_stored(folder / CLAIMS, Claims)
    check_the_checks(folder / CLAIMS, claims)
    return claims


def conclude(folder: Path) -> dict[str, Any]:
    """Judge what lies in a campaign's folder, and write its summary and reports.

    Raises Unreadable naming the file that is missing or spoilt, InstrumentError when there is no room to write.
    """
    record = read_campaign(folder)
    claims = stored_claims(folder)
    histories = [read_history(folder / run) for run in record.runs]
    verdicts = judge(claims, histories)
    if KILLED in record.void_because:
        verdicts = [_undecided(verdict) for verdict in verdicts]
    summary = build_summary(record, histories, verdicts)
    try:
        write_summary(folder, summary)
        write_reports(folder, summary, histories)
    except OSError as error:
        problem = f"{folder}: the reports cannot be written: {error.strerror}."
        raise InstrumentError(problem, f"Make room, then `harness judge {folder}`.") from None
    return summary


def _undecided(verdict: ClaimVerdict) -> ClaimVerdict:
    """What runs said before the harness was killed is shown, and decides nothing."""
    if verdict.verdict not in (Verdict.HELD, Verdict.REFUTED):
        return verdict
    because = f"The campaign was cut off, and decides nothing. Up to then: {verdict.because}"
    return replace(verdict, verdict=Verdict.INCONCLUSIVE, because=because)


def rejudge(folder: Path) -> dict[str, Any]:
    """Judge a stored campaign again; the record of one whose harness was killed is finished first.

    Raises HarnessError when it is no campaign, is still going on, or lacks something, in one message naming the file.
    """
    if not (folder / FILE).is_file():
        raise HarnessError(
            one_line(f"{folder}: holds no {FILE}."), "Name the folder of a campaign, such as results/latest."
        )
    if read_campaign(folder).finished is None:
        if still_at_work(folder):
            raise HarnessError(f"{folder}: the campaign has not ended yet.", "Wait for its end.")
        finish_record(folder)
    try:
        return conclude(folder)
    except HarnessError:
        raise
    except Exception as error:  # whatever a spoilt record leads to, its owner needs the place and not a traceback
        why = f"what is stored in it does not fit together ({type(error).__name__}: {error})".replace("\n", " ")
        raise Unreadable(folder, why) from error


def finish_campaign(folder: Path) -> list[str]:
    """Finish the record of a campaign whose harness was killed, and judge it; return what was done, in words.

    Nothing is done where there is no such campaign, or where it was judged already. Raises InstrumentError when there
    is no room for it; a record that is spoilt is said to be so, and left as it is.
    """
    if not (folder / FILE).is_file() or (folder / "report.html").is_file():
        return []
    try:
        done = finish_record(folder)
        verdict = conclude(folder)["verdict"]
    except InstrumentError:
        raise
    except HarnessError as error:
        return [f"the record cannot be finished: {error}"]
    point_latest_to(folder)
    return [*done, f"judged what was recorded: {verdict} ({folder / 'report.html'})"]


def point_latest_to(folder: Path) -> None:
    """Make the link `latest` beside a campaign's folder lead to it."""
    link = folder.parent / ".latest.new"
    link.unlink(missing_ok=True)
    link.symlink_to(folder.name)
    link.replace(folder.parent / "latest")
