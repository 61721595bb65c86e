"""When the cache restarts with nothing in it, users notice nothing: the truth is in the database."""

from harness.experiment import At, Experiment
from harness.faults.restart_with_loss import RestartWithLoss

EXPERIMENT = Experiment(timeline=(At(8, RestartWithLoss(role="cache")),))
