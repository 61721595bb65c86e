"""Every instance of the app is replaced by a fresh one under load, and nobody notices."""

from harness.experiment import At, Experiment
from harness.faults.rolling_deploy import RollingDeploy

EXPERIMENT = Experiment(timeline=(At(5, RollingDeploy(role="app")),), duration_s=62)
