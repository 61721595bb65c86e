"""A database link that adds 150 ms to every round trip makes answers later, not wrong, and the target gets over it."""

from harness.experiment import At, Experiment
from harness.faults.link_slow import LinkSlow

EXPERIMENT = Experiment(timeline=(At(8, LinkSlow("database", latency_ms=150), lasts_s=15),))
