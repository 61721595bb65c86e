"""Facts of a Compose project, and nothing else of what Compose rendered."""

from harness.engine.project import Service
from tests.unit.engine.projects import project


def test_the_facts_of_a_service() -> None:
    plain = project(
        {
            "app": {
                "image": None,
                "build": {"context": "."},
                "networks": {"front": None, "back": {"aliases": ["api"], "ipv4_address": "10.1.1.1"}},
                "depends_on": {"db": {"condition": "service_healthy", "required": True}},
                "links": ["db:pg"],
                "ports": [{"target": 80}],
                "container_name": "the-app",
                "deploy": {"replicas": 2},
                "environment": {"PASSWORD": "hunter2"},
            }
        }
    )
    assert plain.services["app"] == Service(
        name="app",
        networks={"front": (), "back": ("api",)},
        fixed_address=True,
        depends_on={"db": "service_healthy"},
        links=("db",),
        replicas=2,
        publishes=True,
        container_name="the-app",
        built_only=True,
    )
    assert "hunter2" not in repr(plain)


def test_a_scale_of_zero_is_zero_and_not_one() -> None:
    assert project({"app": {"scale": 0}}).services["app"].replicas == 0


def test_a_chosen_name_is_told_from_a_generated_one() -> None:
    plain = project({}, volumes={"a": {"name": "shop_a"}, "b": {"name": "mine"}, "c": {"name": "x", "external": True}})
    assert [(v.key, v.pinned, v.external) for v in plain.volumes] == [
        ("a", False, False),
        ("b", True, False),
        ("c", True, True),
    ]
