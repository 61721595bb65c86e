"""The judge's verdicts about truths are what they must be, and an instrument that lies gets others."""

import numpy as np

from harness.calibration.compare import Truth
from harness.calibration.result import wrong_verdicts
from harness.calibration.verdicts import claims_about, judged
from harness.judge import judge
from harness.report.charts import run_chart
from harness.summary import build_summary
from tests.fakes.histories import campaign, fault
from tests.unit.calibration.scripts import episode, script
from tests.unit.calibration.test_calibration_compare import SCRIPT, measured


def verdicts(truth, seen):
    claims = claims_about([truth])
    return judged(build_summary(campaign(), [seen], judge(claims, [seen])))


def test_what_is_true_is_held_and_what_is_false_is_refuted():
    found = verdicts(*measured(experiment="script"))
    assert [(one.expected, one.verdict, one.right) for one in found] == [
        ("HELD", "HELD", True),
        ("REFUTED", "REFUTED", True),
    ]
    assert wrong_verdicts(found) == []


def test_a_lying_instrument_is_told_by_its_verdicts():
    truth, seen = measured(experiment="script", lie=lambda due, good: np.ones_like(good))
    (reason,) = wrong_verdicts(verdicts(truth, seen))
    assert "was judged HELD, and it must be REFUTED" in reason


def test_a_void_run_is_left_out():
    assert verdicts(*measured(experiment="script", void_because=["ill"])) == []


def test_a_truth_of_nothing_but_good_has_only_one_claim():
    due_s = np.linspace(0, 19.9, 2000)
    blank = Truth(script(), due_s, np.ones(2000, dtype=np.bool_))
    dead = Truth(script(episode("hang", 0, 20)), due_s, np.ones(2000, dtype=np.bool_))
    names = [claim.id for claim in claims_about([blank, dead]).claims]
    assert names == ["run-1-must-be-held", "run-2-must-be-refuted"]
    assert claims_about([Truth(SCRIPT, due_s, due_s >= 0)]).claims[0].experiment == "script"


def test_labels_of_faults_that_crowd_a_picture_leave_room_for_each_other():
    many = [fault(on_s=at, off_s=at + 0.1, name="503", aimed_at="all") for at in (1, 1.5, 2, 10, 12)]
    picture = run_chart(measured(faults=many)[1], "c1", "x")
    assert picture.count(">503, all<") == 3
