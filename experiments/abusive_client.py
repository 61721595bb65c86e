"""One client that sends fifty times as much as it may (100/s where 2/s are allowed) is held off, and nobody else
notices anything of it.
"""

from harness.experiment import Abuser, Experiment

EXPERIMENT = Experiment(abuser=Abuser(per_s=100, at_s=5, lasts_s=14), duration_s=26)
