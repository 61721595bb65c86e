"""When the edge in front of everything dies, something brings it back within seconds."""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

EXPERIMENT = Experiment(timeline=(At(8, Crash(role="edge")),), duration_s=32)
