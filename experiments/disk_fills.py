"""When the disk of the primary of the database fills up, what cannot be kept is refused, and nothing that was
acknowledged is lost; another takes over, or it goes on as soon as there is space again.
"""

from harness.experiment import At, Experiment
from harness.faults.fill_disk import FillDisk

# 20 s until it is full, and as long again in which writing on it fails.
EXPERIMENT = Experiment(
    timeline=(At(6, FillDisk(role="database", only="primary", within_s=20), lasts_s=40),), duration_s=70
)
