"""Pages of HAProxy's exporter. The page is HAProxy 3.0's own, of targets/parts/lb, made shorter."""

from __future__ import annotations

import pytest

from targets.parts.autoscaler.haproxy import Reading, parse, ready_replicas

STATES = ("DOWN", "UP", "MAINT", "DRAIN", "NOLB")


def page(sessions: dict[str, float], servers: dict[tuple[str, str], str]) -> str:
    lines = [
        "# HELP haproxy_backend_current_sessions Number of current sessions on the frontend, backend or server",
        "# TYPE haproxy_backend_current_sessions gauge",
        *(f'haproxy_backend_current_sessions{{proxy="{proxy}"}} {value:g}' for proxy, value in sessions.items()),
        "# HELP haproxy_server_status Current status of the service, per state label value.",
        "# TYPE haproxy_server_status gauge",
    ]
    for (proxy, server), now in servers.items():
        lines += [
            f'haproxy_server_status{{proxy="{proxy}",server="{server}",state="{state}"}} {int(state == now)}'
            for state in STATES
        ]
    return "\n".join(lines) + "\n"


def test_sessions_of_the_backend_and_the_state_of_its_servers() -> None:
    servers = {("apps", "app-a-1"): "UP", ("apps", "app-a-2"): "MAINT", ("apps", "app-b-1"): "DOWN"}
    servers[("other", "app-a-3")] = "UP"
    reading = parse(page({"apps": 3, "other": 40}, servers), {"apps"})
    assert reading == Reading(3, {"app-a-1": True, "app-a-2": False, "app-b-1": False})


def test_several_backends_are_summed() -> None:
    assert parse(page({"a": 3, "b": 4, "c": 5}, {}), {"a", "c"}).in_flight == 8


def test_a_whole_page_with_everything_else_on_it() -> None:
    rest = 'haproxy_backend_current_sessions_rate{proxy="apps"} 7\nhaproxy_process_nbthread 1\nnot { a metric\n'
    assert parse(rest + page({"apps": 2}, {}), {"apps"}) == Reading(2, {})


@pytest.mark.parametrize("text", ["", "<html>busy</html>", page({"users": 1}, {}), 'haproxy_server_status{x="'])
def test_a_page_without_the_backend_is_an_error_and_not_zero_load(text: str) -> None:
    with pytest.raises(ValueError, match="no backend apps"):
        parse(text, {"apps"})


def test_a_broken_line_is_an_error() -> None:
    with pytest.raises(ValueError, match="many"):
        parse('haproxy_backend_current_sessions{proxy="apps"} many\n', {"apps"})


def test_ready_are_the_servers_named_after_the_service_that_are_up() -> None:
    up = {"app-a-1": True, "app-a-2": False, "app-a3": True, "app-ab-1": True, "app-a-x": True, "my-app-a-1": True}
    assert ready_replicas("app-a", [Reading(0, up)]) == 2


def test_where_balancers_disagree_the_one_that_reaches_more_is_right() -> None:
    one, other = Reading(0, {"app-a-1": True, "app-b-1": False}), Reading(0, {"app-a-1": False, "app-b-1": True})
    assert [ready_replicas(zone, [one, other]) for zone in ("app-a", "app-b")] == [1, 1]


def test_none_up_is_known_and_no_such_server_is_not() -> None:
    readings = [Reading(0, {"app-a-1": False})]
    assert ready_replicas("app-a", readings) == 0
    assert ready_replicas("app-b", readings) is None
    assert ready_replicas("app-a", []) is None
