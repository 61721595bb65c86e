"""Where both versions store, as a round of the copy is told."""

from __future__ import annotations

import pytest

from harness.engine.proxies import ProxyPlan
from harness.errors import HarnessError
from harness.migration.copier import last_line, refuse_source, store_settings, through
from harness.migration.entry import HOLD_S, configuration
from harness.target import find_target


def proxy(host: str, listen: int, host_port: int) -> ProxyPlan:
    return ProxyPlan(host, "toxiproxy", listen, f"{host}-upstream:{listen}", host_port, "postgres", host)


def test_every_address_of_a_store_leads_over_loopback() -> None:
    url = "postgresql://chat:pw@database-a:5432,database-b:5432/chat?target_session_attrs=read-write"
    proxies = [proxy("database-a", 5432, 31001), proxy("database-b", 5432, 31002)]
    found = through({"DATABASE_URL": url, "DATABASE_CONNECT_S": "1"}, proxies, "FROM_")
    assert found == {
        "FROM_DATABASE_URL": "postgresql://chat:pw@127.0.0.1:31001,127.0.0.1:31002/chat?target_session_attrs=read-write",
        "FROM_DATABASE_CONNECT_S": "1",
    }


def test_only_what_says_where_the_app_stores_is_handed_on() -> None:
    env = {"DATABASE_URL": "postgresql://x", "OPENAI_API_KEY": "secret", "REDIS_URL": "redis://cache"}
    assert store_settings(find_target("v1"), {"services": {"app": {"environment": env}}}) == {
        "DATABASE_URL": "postgresql://x"
    }


def test_a_version_without_a_store_is_refused() -> None:
    with pytest.raises(HarnessError, match="Only versions of the chat"):
        store_settings(find_target("v1"), {"services": {"app": {}}})


def test_nobody_is_moved_from_a_document_store() -> None:
    with pytest.raises(HarnessError, match=r"v3 stores documents.*docs/migration\.md"):
        refuse_source("v3", {"MONGODB_GATEWAYS": "documents-a:27017"})


def test_the_result_of_a_round_is_its_last_line() -> None:
    assert last_line('a warning\n{"new": 1}\n\n') == '{"new": 1}'
    assert not last_line("")


def test_the_entry_adds_no_proxy_and_tries_nothing_again() -> None:
    files = configuration(port=1, control_port=2, from_port=3, to_port=4)
    assert "forwardfor" not in files["entry.cfg"]
    assert "retries 0" in files["entry.cfg"]
    assert f"{HOLD_S} * 50" in files["hold.lua"]
    assert "$" not in "".join(files.values())
