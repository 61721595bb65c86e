"""With ten times as many users from one second to the next, the target goes on serving all, and so afterwards."""

from harness.experiment import Experiment, Spike

# 40/s at the peak: two processors carry that, load generator and all, so that it is the target that is seen.
EXPERIMENT = Experiment(load=Spike(per_s=4, times=10, at_s=8, lasts_s=20), duration_s=36)
