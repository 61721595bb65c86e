"""When a zone is lost and, before it is back, the first AI provider as well, what is left still serves everybody."""

from harness.experiment import At, Experiment
from harness.faults.crash import Crash
from harness.faults.provider_error import ProviderError

ZONE = Crash(zone_of="database", stays_away=True)
PROVIDER = ProviderError(role="provider", status=503)
EXPERIMENT = Experiment(timeline=(At(5, ZONE, lasts_s=35), At(20, PROVIDER, lasts_s=20)), duration_s=62)
