"""With no fault at all, every scheduled request is answered well.

The control tells how much of what the other experiments show is noise of the laboratory itself.
"""

from harness.experiment import Experiment

EXPERIMENT = Experiment()
