"""What cannot be put under test is refused before anything starts, with the place and the remedy."""

from typing import Any

import pytest

from harness.errors import ConfigError
from tests.unit.engine.projects import link, project, target, woven

DB = [link("db", 5432)]


@pytest.mark.parametrize(
    ("services", "message"),
    [
        ({"app": {}, "db": {"network_mode": "host"}}, r"services.db: has network_mode 'host'"),
        ({"app": {"network_mode": "service:db"}, "db": {}}, r"services.app: has network_mode 'service:db'"),
        ({"app": {}, "db": {"network_mode": "none"}}, r"services.db: has no network"),
        ({"app": {}, "db": {"networks": {"default": {"ipv4_address": "10.0.0.2"}}}}, r"services.db: has a fixed addr"),
        ({"app": {"links": ["db:pg"]}, "db": {}}, r"services.app: has a legacy link to 'db'"),
        ({"app": {}, "db": {}, "toxiproxy": {}}, r"services.toxiproxy: has the name that the harness needs"),
        ({"app": {}, "db": {}, "db-upstream": {}}, r"services.db-upstream: has the name"),
        ({"app": {"deploy": {"replicas": 3}}, "db": {}}, r"services.app: runs more than once"),
        ({"app": {"scale": 2}, "db": {}}, r"services.app: runs more than once"),
        ({"app": {}}, r"components.db: .* has no service 'db'. Known: app"),
        (
            {"app": {}, "db": {"depends_on": {"vault": {"condition": "service_healthy"}}}, "vault": {}},
            r"'db' has a link and needs 'vault'.*Add a link that leads to 'vault'",
        ),
    ],
)
def test_it_says_what_is_wrong_and_where(services: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        woven(target(DB), project(services))


@pytest.mark.parametrize("kind", ["volumes", "networks"])
def test_external_things_belong_to_somebody_else(kind: str) -> None:
    plain = project({"app": {}, "db": {}}, **{kind: {"shared": {"name": "shared", "external": True}}})
    with pytest.raises(ConfigError, match=f"{kind}.shared: is external"):
        woven(target(DB), plain)


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ([*DB, link("again", 5432, to="db")], "leads to db:5432, and so does link 'db'"),
        ([link("db", 8474)], "port 8474 is where Toxiproxy takes its orders"),
    ],
)
def test_links_that_toxiproxy_cannot_carry(links: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        woven(target(links), project({"app": {}, "db": {}}))


def test_a_job_that_ends_before_a_linked_service_starts_needs_no_link() -> None:
    needs = {"migrate": {"condition": "service_completed_successfully"}}
    woven(target(DB), project({"app": {}, "db": {"depends_on": needs}, "migrate": {}}))


def test_replicas_are_fine_where_no_port_is_published() -> None:
    woven(target(DB), project({"app": {}, "db": {"scale": 3}}))
