"""When one gateway of the document store is lost and stays away, users notice next to nothing: the others stand in."""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

EXPERIMENT = Experiment(
    timeline=(At(8, Crash(role="documents", only="one", stays_away=True), lasts_s=15),), duration_s=34
)
