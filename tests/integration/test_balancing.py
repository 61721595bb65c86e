"""The balancer: only who is ready gets requests, a dead server costs nobody a request, and nothing is done twice."""

import itertools
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from docker.models.containers import Container

from tests.integration.bench import Bench, bench, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(600)]
SERVICES = {"APP_SERVICES": "app-a app-b app-later", "APP_PORT": "8000", "APP_SLOTS": "4"}


class Balanced:
    """A balancer before two fake apps, and one client."""

    def __init__(self, made: Bench) -> None:
        self.bench = made
        self.lb = made.start("lb", "lb", 8080, environment=SERVICES)  # first: it has to wait for names
        self.apps = {name: made.fake_app(name) for name in ("app-a", "app-b")}
        base = f"http://{made.address(self.lb, 8080)}"
        self.web = httpx.Client(base_url=base, trust_env=False, timeout=10)

    def tell(self, app: str, query: str = "") -> dict[str, int]:
        """Set what an app does; return what it has seen."""
        address = self.bench.address(self.apps[app], 8000)
        seen: dict[str, int] = httpx.post(f"http://{address}/set?{query}", trust_env=False).json()
        return seen

    def who(self, times: int = 8) -> set[str]:
        """Who answers so many requests in a row; a status other than 200 stands for itself."""
        answers = [self.web.get("/who") for _ in range(times)]
        return {a.json()["from"] if a.status_code == 200 else str(a.status_code) for a in answers}


@pytest.fixture(scope="module")
def balanced() -> Iterator[Balanced]:
    with bench("lb", "provider-sim") as made:
        balanced = Balanced(made)
        wait_until("both apps answer", lambda: balanced.who() == {"app-a", "app-b"}, 20)
        yield balanced
        balanced.web.close()


@pytest.fixture(autouse=True)
def both(balanced: Balanced) -> None:
    """Each test begins with two servers in service."""
    for app in balanced.apps:
        balanced.tell(app, "ready=yes&broken=no")
    wait_until("both apps answer", lambda: balanced.who() == {"app-a", "app-b"})


def test_a_server_that_drains_finishes_what_it_has_and_gets_nothing_new(balanced: Balanced) -> None:
    slow: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: slow.append(balanced.web.get("/slow"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    balanced.tell("app-a", "ready=no")
    wait_until("app-a is out", lambda: balanced.who() == {"app-b"}, 3)
    for thread in threads:
        thread.join()
    assert {answer.json()["from"] for answer in slow} == {"app-a", "app-b"}
    balanced.tell("app-a", "ready=yes")
    wait_until("app-a is back", lambda: "app-a" in balanced.who(), 3)


def test_a_lost_answer_is_asked_for_again_with_get_and_never_with_post(balanced: Balanced) -> None:
    assert balanced.web.get("/hang-up-once").status_code == 200  # hung up on by both apps on its way
    posts = [balanced.web.post("/hang-up-once", json={}) for _ in range(3)]
    assert [answer.status_code for answer in posts] == [502, 502, 200]
    assert sum(balanced.tell(app)["POST /hang-up-once"] for app in balanced.apps) == 3
    assert posts[0].headers["Content-Type"] == "application/problem+json"
    assert posts[0].headers["Retry-After"] == "1"
    problem = posts[0].json()
    assert (problem["status"], problem["instance"]) == (502, "/hang-up-once")


def test_headers_and_long_bodies_pass_and_every_request_has_an_id(balanced: Balanced) -> None:
    mine = {"X-Client-Id": "me", "X-Request-ID": "mine", "X-Forwarded-For": "192.0.2.1"}
    answer = balanced.web.post("/echo", headers=mine, content=b"x" * 128 * 1024).json()
    headers = answer["headers"]
    assert (answer["bytes"], headers["x-client-id"], headers["x-request-id"]) == (128 * 1024, "me", "mine")
    assert headers["x-forwarded-for"].startswith("192.0.2.1, ")  # and then where it came from to the balancer
    assert balanced.web.get("/echo").json()["headers"]["x-request-id"]


def test_a_stream_passes_as_it_comes(balanced: Balanced) -> None:
    started = time.monotonic()
    with balanced.web.stream("POST", "/stream", json={}) as answer:
        arrived = [time.monotonic() - started for line in answer.iter_lines() if line.startswith("data:")]
    assert len(arrived) == 5
    assert arrived[0] < 0.15  # the first event left at 0.0 s, the last at 0.8 s
    assert all(later - earlier > 0.1 for earlier, later in itertools.pairwise(arrived))


def test_a_killed_server_costs_no_request_and_a_new_one_is_found(balanced: Balanced) -> None:
    balanced.bench.remove(balanced.apps.pop("app-b"))
    answers = []
    until = time.monotonic() + 3
    while time.monotonic() < until:
        answers += [balanced.web.post("/echo", json={}).status_code, balanced.web.get("/who").status_code]
        time.sleep(0.05)
    assert set(answers) == {200}
    balanced.apps["app-b"] = balanced.bench.fake_app("app-later")  # a name that nobody had until now
    wait_until("the new server is used", lambda: balanced.who() == {"app-a", "app-later"}, 10)
    balanced.bench.remove(balanced.apps["app-b"])
    balanced.apps["app-b"] = balanced.bench.fake_app("app-b")


def test_when_nobody_is_ready_the_balancer_says_so_at_once(balanced: Balanced) -> None:
    assert balanced.web.get("/health").status_code == 200
    for app in balanced.apps:
        balanced.tell(app, "ready=no")
    wait_until("nobody is left", lambda: balanced.who(1) == {"503"}, 4)
    started = time.monotonic()
    answer = balanced.web.post("/v1/chat", json={})
    assert time.monotonic() - started < 0.5
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:chat:problem:service-unavailable"
    assert balanced.web.get("/health").status_code == 503


def test_a_stop_lets_what_is_in_flight_end(balanced: Balanced) -> None:
    second = balanced.bench.start("lb", "lb-second", 8080, environment=SERVICES)
    base = f"http://{balanced.bench.address(second, 8080)}"
    health = f"{base}/health"
    wait_until("it has servers", lambda: _status(health) == 200)
    stop = threading.Thread(target=lambda: second.stop(timeout=20))
    stop.start()
    wait_until("its health says no", lambda: _status(health) == 503, 2)
    # Within the grace of 3 s its neighbours have not all noticed: what they send is served.
    assert [_status(f"{base}/slow") for _ in range(2)] == [200, 200]
    stop.join()
    assert _exit_code(second) == 0


def _status(url: str) -> int:
    try:
        return httpx.get(url, trust_env=False, timeout=5).status_code
    except httpx.TransportError:
        return 0


def _exit_code(container: Container) -> int:
    container.reload()
    return int(container.attrs["State"]["ExitCode"])
