"""The load climbs in steps until an objective breaks: the highest step that held is what the target carries."""

from harness.experiment import Experiment, Steps

# 25/s are about 275 users who think for 10 s between requests. The deadline bounds what a broken step leaves behind.
EXPERIMENT = Experiment(load=Steps(rates=(10, 25, 50, 75, 100, 125, 150, 200), each_s=4), duration_s=32, deadline_s=5)
