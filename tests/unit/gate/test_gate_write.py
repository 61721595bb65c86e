"""What people and CI read about a verification."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from harness.gate.decide import Outcome, compare_all, conclude
from harness.gate.write import Report, junit, markdown
from tests.fakes.simulated_v1 import SimulatedV1, verification


def report(after: SimulatedV1, *doubts: str, repeats: int = 3) -> Report:
    comparisons = compare_all(verification(SimulatedV1(), after, 1, repeats))
    return Report("v1", conclude(comparisons, doubts), comparisons, doubts, {"machine": "2 cores"})


def test_markdown_begins_with_the_answer_and_names_what_is_worse() -> None:
    text = markdown(report(SimulatedV1(database_s=0.1)))
    assert text.splitlines()[2].startswith("**Worse:")
    assert "* worse: control: read_p50_s (median latency of reads) went from" in text
    assert "| control | availability | 100 % | 100 % | 3 |" in text


def test_junit_counts_what_it_holds() -> None:
    for given in (report(SimulatedV1(database_s=0.1)), report(SimulatedV1(), "a run is void", repeats=1)):
        suite = ElementTree.fromstring(junit(given))
        for attribute, tag in (("failures", "failure"), ("skipped", "skipped"), ("errors", "error")):
            assert int(suite.attrib[attribute]) == len(suite.findall(f"testcase/{tag}"))
        assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
    assert given.outcome is Outcome.INCONCLUSIVE
    assert int(suite.attrib["errors"]) == 1


def test_junit_keeps_what_xml_would_take_for_markup() -> None:
    given = replace(report(SimulatedV1()), doubts=['late & void <"x">'])
    suite = ElementTree.fromstring(junit(given))
    assert [e.attrib["message"] for e in suite.findall("testcase/error")] == ['late & void <"x">']


def test_no_regression_fails_nothing() -> None:
    given = report(replace(SimulatedV1(), noise=0.005))
    assert given.outcome is Outcome.NO_REGRESSION
    assert "failure" not in junit(given).replace("failures=", "").replace("failure_wait_s", "")
