"""When others take every connection that the database has left, who has connections goes on with them, and no
acknowledged message is lost.
"""

from harness.experiment import At, Experiment
from harness.faults.exhaust_connections import ExhaustConnections

EXPERIMENT = Experiment(timeline=(At(8, ExhaustConnections(role="database"), lasts_s=15),), duration_s=38)
