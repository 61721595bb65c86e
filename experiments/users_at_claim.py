"""The target carries as many simultaneous users as its phase claims, each thinking as long as target.toml says."""

from harness.experiment import ClaimedUsers, Experiment

EXPERIMENT = Experiment(load=ClaimedUsers(), duration_s=60)
