"""Complexity is counted: against a file small enough to count by eye, and against the targets themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from harness.compare.complexity import Complexity, complexity_of, count, in_order, keeps_data, lines_of, replicas
from harness.errors import ConfigError
from harness.target import find_target, load_target
from harness.verdict import Verdict

COMPOSE = """\
# A comment, and a blank line.

x-app: &app
  image: app
  deploy: { replicas: 3 }
services:
  app: { <<: *app }
  database:
    image: postgres  # not a comment line
    volumes: ["data:/var/lib", "/var/run/docker.sock:/var/run/docker.sock"]
  door: { image: door, volumes: ["/var/run/docker.sock:/var/run/docker.sock"] }
  openai: { image: sim }
networks: { front: {}, back: {} }
volumes: { data: {} }
"""
TARGET = """\
schema = 1
phase = "tiny"
title = "Tiny"
[entry]
component = "app"
port = 8000
[users]
claimed = 10
[components.app]
role = "app"
zone = "a"
region = "home"
[components.database]
role = "database"
zone = "a"
region = "home"
[components.door]
role = "app"
zone = "a"
region = "home"
[components.openai]
role = "provider"
zone = "outside"
region = "outside"
[[links]]
name = "database"
to = "database"
port = 5432
[[links]]
name = "openai"
to = "openai"
port = 8080
"""


def tiny(folder: Path, compose: str = COMPOSE) -> Path:
    (folder / "compose.yml").write_text(compose)
    (folder / "target.toml").write_text(TARGET)
    return folder


def test_a_file_counted_by_eye(tmp_path: Path) -> None:
    target = load_target(tiny(tmp_path))
    found = Complexity(components=3, containers=5, moving_parts=2, stateful=1, links=2, networks=2, lines=12)
    assert count(target, yaml.safe_load(COMPOSE), COMPOSE) == found
    assert complexity_of(target) == found


def test_parts_of_the_count() -> None:
    assert lines_of("# x\n\n  # y\na: 1 # z\n b: 2\n") == 2
    assert [replicas(one) for one in ({}, {"scale": 2}, {"deploy": {"replicas": 4}}, {"deploy": {}})] == [1, 2, 4, 1]
    assert keeps_data({"volumes": [{"source": "data", "target": "/x"}]}, {"data": {}})
    assert not keeps_data({"volumes": ["./folder:/x"]}, {"data": {}})


def test_a_file_that_is_no_compose_file_is_refused_by_name(tmp_path: Path) -> None:
    for text in ("services: [a", "just words"):
        with pytest.raises(ConfigError, match=r"compose\.yml"):
            complexity_of(load_target(tiny(tmp_path, text)))


def test_of_the_targets_each_is_more_complex_than_the_one_before() -> None:
    v1, v2 = (complexity_of(find_target(phase)) for phase in ("v1", "v2"))
    assert v1.components == 3  # app, database, cache: line 37 to 39 of the seed
    assert in_order(v1, v2)[0] is Verdict.HELD
    assert in_order(v2, v1)[0] is Verdict.REFUTED
    assert in_order(v1, v1)[0] is Verdict.REFUTED
    assert in_order(None, v1)[0] is Verdict.NOT_TESTABLE_HERE
    mixed, why = in_order(v1, replace(v1, containers=9, lines=1))
    assert (mixed, why) == (Verdict.INCONCLUSIVE, "Higher: containers. Lower: lines.")
