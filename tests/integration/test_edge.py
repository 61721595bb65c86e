"""The edge: it keeps what it may keep and nothing else, serves it when the origins fail, and knows two of them."""

import itertools
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.integration.bench import Bench, bench, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(600)]


class Edge:
    """An edge before two fake origins, and one client."""

    def __init__(self, made: Bench) -> None:
        self.bench = made
        # First: it has to wait for names.
        self.edge = made.start("edge", "edge", 8080, environment={"ORIGINS": "lb-a:8080 lb-b:8080"})
        self.origins = {name: made.fake_app(name, 8080) for name in ("lb-a", "lb-b")}
        self.web = httpx.Client(base_url=f"http://{made.address(self.edge, 8080)}", trust_env=False, timeout=10)

    def tell(self, query: str = "") -> list[dict[str, int]]:
        """Set what both origins do; return what each has seen."""
        addresses = [self.bench.address(origin, 8080) for origin in self.origins.values()]
        return [httpx.post(f"http://{address}/set?{query}", trust_env=False).json() for address in addresses]

    def page(self, path: str) -> tuple[int, str]:
        """Status and X-Cache of a page."""
        answer = self.web.get(path)
        return answer.status_code, answer.headers["X-Cache"]

    def who(self) -> set[str]:
        """Who answers eight requests in a row; a status other than 200 stands for itself."""
        answers = [self.web.get("/who") for _ in range(8)]
        return {a.json()["from"] if a.status_code == 200 else str(a.status_code) for a in answers}


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    with bench("edge", "provider-sim") as made:
        edge = Edge(made)
        wait_until("both origins answer", lambda: edge.who() == {"lb-a", "lb-b"}, 20)
        yield edge
        edge.web.close()


@pytest.fixture(autouse=True)
def both(edge: Edge) -> None:
    """Each test begins with two origins in service."""
    edge.tell("ready=yes&broken=no&version=1")
    wait_until("both origins answer", lambda: edge.who() == {"lb-a", "lb-b"})


def test_a_public_page_is_kept_revalidated_and_replaced(edge: Edge) -> None:
    assert [edge.page("/docs?one")[1] for _ in range(3)] == ["MISS", "HIT", "HIT"]
    time.sleep(2.1)
    assert edge.page("/docs?one") == (200, "REVALIDATED")
    assert sum(seen.get("page 304", 0) for seen in edge.tell()) == 1
    edge.tell("version=2")
    time.sleep(2.1)
    assert edge.web.get("/docs?one").json() == {"version": "2"}
    validated = edge.web.get("/docs?one", headers={"If-None-Match": '"2"'})
    assert (validated.status_code, validated.headers["X-Cache"]) == (304, "HIT")


def test_a_stale_page_is_served_while_the_origins_fail(edge: Edge) -> None:
    assert edge.page("/docs?two") == (200, "MISS")
    time.sleep(2.1)
    edge.tell("broken=yes")
    assert edge.page("/docs?two") == (200, "STALE")
    assert edge.page("/docs?never-seen")[0] == 500
    edge.tell("ready=no")
    wait_until("no origin is left", lambda: edge.who() == {"503"}, 4)
    started = time.monotonic()
    assert edge.page("/docs?two") == (200, "STALE")
    assert time.monotonic() - started < 0.5
    assert edge.web.get("/edge/health").status_code == 200


def test_nothing_else_is_kept(edge: Edge) -> None:
    assert {edge.page("/who")[1] for _ in range(3)} == {"MISS"}
    assert {edge.web.post("/docs?three").headers["X-Cache"] for _ in range(3)} == {"PASS"}
    private = [edge.web.get("/docs?four", headers={"Authorization": "Bearer me"}) for _ in range(2)]
    assert {answer.headers["X-Cache"] for answer in private} == {"BYPASS"}
    assert edge.page("/docs?four") == (200, "MISS")


def test_without_an_origin_the_edge_says_so_at_once(edge: Edge) -> None:
    edge.tell("ready=no")
    wait_until("no origin is left", lambda: edge.who() == {"503"}, 4)
    started = time.monotonic()
    answer = edge.web.post("/v1/chat", json={})
    assert time.monotonic() - started < 0.5
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["instance"] == "/v1/chat"


def test_a_stream_passes_as_it_comes(edge: Edge) -> None:
    started = time.monotonic()
    with edge.web.stream("POST", "/stream", json={}) as answer:
        arrived = [time.monotonic() - started for line in answer.iter_lines() if line.startswith("data:")]
    assert len(arrived) == 5
    assert arrived[0] < 0.15  # the first event left at 0.0 s, the last at 0.8 s
    assert all(later - earlier > 0.1 for earlier, later in itertools.pairwise(arrived))


def test_a_lost_answer_is_named_and_never_asked_for_twice_with_post(edge: Edge) -> None:
    posts = [edge.web.post("/hang-up-once", json={}) for _ in range(3)]  # on one kept connection
    assert [answer.status_code for answer in posts] == [502, 502, 200]
    assert posts[0].headers["Content-Type"] == "application/problem+json"
    assert sum(seen["POST /hang-up-once"] for seen in edge.tell()) == 3


def test_headers_and_long_bodies_pass(edge: Edge) -> None:
    mine = {"X-Client-Id": "me", "X-Request-ID": "mine", "X-Forwarded-For": "192.0.2.1"}
    answer = edge.web.post("/echo", headers=mine, content=b"x" * 128 * 1024).json()
    assert answer["bytes"] == 128 * 1024
    headers = answer["headers"]
    assert (headers["x-client-id"], headers["x-request-id"]) == ("me", "mine")
    assert headers["x-forwarded-for"].startswith("192.0.2.1, ")


def test_a_killed_origin_costs_no_request_and_may_come_back_elsewhere(edge: Edge) -> None:
    edge.bench.remove(edge.origins.pop("lb-b"))
    statuses = []
    until = time.monotonic() + 3
    while time.monotonic() < until:
        statuses += [edge.web.post("/echo", json={}).status_code, edge.web.get("/who").status_code]
        time.sleep(0.05)
    assert set(statuses) == {200}
    other = edge.bench.fake_app("takes-the-address")
    edge.origins["lb-b"] = edge.bench.fake_app("lb-b", 8080)
    wait_until("it is back", lambda: edge.who() == {"lb-a", "lb-b"})
    edge.bench.remove(other)


def test_a_stop_lets_what_is_in_flight_end_and_neither_program_outlives_the_other(edge: Edge) -> None:
    second = edge.bench.start("edge", "edge-second", 8080, environment={"ORIGINS": "lb-a:8080"})
    base = f"http://{edge.bench.address(second, 8080)}"
    wait_until("it has an origin", lambda: _status(f"{base}/who") == 200)
    slow: list[int] = []
    thread = threading.Thread(target=lambda: slow.append(_status(f"{base}/slow")))
    thread.start()
    time.sleep(0.3)
    second.stop(timeout=20)
    thread.join()
    second.reload()
    assert (slow, second.attrs["State"]["ExitCode"]) == ([200], 0)
    second.start()
    base = f"http://{edge.bench.address(second, 8080)}"
    wait_until("it is back", lambda: _status(f"{base}/who") == 200)
    # pgrep is not in the image; the name of a process is in /proc.
    second.exec_run(["sh", "-c", "for p in /proc/[0-9]*; do grep -qs haproxy $p/comm && kill -9 ${p#/proc/}; done"])
    assert second.wait(timeout=5)["StatusCode"] in {0, 143}


def _status(url: str) -> int:
    try:
        return httpx.get(url, trust_env=False, timeout=5).status_code
    except httpx.TransportError:
        return 0
