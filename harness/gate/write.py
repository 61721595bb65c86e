"""`verify.md` for people and `verify.junit.xml` for CI: both a function of the comparisons alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from harness.gate.decide import Comparison, Finding, Outcome
from harness.wording import quantity

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
        f"{comparison.experiment}: {metric.name} ({metric.says}) went from {figure(comparison.before, unit)} to "
        f"{figure(comparison.after, unit)}; worse by {between(difference.low, difference.high, unit)} "
        f"in {comparison.pairs} pairs, margin {figure(comparison.margin, unit)}"
    )
    return f"{text}; {comparison.because}." if comparison.because else f"{text}."


def figure(value: float, unit: str) -> str:
    """Return a value in its unit; times below a second in milliseconds, because reads take five of them."""
    if unit == "s" and abs(value) < 1:
        return quantity(round(value * 1000, 1) + 0.0, "ms")  # + 0.0 makes a rounded -0.0 a plain 0
    return quantity(round(value, 6) + 0.0, unit)


def between(low: float, high: float, unit: str) -> str:
    """Return an interval; its bounds may be in different units."""
    return f"{figure(low, unit)} to {figure(high, unit)}"


def _row(comparison: Comparison) -> str:
    unit, difference = comparison.metric.unit, comparison.difference
    finding = comparison.finding.value + (f" ({comparison.because})" if comparison.because else "")
    mark = f"**{finding}**" if comparison.finding is Finding.WORSE else finding
    cells = [
        comparison.experiment,
        comparison.metric.name,
        figure(comparison.before, unit),
        figure(comparison.after, unit),
        str(comparison.pairs),
        f"{figure(difference.value, unit)} ({between(difference.low, difference.high, unit)})",
        figure(comparison.margin, unit),
        mark,
    ]
    return f"| {' | '.join(cells)} |"
