"""The images do what the targets need of them: they start, stop, survive kill -9, and are rebuilt only when changed."""

import time
import uuid
from collections.abc import Callable, Iterator

import docker
import pytest
from docker.models.containers import Container

from harness.engine.host import connect
from harness.engine.images import ensure_images, find_image, known_parts, tag_of

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]  # a cold build of everything takes minutes

POSTGRES = {"POSTGRES_USER": "chat", "POSTGRES_PASSWORD": "made-up", "POSTGRES_DB": "chat"}
DATA = "/var/lib/postgresql/data"

Start = Callable[..., Container]


@pytest.fixture(scope="module")
def client() -> Iterator[docker.DockerClient]:
    client = connect(timeout_s=120)
    ensure_images(client, known_parts(), lambda line: None)
    yield client
    client.close()


@pytest.fixture
def volume(client: docker.DockerClient) -> Iterator[dict[str, dict[str, str]]]:
    made = client.volumes.create(f"testbed-test-{uuid.uuid4().hex[:8]}")
    yield {made.name: {"bind": DATA, "mode": "rw"}}
    made.remove(force=True)


@pytest.fixture
def start(client: docker.DockerClient, volume: dict) -> Iterator[Start]:
    """Start a container of a part as Compose would; everything is removed after the test, the volume last."""
    started: list[Container] = []

    def run(part: str, **options: object) -> Container:
        container = client.containers.run(tag_of(part), detach=True, init=True, **options)
        started.append(container)
        return container

    yield run
    for container in started:
        container.remove(force=True, v=True)


def wait_until(what: str, true: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.1)


def answers(container: Container, *command: str) -> bool:
    """Whether the command succeeds inside the container; False while the container is not running."""
    try:
        return container.exec_run(list(command)).exit_code == 0
    except docker.errors.APIError:
        return False


def database_ready(container: Container) -> bool:
    return answers(container, "pg_isready", "-q", "-h", "127.0.0.1", "-U", "chat", "-d", "chat")


def sql(container: Container, statement: str) -> str:
    code, output = container.exec_run(["psql", "-U", "chat", "-d", "chat", "-qtAc", statement])
    assert code == 0, output.decode()
    return output.decode().strip()


def test_a_second_call_builds_nothing_and_takes_less_than_a_second(client: docker.DockerClient) -> None:
    before = {part: find_image(client, tag_of(part)).id for part in known_parts()}
    lines: list[str] = []
    started = time.monotonic()
    assert ensure_images(client, known_parts(), lines.append) == before
    assert lines == []
    assert time.monotonic() - started < 1.0 * 3  # three times what is promised: this machine is shared


@pytest.mark.parametrize("part", known_parts())
def test_no_image_runs_as_root_or_holds_a_package_cache(client: docker.DockerClient, part: str) -> None:
    image = client.images.get(tag_of(part))
    assert image.attrs["Config"]["User"] not in {"", "root", "0"}
    look = ["-c", "id -u; find /var/lib/apt/lists /var/cache/apt -type f ! -name lock 2>/dev/null | wc -l"]
    output = client.containers.run(image.id, look, entrypoint="sh", remove=True).decode().split()
    assert output[0] != "0"
    assert output[1] == "0"


def test_postgres_is_durable_asks_for_passwords_and_lets_the_harness_in(start: Start, volume: dict) -> None:
    database = start("postgres", environment=POSTGRES, volumes=volume)
    wait_until("the first start", lambda: database_ready(database))
    settings = "select name || '=' || setting from pg_settings where name in"
    shown = sql(
        database, f"{settings} ('fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums') order by 1"
    )
    assert shown.split() == ["data_checksums=on", "fsync=on", "full_page_writes=on", "synchronous_commit=on"]
    through_the_network = "psql -h $(hostname -i) -U chat -d chat -tAc 'select 1'"
    assert not answers(database, "sh", "-c", f"PGPASSWORD=wrong {through_the_network}")
    assert answers(database, "sh", "-c", f"PGPASSWORD=made-up {through_the_network}")


def test_postgres_comes_back_from_ten_kills_with_every_row(start: Start, volume: dict) -> None:
    database = start("postgres", environment=POSTGRES, volumes=volume)
    wait_until("the first start", lambda: database_ready(database))
    sql(database, "create table kept (id int)")
    for number in range(1, 11):
        sql(database, f"insert into kept values ({number})")
        database.kill("SIGKILL")
        database.wait(timeout=30)
        database.start()
        wait_until(f"the start after kill {number}", lambda: database_ready(database))
        assert sql(database, "select count(*) from kept") == str(number)


def test_postgres_crashing_from_inside_is_seen_by_the_restart_policy(start: Start, volume: dict) -> None:
    database = start("postgres", environment=POSTGRES, volumes=volume, restart_policy={"Name": "always"})
    wait_until("the first start", lambda: database_ready(database))
    database.exec_run(["sh", "-c", "kill -9 -1"], user="root")

    def restarted() -> bool:
        database.reload()
        return database.attrs["RestartCount"] == 1

    wait_until("the restart", restarted)
    wait_until("the start after the crash", lambda: database_ready(database))


def test_postgres_starts_although_the_lock_file_names_a_process_that_lives(start: Start, volume: dict) -> None:
    database = start("postgres", environment=POSTGRES, volumes=volume)
    wait_until("the first start", lambda: database_ready(database))
    # Process 1 is docker-init: it lives, and belongs to postgres, as the owner of a recycled process id might.
    database.exec_run(["sh", "-c", f"sed -i '1s/.*/1/' {DATA}/postmaster.pid"])
    database.kill("SIGKILL")
    database.wait(timeout=30)
    database.start()
    wait_until("the start after the kill", lambda: database_ready(database))


def test_postgres_survives_first_starts_that_are_killed(start: Start, volume: dict) -> None:
    database = start("postgres", environment=POSTGRES, volumes=volume)
    for delay_s in (0.05, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4):
        time.sleep(delay_s)
        database.kill("SIGKILL")
        database.wait(timeout=30)
        database.start()
    wait_until("a first start that is left alone", lambda: database_ready(database))
    assert sql(database, "select current_database()") == "chat"
    assert not answers(database, "test", "-e", f"{DATA}/.new")


def test_postgres_holds_its_data_directory_against_another_container(
    client: docker.DockerClient, start: Start, volume: dict
) -> None:
    database = start("postgres", environment=POSTGRES, volumes=volume)
    wait_until("the first start", lambda: database_ready(database))
    other = start("postgres", entrypoint=["flock", "--nonblock", DATA, "true"], volumes=volume)
    assert other.wait(timeout=30)["StatusCode"] == 1
    database.stop(timeout=30)
    other.start()
    assert other.wait(timeout=30)["StatusCode"] == 0


def test_postgres_refuses_a_folder_that_is_not_its_own(start: Start, volume: dict) -> None:
    stranger = start("postgres", entrypoint=["touch", f"{DATA}/letter.txt"], volumes=volume)
    assert stranger.wait(timeout=30)["StatusCode"] == 0
    database = start("postgres", environment=POSTGRES, volumes=volume)
    assert database.wait(timeout=30)["StatusCode"] == 1
    assert b"refusing to touch it" in database.logs()


@pytest.mark.parametrize(
    ("part", "options", "ready"),
    [
        ("postgres", {"environment": POSTGRES}, ["pg_isready", "-q", "-h", "127.0.0.1"]),
        ("redis", {"command": ["--save", "", "--appendonly", "no"]}, ["redis-cli", "ping"]),
        ("provider-sim", {}, ["curl", "-fsS", "http://127.0.0.1:8081/control/health"]),
    ],
)
def test_a_stop_is_heard_and_is_clean(start: Start, part: str, options: dict, ready: list[str]) -> None:
    container = start(part, **options)
    wait_until(f"{part} is ready", lambda: answers(container, *ready))
    started = time.monotonic()
    container.stop(timeout=30)
    assert time.monotonic() - started < 15
    container.reload()
    assert container.attrs["State"]["ExitCode"] in {0, 143}


def test_redis_takes_the_arguments_of_a_target_and_answers_other_containers(start: Start) -> None:
    cache = start("redis", command=["--save", "", "--maxmemory", "128mb", "--maxmemory-policy", "allkeys-lru"])
    wait_until("redis is ready", lambda: answers(cache, "redis-cli", "ping"))
    shown = cache.exec_run(["redis-cli", "config", "get", "maxmemory*"]).output.decode().split()
    assert "134217728" in shown
    assert "allkeys-lru" in shown
    cache.reload()
    address = next(iter(cache.attrs["NetworkSettings"]["Networks"].values()))["IPAddress"]
    assert answers(start("redis"), "redis-cli", "-h", address, "set", "key", "value")


def test_the_simulator_becomes_healthy_by_itself(start: Start) -> None:
    simulator = start("provider-sim")

    def healthy() -> bool:
        simulator.reload()
        return simulator.attrs["State"]["Health"]["Status"] == "healthy"

    wait_until("healthy", healthy)
    assert answers(simulator, "curl", "-fsS", "http://127.0.0.1:8080/")


def test_toxiproxy_says_its_version_and_may_listen_where_tls_does(start: Start) -> None:
    proxy, client_side = start("toxiproxy"), start("provider-sim")
    proxy.reload()
    api = f"http://{next(iter(proxy.attrs['NetworkSettings']['Networks'].values()))['IPAddress']}:8474"
    wait_until("its API answers", lambda: answers(client_side, "curl", "-fsS", f"{api}/version"))
    assert b"2.12.0" in client_side.exec_run(["curl", "-fsS", f"{api}/version"]).output
    listener = '{"name": "tls", "listen": "[::]:443", "upstream": "127.0.0.1:8474"}'
    assert answers(client_side, "curl", "-fsS", "-X", "POST", "-d", listener, f"{api}/proxies")


def test_the_app_image_has_the_command_line_that_targets_use(client: docker.DockerClient) -> None:
    image = client.images.get(tag_of("app"))
    entry = image.attrs["Config"]["Entrypoint"]
    assert entry[0] == "uvicorn"
    assert entry[entry.index("--timeout-keep-alive") + 1] == "120"
    script = "import targets.chat, targets.v1, fastapi, openai, anthropic, redis, psycopg; print(psycopg.pq.__impl__)"
    output = client.containers.run(image.id, ["-c", script], entrypoint="python", remove=True)
    assert output.strip() == b"binary"
