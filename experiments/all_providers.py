"""When every AI provider fails, the best answer left is a quick and honest one: 503 with Retry-After, the user's
message not lost, and all well again within seconds of their return.
"""

from harness.experiment import At, Experiment
from harness.faults.provider_error import ProviderError

ROLES = ("provider", "second-provider", "third-provider", "fourth-provider")
ALL = tuple(At(8, ProviderError(role=role, status=503), lasts_s=18) for role in ROLES)
EXPERIMENT = Experiment(timeline=ALL, duration_s=44)
