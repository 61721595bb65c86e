"""Without the cache the API goes on, reading its context from the database instead.

The cache is stopped and started again; what it held before and right after tells whether a restart loses it.
"""

from harness.experiment import At, Experiment
from harness.faults.stop import Stop

EXPERIMENT = Experiment(timeline=(At(8, Stop(role="cache"), lasts_s=15),))
