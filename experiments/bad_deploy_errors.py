"""A version that calls itself ready and answers every chat with 500 is deployed: the deploy stops and takes itself
back, and no more requests are lost than one instance gets.
"""

from harness.experiment import At, Experiment
from harness.faults.bad_deploy import BadDeploy

EXPERIMENT = Experiment(timeline=(At(5, BadDeploy("errors", role="app")),), duration_s=64)
