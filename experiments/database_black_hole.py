"""A database whose network swallows every packet harms no longer than it lasts: time-outs free what waits for it."""

from harness.experiment import At, Experiment
from harness.faults.link_black_hole import LinkBlackHole

EXPERIMENT = Experiment(timeline=(At(8, LinkBlackHole("database"), lasts_s=12),))
