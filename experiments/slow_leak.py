"""When the memory of one app process climbs to its limit and the kernel ends it, users notice next to nothing, and
something brings it back by itself.
"""

from harness.experiment import At, Experiment
from harness.faults.fill_memory import FillMemory

# The last steps may take a little longer than planned: what can be given back is given back first.
EXPERIMENT = Experiment(timeline=(At(5, FillMemory(role="app", only="one", within_s=25), lasts_s=38),), duration_s=52)
