"""While the database is lost (its process is killed and its host does not come back for 12 s), what needs it fails;
afterwards the target mends itself, and no acknowledged message is lost.
"""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

EXPERIMENT = Experiment(timeline=(At(8, Crash(role="database", stays_away=True), lasts_s=12),))
