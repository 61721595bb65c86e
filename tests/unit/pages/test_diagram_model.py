"""A diagram holds what the files hold: every component, every link, who names whom, and what is there once only."""

from __future__ import annotations

from typing import Any

import pytest

from harness.pages.model import build, diagram_of
from harness.pages.single import reachable, standings
from harness.target import Target, find_target, known_phases

PHASES = known_phases()


def target_of(**roles: str) -> Target:
    components = {n: {"role": r, "zone": "a", "region": "home"} for n, r in roles.items()}
    given: dict[str, Any] = {
        "schema": 1,
        "phase": "x",
        "title": "X",
        "entry": {"component": next(iter(roles)), "port": 80},
        "users": {"claimed": 10},
        "components": components,
    }
    return Target.model_validate(given)


@pytest.mark.parametrize("phase", PHASES)
def test_every_component_and_link_is_in_the_model(phase: str) -> None:
    target = find_target(phase)
    diagram = diagram_of(target)
    assert [box.name for box in diagram.boxes] == list(target.components)
    doors = {(box.name, door.name, door.port) for box in diagram.boxes for door in box.doors}
    assert doors == {(link.to, link.name, link.port) for link in target.links}


@pytest.mark.parametrize("phase", PHASES)
def test_every_link_leads_to_what_requests_reach_or_could_reach(phase: str) -> None:
    """A fail-over's second node need not be named; then one that does the same is reached."""
    target = find_target(phase)
    diagram = diagram_of(target)
    reached = {diagram.box(name).family for name in reachable(diagram)}
    assert {diagram.box(link.to).family for link in target.links} <= reached


def test_v1_is_one_of_everything() -> None:
    diagram = diagram_of(find_target("v1"))
    assert {(e.source, e.target) for e in diagram.edges} == {("app", "database"), ("app", "cache"), ("app", "openai")}
    assert all(standing.single for standing in standings(diagram).values())
    assert set(standings(diagram)["app"].only_path) == {"database", "cache", "provider"}
    assert diagram.box("database").stateful
    assert not diagram.box("cache").stateful


def test_v3_has_one_edge_and_three_of_what_stands_behind_it() -> None:
    diagram = diagram_of(find_target("v3"))
    standing = standings(diagram)
    assert [n for n, s in standing.items() if s.single and s.on_the_way] == ["edge"]
    assert set(standing["openai"].others) == {"anthropic", "gemini"}
    assert standing["prometheus"].alone  # the alertmanager has its role and does something else
    assert not standing["prometheus"].on_the_way
    assert diagram.box("app-a").replicas == 2


def test_hosts_are_found_where_hosts_stand_and_nowhere_else() -> None:
    target = target_of(front="app", store="database", other="database", hidden="cache", far="database", peer="database")
    services: dict[str, Any] = {
        "front": {
            "environment": {
                "URL": "postgresql://chat:pw@store:5432,peer-door:5432/hidden?x=1",
                "WAY": "${WAY:-http://other}",
                "far": "no",
                "WHERE": "far:1",
            },
            "networks": ["net"],
        },
        "store": {"networks": ["net"]},
        "other": {"environment": ["FRONT=front:80"], "networks": {"net": {}}},
        "hidden": {"networks": ["net"]},
        "far": {"networks": ["elsewhere"]},  # named, and on no network of the one that names it
        "peer": {"networks": {"net": {"aliases": ["peer-door"]}}},
    }
    found = {(e.source, e.target) for e in build(target, services).edges}
    assert found == {("front", "store"), ("front", "peer"), ("front", "other"), ("other", "front")}


def test_the_only_path_is_found_although_its_role_has_two() -> None:
    """Two balancers, of which only one knows the app: without it the app is out of reach."""
    target = target_of(front="edge", left="balancer", right="balancer", app="app")
    services: dict[str, Any] = {
        "front": {"environment": {"TO": "left right"}},
        "left": {"image": "lb", "environment": {"TO": "app:80"}},
        "right": {"image": "lb"},
        "app": {"deploy": {"replicas": 2}},
    }
    standing = standings(build(target, services))
    assert standing["left"].others == ("right",)
    assert standing["left"].only_path == ("app",)
    assert standing["left"].single
    assert not standing["right"].single
    assert not standing["app"].single  # it has a second replica
