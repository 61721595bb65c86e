"""What the reference server says about itself becomes the receipts of a run, and doubts where it was not on time."""

import pytest

from harness.calibration.chain import WayThere, _fault, _server_doubts
from harness.calibration.process import Served
from tests.unit.calibration.scripts import episode, script

SCRIPT = script(episode("refused", 2, 1), episode("503", 5, 1, share=0.5))


def doubts(served, way=None):
    return _server_doubts([_fault(SCRIPT, index, served) for index in range(2)], way)


def test_on_time_is_confirmed_and_says_what_it_did():
    served = Served([(5.1, 510, 1), (5.2, 520, -1), (5.3, 530, 1)], {0: [2.001, 3.002]})
    refused, unavailable = (_fault(SCRIPT, index, served) for index in range(2))
    assert (refused.receipt.status, refused.receipt.on_s, refused.receipt.off_s) == ("confirmed", 2.001, 3.002)
    assert (unavailable.receipt.status, unavailable.receipt.delivered) == ("confirmed", {"requests": 2})
    assert unavailable.aimed_at == "50 %"
    assert doubts(served) == []


@pytest.mark.parametrize("moments", [[2.2, 3.0], [2.0, 3.2], [2.2, 3.019]])
def test_a_socket_that_is_switched_late_is_a_mismatch_that_may_be_repeated(moments):
    assert _fault(SCRIPT, 0, Served([], {0: moments})).receipt.status == "mismatch"
    assert doubts(Served([], {0: moments})) == ["refused at 2 s began or ended 200 ms late (once)"]


@pytest.mark.parametrize("served", [None, Served([], {}), Served([], {0: [2.0]})])
def test_a_socket_that_nobody_saw_closed_and_opened_is_missing(served):
    assert _fault(SCRIPT, 0, served).receipt.status == "missing"
    assert "the receipt of refused at 2 s is missing" in doubts(served)


def test_a_server_that_is_reached_late_is_doubted():
    assert doubts(Served([], {0: [2, 3]}), WayThere(2.0, 49.0)) == []
    (reason,) = doubts(Served([], {0: [2, 3]}), WayThere(2.0, 80.0))
    assert reason == "requests reached the reference server 80 ms late (p99)"
