"""With ten times as many users from one second to the next, the target goes on serving all, and so afterwards."""

from harness.experiment import Experiment, Spike

EXPERIMENT = Experiment(load=Spike(per_s=10, times=10, at_s=6, lasts_s=20), duration_s=34)
