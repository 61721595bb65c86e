"""Settings of the autoscaler and of the door: what the environment may say."""

from __future__ import annotations

import pytest

from targets.parts.autoscaler.settings import Policy, Settings
from targets.parts.engine_door.settings import Settings as DoorSettings


def test_only_the_services_must_be_named() -> None:
    settings = Settings.from_environment({"SCALE": "app-a app-b app-a"})
    assert settings == Settings(("app-a", "app-b"))
    assert (settings.policy.minimum, settings.policy.maximum, settings.policy.tolerance) == (2, 4, 0.1)


def test_every_variable_arrives() -> None:
    environment = {
        "SCALE": "web",
        "BALANCERS": "http://x:1/m http://y:2/m",
        "BACKENDS": "one two",
        "DOOR_URL": "http://door:9",
        "SCALE_PERIOD_S": "5",
        "AVERAGE_S": "0",
        "TARGET_IN_FLIGHT": "2.5",
        "TOLERANCE": "0.2",
        "MIN_REPLICAS": "1",
        "MAX_REPLICAS": "9",
        "STABILISE_S": "30",
        "SCALE_UP_PERCENT": "50",
        "SCALE_UP_PERIOD_S": "10",
    }
    policy = Policy(2.5, 0.2, 1, 9, 30, 50, 10)
    expected = Settings(
        ("web",), ("http://x:1/m", "http://y:2/m"), frozenset({"one", "two"}), "http://door:9", 5, 0, policy
    )
    assert Settings.from_environment(environment) == expected


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SCALE", " "),
        ("TARGET_IN_FLIGHT", "0"),
        ("TARGET_IN_FLIGHT", "nan"),
        ("TOLERANCE", "-0.1"),
        ("MIN_REPLICAS", "0"),
        ("MIN_REPLICAS", "1.5"),
        ("MAX_REPLICAS", "1"),
        ("STABILISE_S", "inf"),
        ("SCALE_PERIOD_S", "0"),
        ("SCALE_UP_PERCENT", "0"),
        ("AVERAGE_S", "long"),
    ],
)
def test_what_is_wrong_is_named(variable: str, value: str) -> None:
    with pytest.raises(ValueError, match=variable):
        Settings.from_environment({"SCALE": "app-a", variable: value})


def test_the_door_knows_full_names() -> None:
    settings = DoorSettings.from_environment({"STACK": "chat-v2", "SCALE": "app-a app-b"})
    assert settings.allowed == {"app-a": "chat-v2_app-a", "app-b": "chat-v2_app-b"}
    assert (settings.minimum, settings.maximum, settings.socket) == (2, 4, "/var/run/docker.sock")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STACK", ""),
        ("STACK", '{{index .Service.Labels "com.docker.stack.namespace"}}'),
        ("SCALE", ""),
        ("SCALE", "app-a ../x"),
        ("MIN_REPLICAS", "0"),
        ("MAX_REPLICAS", "1"),
    ],
)
def test_a_door_that_does_not_know_its_bounds_does_not_open(variable: str, value: str) -> None:
    with pytest.raises(ValueError, match=variable):
        DoorSettings.from_environment({"STACK": "chat-v2", "SCALE": "app-a", variable: value})
