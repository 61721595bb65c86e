"""A provider whose first token takes 4 s more makes answers later, not fewer."""

from harness.experiment import At, Experiment
from harness.faults.provider_slow import ProviderSlow

EXPERIMENT = Experiment(timeline=(At(8, ProviderSlow(role="provider", first_token_s=4.0), lasts_s=12),))
