"""When the app process dies, something brings it back within seconds, and no acknowledged message is lost."""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

# One process: where there are several, the others go on.
EXPERIMENT = Experiment(timeline=(At(8, Crash(role="app", only="one")),))
