"""When the whole region that holds the primary of the database is lost at the same moment and stays away, the other
one takes over: its own users notice only the database's fail-over, those of the lost one are served again within
seconds, and no acknowledged message is lost.
"""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

REGION = Crash(region_of="database", stays_away=True)
EXPERIMENT = Experiment(timeline=(At(8, REGION, lasts_s=40),), places=True, duration_s=110)
