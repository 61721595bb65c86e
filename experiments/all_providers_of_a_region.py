"""When both AI providers near one region fail at once, those near the other stand in for them for all users."""

from harness.experiment import At, Experiment
from harness.faults.provider_error import ProviderError

FIRST = ProviderError(role="provider", status=503)
SECOND = ProviderError(role="second-provider", status=503)
BOTH = (At(8, FIRST, lasts_s=20), At(8, SECOND, lasts_s=20))
EXPERIMENT = Experiment(timeline=BOTH, places=True, duration_s=44)
