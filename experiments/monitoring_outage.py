"""When the whole monitoring is lost and stays away, users notice nothing. (Nor is anybody told of anything then.)"""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

EXPERIMENT = Experiment(timeline=(At(6, Crash(role="monitoring", stays_away=True), lasts_s=20),), duration_s=36)
