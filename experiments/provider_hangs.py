"""When the provider takes requests and never answers them, users are told so in bounded time, and the target gets over
it at once. (The deadline is long so that how long the target itself waits can be seen.)
"""

from harness.experiment import At, Experiment
from harness.faults.provider_hang import ProviderHang

EXPERIMENT = Experiment(
    timeline=(At(5, ProviderHang(role="provider"), lasts_s=4),),
    duration_s=14,
    deadline_s=34,
)
