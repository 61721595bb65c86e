"""While the first AI provider answers every request with 503, chats go on through another one, if there is one."""

from harness.faults.provider_error import ProviderError

from harness.experiment import At, Experiment

EXPERIMENT = Experiment(timeline=(At(8, ProviderError(role="provider", status=503), lasts_s=12),))
