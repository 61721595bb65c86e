"""When one app process is alive but stuck, users are soon served by the others, and something replaces it by itself."""

from harness.experiment import At, Experiment
from harness.faults.hang import Hang

# 40 s: failed health checks, the grace in which it does not hear that it shall end, and a fresh start must fit in.
EXPERIMENT = Experiment(timeline=(At(8, Hang(role="app", only="one"), lasts_s=40),), duration_s=60)
