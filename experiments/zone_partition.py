"""When zones a and b do not hear of each other any more, nothing is said twice and differently: each message that was
acknowledged is still there when they hear of each other again.
"""

from harness.experiment import At, Experiment
from harness.faults.partition import Partition

EXPERIMENT = Experiment(timeline=(At(8, Partition(("a", "b")), lasts_s=30),), duration_s=54)
