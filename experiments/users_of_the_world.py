"""Users in Sao Paulo, Virginia, Frankfurt and Tokyo are all served, and wait hardly longer than the way there takes."""

from harness.experiment import Experiment

EXPERIMENT = Experiment(places=True, duration_s=24)
