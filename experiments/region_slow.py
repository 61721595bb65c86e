"""When the way between the regions takes ten times as long, answers take longer by what a COMMIT waits, and nobody
fails.
"""

from harness.experiment import At, Experiment
from harness.faults.wide_area import WanSlow

EXPERIMENT = Experiment(timeline=(At(8, WanSlow(("us-east", "eu-west")), lasts_s=25),), places=True, duration_s=52)
