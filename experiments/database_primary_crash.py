"""When the primary of the database is lost and stays away, another takes over by itself while it is still away, and no
acknowledged message is lost.
"""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash

# 40 s: a standby that waits for the primary's lease to run out takes 20 to 30 s, and must then be seen to work.
EXPERIMENT = Experiment(
    timeline=(At(8, Crash(role="database", only="primary", stays_away=True), lasts_s=40),), duration_s=66
)
