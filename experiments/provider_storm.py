"""When the first AI provider turns most requests away with 429 and the second one takes too long to begin, chats go on
without a break, and nobody asks a failing provider again and again.
"""

from harness.experiment import At, Experiment
from harness.faults.provider_error import ProviderError
from harness.faults.provider_slow import ProviderSlow

# Six in ten and not all: such a provider is never away long enough to be given up for good.
LIMITED = ProviderError(role="provider", status=429, retry_after_s=2, share=0.6)
SLOW = ProviderSlow(role="second-provider", first_token_s=4.0)
EXPERIMENT = Experiment(timeline=(At(8, LIMITED, lasts_s=20), At(8, SLOW, lasts_s=20)), duration_s=44)
