"""When everything in the zone that holds the primary of the database is lost at the same moment and stays away, the
target goes on in what is left of it; where there is no second zone, that takes everything.
"""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

# Of two zones the worse one, so that what is measured does not hang on where the last run left the primary.
# 30 s: a fail-over that waits for a lease to run out must have the time for it.
ZONE = Crash(zone_of="database", stays_away=True)
EXPERIMENT = Experiment(timeline=(At(5, ZONE, lasts_s=30),), duration_s=52)
