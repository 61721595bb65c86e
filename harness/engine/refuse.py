"""What of a stranger's Compose project cannot be put under test, each with the reason and what to change.

The rule behind all of them: after weaving, no packet of a link may find a way round Toxiproxy, and nothing that a
running copy of the project owns may be shared with the copy under test.
"""

from __future__ import annotations

from collections.abc import Set

from harness.engine.project import Project, Service
from harness.errors import ConfigError, did_you_mean
from harness.target import Target

TOXIPROXY = "toxiproxy"
API_PORT = 8474


def refuse_unweavable(target: Target, project: Project, replaced: Set[str]) -> None:
    """Raise ConfigError for the first thing that cannot be woven; `replaced` components are real services now."""
    linked = _for_both(target, project)
    for name in sorted(linked - replaced):
        _unlinked_needs(target, project, project.services[name], linked)
    published = {target.entry.component} | {c.name for c in target.components.values() if c.control_port}
    _one_of_each(project, published - replaced)
    _shared_with_others(project)


def refuse_for_swarm(target: Target, project: Project, replaced: Set[str]) -> None:
    """Raise ConfigError for the first thing that cannot be woven into a stack; the entry may have replicas there."""
    _for_both(target, project)
    _one_of_each(project, {c.name for c in target.components.values() if c.control_port} - replaced)
    for service in project.services.values():
        if service.network_mode or not service.networks:
            raise _wrong(project, service.name, "has no network of the project.", "Give it one.")
    _shared_with_others(project)


def _for_both(target: Target, project: Project) -> set[str]:
    """What no deployer can weave. Returns the names of the linked components."""
    _names(target, project)
    _links(target)
    linked = {link.to for link in target.links}
    for service in project.services.values():
        _way_round(project, service, linked)
    return linked


def _one_of_each(project: Project, published: Set[str]) -> None:
    for name in sorted(published):
        if project.services[name].replicas != 1:
            problem = "runs more than once, and the harness publishes its port, which only one container can have."
            raise _wrong(project, name, problem, "Give it one replica.")


def _wrong(project: Project, service: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(project.file, f"services.{service}", problem, remedy)


def _names(target: Target, project: Project) -> None:
    for name in target.components:
        if name not in project.services:
            file = str(target.folder / "target.toml")
            problem = f"{project.file} has no service '{name}'."
            raise ConfigError(file, f"components.{name}", problem, did_you_mean(name, project.services))
    for name in project.services:
        if name == TOXIPROXY or name.startswith(f"{TOXIPROXY}-"):
            raise _wrong(project, name, "has the name that the harness needs for its own proxy.", "Rename it.")
    for link in target.links:
        if f"{link.to}-upstream" in project.services:
            problem = "has the name under which Toxiproxy finds what is behind it."
            raise _wrong(project, f"{link.to}-upstream", problem, "Rename it.")


def _links(target: Target) -> None:
    file = str(target.folder / "target.toml")
    seen: dict[tuple[str, int], str] = {}
    for link in target.links:
        other = seen.setdefault((link.to, link.port), link.name)
        if other != link.name:
            problem = f"leads to {link.to}:{link.port}, and so does link '{other}'."
            raise ConfigError(file, f"links '{link.name}'", problem, "Keep one of them.")
        if link.port == API_PORT:
            problem = f"port {API_PORT} is where Toxiproxy takes its orders."
            raise ConfigError(file, f"links '{link.name}'", problem, "Let the service listen elsewhere.")


def _way_round(project: Project, service: Service, linked: Set[str]) -> None:
    if service.network_mode and service.network_mode != "none":
        problem = f"has network_mode '{service.network_mode}', in which a link would go round Toxiproxy."
        raise _wrong(project, service.name, problem, "Let it use the project's networks.")
    if service.name in linked and service.fixed_address:
        problem = "has a fixed address, under which it would be reached round Toxiproxy."
        raise _wrong(project, service.name, problem, "Let others reach it by its name.")
    if service.name in linked and service.network_mode == "none":
        raise _wrong(project, service.name, "has no network, so no link can lead to it.", "Give it one.")
    for other in service.links:
        if other in linked:
            problem = f"has a legacy link to '{other}', which would go round Toxiproxy."
            raise _wrong(project, service.name, problem, "Remove `links`: services reach each other by name.")


def _unlinked_needs(target: Target, project: Project, service: Service, linked: Set[str]) -> None:
    """A linked service is alone with Toxiproxy: what it calls needs a link too. A job that has ended is not called."""
    for other, condition in service.depends_on.items():
        if other not in linked and condition != "service_completed_successfully":
            file = str(target.folder / "target.toml")
            problem = f"'{service.name}' has a link and needs '{other}', which has none and would be out of its reach."
            raise ConfigError(file, "links", problem, f"Add a link that leads to '{other}'.")


def _shared_with_others(project: Project) -> None:
    for kind, items in (("networks", project.networks), ("volumes", project.volumes)):
        for item in items:
            if item.external:
                problem = "is external: it belongs to something that runs outside of the test."
                raise ConfigError(project.file, f"{kind}.{item.key}", problem, "Remove `external: true`.")
