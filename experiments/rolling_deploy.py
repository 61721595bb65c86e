"""Every instance of the app is replaced by a fresh one under load, and nobody notices."""

from harness.experiment import At, Experiment
from harness.faults.rolling_deploy import RollingDeploy

# 110 s: three replicas, one after the other, each watched for a while before the next, on a machine that is busy.
EXPERIMENT = Experiment(timeline=(At(5, RollingDeploy(role="app")),), duration_s=110)
