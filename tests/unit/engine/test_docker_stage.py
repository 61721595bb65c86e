"""What faults find on a running stack, and that nothing is found in silence."""

from types import SimpleNamespace
from typing import Any

import pytest

from harness.clock import RunClock
from harness.engine.stage import DockerStage
from harness.errors import NothingToBreak
from tests.unit.engine.projects import link, target

AIM = target([link("db", 5432), link("ai", 80, to="sim")], settings={"sim": {"control_port": 8081}})


def stage(left_out: frozenset[str] = frozenset()) -> DockerStage:
    stack: Any = SimpleNamespace(
        weaving=SimpleNamespace(left_out=left_out),
        links={"db": "link db", "ai": "link ai"},
        providers={} if "sim" in left_out else {"sim": "control of sim"},
        service=lambda name: None if name in left_out else f"service {name}",
        containers=lambda name: [] if name in left_out else [f"container of {name}"],
    )
    return DockerStage(stack, AIM, RunClock(100.0, 1000.0))


def test_what_fits_is_found() -> None:
    here = stage()
    assert here.containers(role="db", zone=None, region=None) == ["container of db"]
    assert len(here.containers(role=None, zone="a", region=None)) == 3
    assert here.links("ai") == ["link ai"]
    assert here.links("sim") == ["link ai"], "by the role of the component that it leads to"
    assert here.services(role=None, zone="a", region=None) == ["service app", "service db", "service sim"]
    assert here.providers(role="sim", zone="a", region="home") == ["control of sim"]


def test_nothing_is_never_a_success() -> None:
    here = stage()
    with pytest.raises(NothingToBreak, match="role 'cache'"):
        here.containers(role="cache", zone=None, region=None)
    with pytest.raises(NothingToBreak, match=r"no link 'dbs'. Did you mean 'db'"):
        here.links("dbs")
    with pytest.raises(NothingToBreak, match="no simulator that takes orders"):
        here.providers(role="db", zone=None, region=None)
    with pytest.raises(NothingToBreak, match="role 'cache'"):
        here.services(role="cache", zone=None, region=None)


def test_a_real_service_cannot_be_broken() -> None:
    here = stage(left_out=frozenset({"sim"}))
    with pytest.raises(NothingToBreak, match="The real service stands in for sim"):
        here.containers(role="sim", zone=None, region=None)
    with pytest.raises(NothingToBreak, match="The real service stands in for sim"):
        here.services(role="sim", zone=None, region=None)
    with pytest.raises(NothingToBreak, match="Break its link instead"):
        here.providers(role="sim", zone=None, region=None)


def test_where_nobody_watches_over_a_deploy_a_bad_one_says_nothing_new() -> None:
    with pytest.raises(NothingToBreak, match="Nobody watches over a deploy of db: under Compose"):
        watched = SimpleNamespace(name="db")
        stack: Any = SimpleNamespace(weaving=SimpleNamespace(left_out=()), service=lambda name: watched)
        DockerStage(stack, AIM, RunClock(0, 0)).deployable(role="db", zone=None, region=None)
    with pytest.raises(NothingToBreak, match="no bad version 'errors'"):
        stage().bad_version("errors")
