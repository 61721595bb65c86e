"""Where users are, and how far that is from the target: one table, with its source.

The target stands for something in Virginia (us-east-1). Each place has the round-trip time to there, and enters the
target through a door of its own whose Toxiproxy adds that much. What that cannot show: Toxiproxy accepts connections by
itself, so opening one costs no round trip, and there is no TLS and no lossy last mile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

AWS = (
    "average between AWS regions, from 'Latency Between AWS Global Regions' as tabled in "
    "https://acomputerscientistlearnsaws.blogspot.com/2017/04/aws-regions.html"
)
"""Both ways were measured; the table below has the one from Virginia. IBM's figures between its own centres of the same
places (Washington, 30 days to 2024-11-17: 119, 90 and 168 ms, github.com/ibm-cloud-docs/vpc, network-latency.md) are
as large for Sao Paulo and Frankfurt, and for Tokyo larger by a sixth."""

NEARBY = "a region to itself, https://cloudping.co (0.96 to 1.08 ms for the regions that were looked at)"


@dataclass(frozen=True)
class Place:
    """Where users may be. `rtt_ms` is the round trip (ms) between there and the target, `source` says who measured."""

    name: str
    rtt_ms: float
    source: str


PLACES: Mapping[str, Place] = {
    place.name: place
    for place in (
        Place("sao-paulo", 119.5, f"us-east-1 to sa-east-1, {AWS}"),
        Place("virginia", 1.0, NEARBY),
        Place("frankfurt", 88.7, f"us-east-1 to eu-central-1, {AWS}"),
        Place("tokyo", 145.3, f"us-east-1 to ap-northeast-1, {AWS}"),
    )
}
"""All places, by name, in the order in which reports show them. The order is also that of the plan's numbers."""
