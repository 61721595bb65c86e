"""When most nodes of the database are lost, its primary among them, and stay away, what is left refuses to write rather
than forget: every message that was acknowledged is there when they are back.
"""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

# 25 s: longer than the lease of the primary, so that the node that is left has the chance to do the wrong thing.
EXPERIMENT = Experiment(
    timeline=(At(8, Crash(role="database", only="majority", stays_away=True), lasts_s=25),), duration_s=60
)
