"""`verify.md` for people and `verify.junit.xml` for CI: both a function of the comparisons alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from harness.gate.decide import Comparison, Finding, Outcome
from harness.wording import quantity, reach

SENTENCES = {
    Outcome.NO_REGRESSION: "No regression: every interval of paired differences lies inside its margin.",
    Outcome.WORSE: "Worse: at least one whole interval of paired differences lies beyond its margin.",
    Outcome.INCONCLUSIVE: "Inconclusive: what was measured does not decide.",
}


@dataclass(frozen=True)
class Report:
    """Everything that is said about one verification. `doubts` are sentences, `facts` name and value for people."""

    phase: str
    outcome: Outcome
    comparisons: Sequence[Comparison]
    doubts: Sequence[str]
    facts: dict[str, str]


def markdown(report: Report) -> str:
    """Return `verify.md`: the answer first, then what is worse, then everything."""
    lines = [f"# Has {report.phase} become worse?", "", f"**{SENTENCES[report.outcome]}**", ""]
    lines += [f"* {doubt}" for doubt in report.doubts] + ([""] if report.doubts else [])
    worse = [c for c in report.comparisons if c.finding is Finding.WORSE]
    lines += [f"* worse: {sentence(comparison)}" for comparison in worse] + ([""] if worse else [])
    lines += [
        "| experiment | metric | before | now | pairs | worse by (95 % interval) | margin | finding |",
        "|---|---|---|---|---|---|---|---|",
        *[_row(comparison) for comparison in report.comparisons],
        "",
        *[f"* {name}: {value}" for name, value in report.facts.items()],
        "",
        "A difference is *after* minus *before* of runs with the same seed, turned so that more is worse.",
        "Margins and method are in `docs/gate.md`.",
    ]
    return "\n".join(lines) + "\n"


def junit(report: Report) -> str:
    """Return `verify.junit.xml`: one test case per comparison; inconclusive ones are skipped, doubts are errors."""
    counts = {finding: sum(c.finding is finding for c in report.comparisons) for finding in Finding}
    suite = ElementTree.Element(
        "testsuite",
        name=f"verify {report.phase}",
        tests=str(len(report.comparisons) + len(report.doubts)),
        failures=str(counts[Finding.WORSE]),
        errors=str(len(report.doubts)),
        skipped=str(counts[Finding.INCONCLUSIVE]),
    )
    for comparison in report.comparisons:
        name, group = comparison.metric.name, f"{report.phase}.{comparison.experiment}"
        case = ElementTree.SubElement(suite, "testcase", classname=group, name=name)
        if comparison.finding is Finding.WORSE:
            ElementTree.SubElement(case, "failure", message=sentence(comparison))
        elif comparison.finding is Finding.INCONCLUSIVE:
            ElementTree.SubElement(case, "skipped", message=sentence(comparison))
    for number, doubt in enumerate(report.doubts, start=1):
        case = ElementTree.SubElement(suite, "testcase", classname=f"{report.phase}.instrument", name=f"doubt {number}")
        ElementTree.SubElement(case, "error", message=doubt)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def sentence(comparison: Comparison) -> str:
    """Return one comparison as a sentence."""
    unit, metric, difference = comparison.metric.unit, comparison.metric, comparison.difference
    text = (
        f"{comparison.experiment}: {metric.name} ({metric.says}) went from {quantity(comparison.before, unit)} to "
        f"{quantity(comparison.after, unit)}; worse by {reach(difference.low, difference.high, unit)} "
        f"in {comparison.pairs} pairs, margin {quantity(comparison.margin, unit)}"
    )
    return f"{text}; {comparison.because}." if comparison.because else f"{text}."


def _row(comparison: Comparison) -> str:
    unit, difference = comparison.metric.unit, comparison.difference
    finding = comparison.finding.value + (f" ({comparison.because})" if comparison.because else "")
    mark = f"**{finding}**" if comparison.finding is Finding.WORSE else finding
    cells = [
        comparison.experiment,
        comparison.metric.name,
        quantity(comparison.before, unit),
        quantity(comparison.after, unit),
        str(comparison.pairs),
        f"{quantity(difference.value, unit)} ({reach(difference.low, difference.high, unit)})",
        quantity(comparison.margin, unit),
        mark,
    ]
    return f"| {' | '.join(cells)} |"
