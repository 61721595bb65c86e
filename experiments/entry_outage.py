"""When one of several ways in is lost, users who come in elsewhere notice nothing. (Its own users are not sent
elsewhere here; an anycast or DNS entry would do so within seconds to minutes.)
"""

from harness.experiment import At, Experiment
from harness.faults.stop import Stop

EXPERIMENT = Experiment(timeline=(At(8, Stop(role="edge", only="one"), lasts_s=20),), places=True, duration_s=44)
