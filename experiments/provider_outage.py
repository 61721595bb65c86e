"""While the first AI provider answers every request with 503, chats go on through another one, if there is one."""

from harness.experiment import At, Experiment
from harness.faults.provider_error import ProviderError

EXPERIMENT = Experiment(timeline=(At(8, ProviderError(role="provider", status=503), lasts_s=12),))
