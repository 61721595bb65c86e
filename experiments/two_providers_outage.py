"""When two AI providers fail at once, one with errors and one with silence, a third one stands in for both: apart from
the first moments, in which this has to be found out, nobody notices.
"""

from harness.experiment import At, Experiment
from harness.faults.provider_error import ProviderError
from harness.faults.provider_hang import ProviderHang

FAILS = ProviderError(role="provider", status=503)
SILENT = ProviderHang(role="second-provider")
EXPERIMENT = Experiment(timeline=(At(8, FAILS, lasts_s=20), At(8, SILENT, lasts_s=20)), duration_s=44)
