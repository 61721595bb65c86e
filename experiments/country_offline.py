"""When a whole country loses its network, the users in it and the region that stands there, everybody else is served as
before, and no acknowledged message is lost.
"""

from harness.experiment import At, Experiment
from harness.faults.wide_area import PlaceCut, WanCut

COUNTRY = (At(8, WanCut(("eu-west",)), lasts_s=35), At(8, PlaceCut("frankfurt"), lasts_s=35))
EXPERIMENT = Experiment(timeline=COUNTRY, places=True, duration_s=64)
