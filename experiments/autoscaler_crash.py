"""When the autoscaler is lost and stays away, users notice nothing: what runs goes on running."""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

EXPERIMENT = Experiment(timeline=(At(6, Crash(role="autoscaler", stays_away=True), lasts_s=15),), duration_s=32)
