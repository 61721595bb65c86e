"""One client that sends fifty times as much as it may (50/s where 1/s is allowed) is held off, and nobody else notices
anything of it.
"""

from harness.experiment import Abuser, Experiment

EXPERIMENT = Experiment(abuser=Abuser(per_s=50, at_s=5, lasts_s=14), duration_s=26)
