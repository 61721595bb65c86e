"""Read the load from HAProxy's own Prometheus exporter.

Source: https://github.com/haproxy/haproxy/blob/master/addons/promex/README; the names are those of HAProxy 2.4 to 3.x.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

SESSIONS = "haproxy_backend_current_sessions"
"""Requests that are at the backend now, those that wait in its queue included. An idle keep-alive client is none."""
STATUS = "haproxy_server_status"

# Asked for so that HAProxy writes 100 lines instead of 2,000. Versions that do not know a parameter ignore it.
ONLY = {"scope": ["backend", "server"], "metrics": f"{SESSIONS},{STATUS}"}


@dataclass(frozen=True)
class Reading:
    """What one balancer says: requests in flight, and of each server whether it passes its health check."""

    in_flight: float
    servers: Mapping[str, bool]


async def read(http: httpx.AsyncClient, url: str, backends: Collection[str]) -> Reading:
    """Ask the exporter at `url`. Raises httpx.HTTPError; ValueError when it has none of the backends."""
    response = await http.get(url, params=ONLY)
    response.raise_for_status()
    return parse(response.text, backends)


def parse(page: str, backends: Collection[str]) -> Reading:
    """Return what the page says of these backends, taken together. Raises ValueError when it has none of them."""
    wanted = [line for line in page.splitlines() if line.startswith(SESSIONS + "{") or _is_status(line)]
    samples = [one for family in text_string_to_metric_families("\n".join(wanted) + "\n") for one in family.samples]
    sessions = {one.labels.get("proxy", ""): one.value for one in samples if one.name == SESSIONS}
    ours = [value for backend, value in sessions.items() if backend in backends]
    if not ours:
        raise ValueError(f"no backend {' or '.join(sorted(backends))}, only: {', '.join(sorted(sessions)) or 'none'}")
    servers = {
        one.labels["server"]: one.value == 1
        for one in samples
        if one.name == STATUS and one.labels.get("proxy") in backends
    }
    return Reading(sum(ours), servers)


def _is_status(line: str) -> bool:
    """Whether the line says if a server is up: 1 or 0. Its lines for the other states say nothing more."""
    return line.startswith(STATUS + "{") and 'state="UP"' in line


def ready_replicas(service: str, readings: Collection[Reading]) -> int | None:
    """Return how many servers of the service are up; None when no balancer has a server that is named after it.

    `server-template app-a 8 ...` calls its servers app-a1, app-a2, ...; with the prefix `app-a-` they are app-a-1, ...
    Where the balancers disagree (zones cut off from each other), the one that can use more of them is right.
    """
    named = re.compile(re.escape(service) + r"-?\d+")
    counts = [[up for server, up in reading.servers.items() if named.fullmatch(server)] for reading in readings]
    return max((sum(ups) for ups in counts if ups), default=None)
