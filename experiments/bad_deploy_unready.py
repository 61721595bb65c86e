"""A version that never becomes ready is deployed: the deploy stops, takes itself back, and nobody notices."""

from harness.experiment import At, Experiment
from harness.faults.bad_deploy import BadDeploy

EXPERIMENT = Experiment(timeline=(At(5, BadDeploy("unready", role="app")),), duration_s=80)
