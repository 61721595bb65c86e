"""A target as data: `target.toml` says what each Compose service is for and which links may be broken.

The harness knows nothing else about the system under test. Anyone's own Compose project becomes a target by
writing this one file next to it; see `docs/own-target.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from harness.alerts import PAGER
from harness.config import Strict, load_toml
from harness.errors import ConfigError, NothingToBreak, did_you_mean
from harness.mechanism import Mechanism
from harness.places import PLACES, Place
from harness.versions import BadVersion
from harness.wan import Wan

Port = Annotated[int, Field(ge=1, le=65535)]
Protocol = Literal["http", "postgres", "redis", "mongodb", "tls", "tcp"]


class Nearer(Strict):
    """A way in that is nearer to users of a place: its component, the round trip (ms) to it, and who measured that."""

    component: str
    rtt_ms: PositiveFloat
    source: Annotated[str, Field(min_length=1)]


class Entry(Strict):
    """Where users come in: a component, its HTTP port inside the container, and its readiness path.

    Users of one of the `places` come in elsewhere, because that is nearer to them.
    """

    component: str
    port: Port
    ready: str = "/v1/ready"
    places: dict[str, Nearer] = Field(default_factory=dict)

    def of(self, place: str) -> str:
        """Return the component by which users of a place come in."""
        return self.places[place].component if place in self.places else self.component

    def components(self) -> list[str]:
        """Return all ways in, the one for everybody first."""
        return list(dict.fromkeys([self.component, *(nearer.component for nearer in self.places.values())]))

    def ways_in(self, base_url: str, doors: Mapping[str, str]) -> list[str]:
        """Return a base URL of each way in: regions that went apart tell different things there.

        `base_url` is that of users without a place, `doors` are those by place.
        """
        others = {self.of(place): url for place, url in doors.items() if self.of(place) != self.component}
        return [base_url, *others.values()]

    def distances(self) -> list[Place]:
        """Return all places, each as far away as it is from where its users come in."""
        nearer = self.places
        return [
            replace(place, rtt_ms=nearer[name].rtt_ms, source=nearer[name].source) if name in nearer else place
            for name, place in PLACES.items()
        ]


class Users(Strict):
    """How many simultaneous users the claim is about, and the think time (s) that turns them into arrivals.

    `per_core` is how many of them one processor carries when the whole target shares this machine; where that is fewer
    than are claimed, experiments run at that scale, and verdicts say so.
    """

    claimed: PositiveInt
    think_s: PositiveFloat = 10.0
    per_core: PositiveInt | None = None

    def on(self, cores: int) -> int:
        """Return how many users experiments stand for on a machine with so many processors."""
        return self.claimed if self.per_core is None else min(self.claimed, self.per_core * cores)


class Disk(Strict):
    """A disk with a bound: the Compose volume that it is for, where that is mounted, and how much fits on it."""

    volume: str
    path: str = Field(pattern="^/")
    mb: PositiveInt = Field(ge=32)


class Component(Strict):
    """One service of the target; the table's key is the name of the Compose service.

    `contents` is a command that prints, inside the container, how many entries the component holds;
    `wipe` is one that empties it; `primary` is one that ends with 0 where it runs in the one that takes writes;
    `connections` is one that prints how many connections it has and how many it gives to ordinary users at most;
    `connect` is one that takes one of those and keeps it for as long as it runs;
    `put_back` is one that puts back, before each run, what no restart does (which of several takes writes), and prints
    what it did, or nothing; it ends with an error when it cannot.
    `decisions` is one that prints what it decided and why, as JSON (see `harness.decisions`).
    `disk` gives its volume a bound, where the harness can make such disks: else it cannot be filled up.
    `control_port` is where a provider simulator takes its orders, or a component with the role `pager` is read.
    """

    name: str = ""
    role: str
    zone: str
    region: str
    contents: tuple[str, ...] | None = None
    wipe: tuple[str, ...] | None = None
    primary: tuple[str, ...] | None = None
    connections: tuple[str, ...] | None = None
    connect: tuple[str, ...] | None = None
    put_back: tuple[str, ...] | None = None
    decisions: tuple[str, ...] | None = None
    disk: Disk | None = None
    control_port: Port | None = None


class RightAlerts(Strict):
    """Which alerts are the right ones when an experiment is put to the target; none: every alert would be a false one.

    Names are those of the rules of the target's own monitoring, which the harness does not know.
    """

    expected: tuple[Annotated[str, Field(min_length=1)], ...]


class External(Strict):
    """A real service that takes the component's place when the environment variable `when_env` is set."""

    when_env: str
    host: str
    port: Port = 443
    protocol: Protocol = "tls"


class Link(Strict):
    """A dependency that crosses the network: Toxiproxy takes the name of component `to` and listens on `port`.

    `protocol` is how the harness speaks over the link when it asks for a sign of life.
    """

    name: str
    to: str
    port: Port
    protocol: Protocol = "tcp"
    external: External | None = None


class Target(Strict):
    """The whole of `target.toml`. `folder` is where the file lies; it is filled in by `load_target`.

    `by_name_only` are experiments that say nothing new of this target, each with the reason: they run when they are
    asked for by name. `alerts` are the right ones, by experiment. `environment` is what the harness adds to a service's
    own when it switches a mechanism off (see `without`).
    """

    schema_version: Literal[1] = Field(alias="schema")
    phase: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")  # it names folders and Compose projects
    title: str
    deployer: Literal["compose", "swarm"] = "compose"
    compose: str = "compose.yml"
    images: tuple[str, ...] = ()
    entry: Entry
    users: Users
    components: dict[str, Component]
    links: tuple[Link, ...] = ()
    wan: Wan | None = None
    mechanisms: dict[str, Mechanism] = Field(default_factory=dict)
    by_name_only: dict[str, Annotated[str, Field(min_length=1)]] = Field(default_factory=dict)
    alerts: dict[str, RightAlerts] = Field(default_factory=dict)
    bad_versions: dict[str, BadVersion] = Field(default_factory=dict)
    folder: Path = Field(default=Path(), exclude=True)
    environment: dict[str, dict[str, str]] = Field(default_factory=dict, exclude=True)

    @model_validator(mode="after")
    def _names_fit_together(self) -> Target:
        known = self.components
        self._ways_in_exist()
        if self.wan is not None:
            self._fits_the_sites(self.wan)
        for link in self.links:
            if link.to not in known:
                raise ValueError(f"link '{link.name}' leads to '{link.to}'. " + did_you_mean(link.to, known))
        for name, mechanism in self.mechanisms.items():
            for service in mechanism.services:
                if service not in known:
                    what = f"mechanism '{name}' is switched off in '{service}', which is not a component."
                    raise ValueError(f"{what} {did_you_mean(service, known)}")
        if self.alerts and not self.pagers():
            raise ValueError(f"alerts are expected, and no component with the role '{PAGER}' has a control_port")
        disks = [part.disk.volume for part in self.components.values() if part.disk is not None]
        if len(set(disks)) < len(disks):
            raise ValueError("two components have a disk for the same volume")
        for name, version in self.bad_versions.items():
            for service in version.services:
                if service not in known:
                    what = f"bad version '{name}' is one of '{service}', which is not a component."
                    raise ValueError(f"{what} {did_you_mean(service, known)}")
        names = [link.name for link in self.links]
        if len(set(names)) < len(names):
            raise ValueError("two links have the same name")
        return self

    def _ways_in_exist(self) -> None:
        known = self.components
        if self.entry.component not in known:
            raise ValueError(
                f"entry.component '{self.entry.component}' is not a component. "
                + did_you_mean(self.entry.component, known)
            )
        for place, nearer in self.entry.places.items():
            if place not in PLACES:
                raise ValueError(f"entry.places: there is no place '{place}'. {did_you_mean(place, PLACES)}")
            if nearer.component not in known:
                what = f"entry.places: '{nearer.component}' is not a component."
                raise ValueError(f"{what} {did_you_mean(nearer.component, known)}")

    def _fits_the_sites(self, wan: Wan) -> None:
        if self.deployer != "swarm":
            raise ValueError("a wide-area network (wan) needs deployer = 'swarm'")
        regions = {part.region for part in self.components.values()}
        roles = {part.role for part in self.components.values()}
        for region in (region for of_site in wan.sites.values() for region in of_site):
            if region not in regions:
                raise ValueError(f"wan.sites: no component is in '{region}'. {did_you_mean(region, regions)}")
        for flow in wan.flows:
            if flow.role not in roles:
                raise ValueError(
                    f"wan.flows: no component has the role '{flow.role}'. {did_you_mean(flow.role, roles)}"
                )

    def find(self, *, role: str | None = None, zone: str | None = None, region: str | None = None) -> list[Component]:
        """Return the components that fit every given word. Raises NothingToBreak when there is none."""
        wanted = {"role": role, "zone": zone, "region": region}
        asked = {key: value for key, value in wanted.items() if value is not None}
        found = [c for c in self.components.values() if all(getattr(c, k) == v for k, v in asked.items())]
        if found and asked:
            return found
        words = ", ".join(f"{k} '{v}'" for k, v in asked.items()) or "nothing"
        key = next(iter(asked), "role")
        known = {getattr(c, key) for c in self.components.values()}
        raise NothingToBreak(
            f"The target {self.phase} has no component with {words}.", did_you_mean(asked.get(key) or "", known)
        )

    def having(self, role: str) -> list[Component]:
        """Return the components of that role; none is an answer."""
        return [component for component in self.components.values() if component.role == role]

    def pagers(self) -> list[str]:
        """Return the names of the components that receive alerts and can be read."""
        return [name for name, part in self.components.items() if part.role == PAGER and part.control_port is not None]

    def expected_alerts(self, experiment: str) -> tuple[str, ...]:
        """Return the names of the alerts that are right when this experiment runs; none where target.toml is silent."""
        right = self.alerts.get(experiment)
        return right.expected if right is not None else ()

    def without(self, name: str) -> Target:
        """Return the target with the mechanism `name` switched off. Raises KeyError when there is none."""
        mechanism = self.mechanisms[name]
        return self.model_copy(update={"environment": {service: dict(mechanism.env) for service in mechanism.services}})

    def bad_version(self, name: str) -> BadVersion:
        """Return the bad version called `name`. Raises NothingToBreak when there is none."""
        if name in self.bad_versions:
            return self.bad_versions[name]
        raise NothingToBreak(
            f"target.toml of {self.phase} has no bad version '{name}'.",
            f"Add [bad_versions.{name}]. {did_you_mean(name, self.bad_versions)}",
        )

    def link(self, name: str) -> Link:
        """Return the link called `name`. Raises NothingToBreak when there is none."""
        for link in self.links:
            if link.name == name:
                return link
        raise NothingToBreak(
            f"The target {self.phase} has no link '{name}'.", did_you_mean(name, (x.name for x in self.links))
        )

    def links_named(self, name: str) -> list[Link]:
        """Return the link called `name` and those that lead to a component of that role. Raises NothingToBreak."""
        return [x for x in self.links if name in (x.name, self.components[x.to].role)] or [self.link(name)]


def load_target(folder: Path) -> Target:
    """Read `folder/target.toml` and check that its Compose file exists. Raises ConfigError."""
    path = folder / "target.toml"
    target = load_toml(path, Target)
    named = {key: part.model_copy(update={"name": key}) for key, part in target.components.items()}
    target = target.model_copy(update={"components": named, "folder": folder})
    if not (folder / target.compose).is_file():
        raise ConfigError(str(path), "compose", f"there is no file '{target.compose}' beside it.", "Correct the name.")
    return target


def targets_root() -> Path:
    """Return the folder that holds one folder per phase."""
    return Path(__file__).resolve().parent.parent / "targets"


def known_phases(root: Path | None = None) -> list[str]:
    """Return the phases that can be run: folders with a `target.toml`."""
    return sorted(path.parent.name for path in (root or targets_root()).glob("*/target.toml"))


def find_target(phase: str, root: Path | None = None) -> Target:
    """Return the target of `phase` ('v1'), or of a folder given as a path. Raises ConfigError."""
    if "/" in phase or phase == ".":
        return load_target(Path(phase))
    base = root or targets_root()
    if phase not in known_phases(base):
        raise ConfigError("PHASE", "", f"there is no target '{phase}'.", did_you_mean(phase, known_phases(base)))
    return load_target(base / phase)
