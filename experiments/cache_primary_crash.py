"""When the primary of the cache is lost and stays away, users notice next to nothing, and what it held is kept."""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

EXPERIMENT = Experiment(
    timeline=(At(8, Crash(role="cache", only="primary", stays_away=True), lasts_s=20),), duration_s=40
)
