"""When everything in zone a is lost at the same moment and stays away, the target goes on in what is left of it; where
there is no second zone, that takes everything.
"""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

# 30 s: a fail-over that waits for a lease to run out must have the time for it.
EXPERIMENT = Experiment(timeline=(At(5, Crash(zone="a", stays_away=True), lasts_s=30),), duration_s=43)
