"""A target's wide-area network as data: which sites there are, how far apart, and what crosses between them.

In `target.toml`, for a Swarm stack whose sites share one network of the Compose file:

    [wan]
    network = "wan"                      # woven, each site has its own part of it

    [wan.sites]                          # site -> regions of components
    us = ["us-east", "pop-us"]
    eu = ["eu-west", "pop-eu"]

    [[wan.paths]]                        # of every two sites
    between = ["us", "eu"]
    rtt_ms = 68.0
    source = "who measured it, and when"

    [[wan.flows]]                        # what other sites ask for, by role
    role = "database"
    port = 5432
    protocol = "postgres"
    peer = true                          # by the alias <name>-peer, instead of by its name
    by = ["us", "eu"]                    # optional: only these sites ask for it

A site is one side of the network; what fails together is said by each component's `region` and `zone`.
"""

from __future__ import annotations

from itertools import combinations
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, model_validator

from harness.config import Strict
from harness.errors import NothingToBreak, did_you_mean

Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]


class WanPath(Strict):
    """The way between two sites: round trip (ms), and who measured it."""

    between: tuple[str, str]
    rtt_ms: PositiveFloat
    source: Annotated[str, Field(min_length=1)]


class Flow(Strict):
    """A port on which sites ask for components of `role` in others, by name or by the alias `<name>-peer`.

    `by` are those that ask, None for all of them.
    """

    role: str
    port: Port
    protocol: Literal["http", "postgres", "redis", "mongodb", "tls", "tcp"] = "tcp"
    peer: bool = False
    by: tuple[str, ...] | None = None


class Wan(Strict):
    """The whole of `[wan]`."""

    network: str
    sites: dict[Name, tuple[str, ...]]
    paths: tuple[WanPath, ...]
    flows: tuple[Flow, ...]

    @model_validator(mode="after")
    def _every_two_sites_have_one_path(self) -> Wan:
        regions = [region for of_site in self.sites.values() for region in of_site]
        if len(set(regions)) < len(regions):
            raise ValueError("wan.sites: a region is in two sites")
        if len(self.sites) < 2:
            raise ValueError("wan.sites: a wide-area network has at least two sites")
        for site in (site for flow in self.flows for site in flow.by or ()):
            if site not in self.sites:
                raise ValueError(f"wan.flows: there is no site '{site}'. {did_you_mean(site, self.sites)}")
        asked = {frozenset(pair) for pair in combinations(self.sites, 2)}
        found = [frozenset(path.between) for path in self.paths]
        for path in self.paths:
            for site in path.between:
                if site not in self.sites:
                    raise ValueError(f"wan.paths: there is no site '{site}'. {did_you_mean(site, self.sites)}")
        if set(found) != asked or len(found) != len(asked):
            raise ValueError("wan.paths: every two sites have exactly one path between them")
        return self

    def site_of(self, region: str) -> str | None:
        """Return the site that a region is in, None for one outside."""
        return next((site for site, regions in self.sites.items() if region in regions), None)

    def site(self, region: str) -> str:
        """Return the site that a region is in. Raises NothingToBreak when it is in none."""
        found = self.site_of(region)
        if found is None:
            known = [name for regions in self.sites.values() for name in regions]
            raise NothingToBreak(
                f"The region '{region}' is on no site of the wide-area network.", did_you_mean(region, known)
            )
        return found

    def rtt_ms(self, one: str, other: str) -> float:
        """Return the round trip (ms) between two sites."""
        return next(path.rtt_ms for path in self.paths if set(path.between) == {one, other})
