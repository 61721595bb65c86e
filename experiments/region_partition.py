"""When the two regions do not hear of each other any more, and everything in each of them goes on running, nothing is
said twice and differently: the side without a quorum refuses what it cannot keep, and each message that was
acknowledged is still there when they hear of each other again.
"""

from harness.experiment import At, Experiment
from harness.faults.wide_area import WanCut

EXPERIMENT = Experiment(timeline=(At(8, WanCut(("us-east", "eu-west")), lasts_s=40),), places=True, duration_s=72)
