"""An answer that the provider cuts off without an end is never passed on as if it were complete."""

from harness.experiment import At, Experiment
from harness.faults.provider_truncated import ProviderTruncated

EXPERIMENT = Experiment(timeline=(At(8, ProviderTruncated(role="provider"), lasts_s=12),))
