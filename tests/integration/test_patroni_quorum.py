"""Patroni and PostgreSQL as v3 has them: three nodes, a COMMIT that any one standby confirms, and none without."""

import uuid
from collections.abc import Iterator

import pytest

from harness.engine.host import connect
from tests.bench.database_lab import DatabaseLab, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(900)]

NODES = ("database-a", "database-b", "database-c")


@pytest.fixture(scope="module")
def lab() -> Iterator[DatabaseLab]:
    client = connect(timeout_s=120)
    environment = {"CLUSTER_SYNCHRONOUS": "quorum", "CLUSTER_STRICT": "true"}
    lab = DatabaseLab(client, f"testbed-test-{uuid.uuid4().hex[:8]}", environment, NODES)
    lab.build("etcd", "patroni")
    try:
        lab.start()
        wait_until("there is one primary and two quorum standbys", lab.settled, 120)
        yield lab
    finally:
        lab.remove()
        client.close()


def writes(lab: DatabaseLab, node: str, n: int) -> bool:
    """Whether a row is confirmed within 2 s, and not by the primary alone."""
    insert = ["psql", "-U", "chat", "-d", "chat", "-qtAc", f"insert into kept values ({n})"]
    code, output = lab.container(node).exec_run(["timeout", "2", *insert])
    return code == 0 and b"WARNING" not in output


def test_any_one_of_two_standbys_is_enough_and_without_both_nothing_is_written(lab: DatabaseLab) -> None:
    primary = lab.primary()
    one, other = (node for node in NODES if node != primary)
    assert lab.sql(primary, "show synchronous_standby_names").startswith("ANY 1 (")
    lab.sql(primary, "create table kept (n int)")
    assert writes(lab, primary, 1)

    lab.container(one).pause()
    try:
        assert writes(lab, primary, 2), "the standby that is left confirms at once"
        lab.container(other).pause()
        try:
            assert not writes(lab, primary, 3)
            # Longer than Patroni's loop, after which a cluster that is not strict would go on alone.
            wait_until("Patroni has seen it", lambda: "ANY 1 (*)" in standbys(lab, primary), 60)
            assert not writes(lab, primary, 4)
            assert lab.sql(primary, "select count(*) from kept where n in (1, 2)") == "2", "who reads is served"
        finally:
            lab.container(other).unpause()
        wait_until("one standby is back", lambda: writes(lab, primary, 5), 60)
    finally:
        lab.container(one).unpause()
    wait_until("all are back", lab.settled, 60)


def standbys(lab: DatabaseLab, node: str) -> str:
    return lab.sql(node, "show synchronous_standby_names")


def test_the_primary_is_brought_home_when_all_is_well(lab: DatabaseLab) -> None:
    wait_until("all follow", lab.settled, 60)
    first = lab.primary()
    home = next(node for node in NODES if node != first)
    assert bring(lab, home, first) == (0, ""), "it is where it belongs"
    assert bring(lab, home, home) == (0, f"the primary was {first}, and is {home} again")
    assert lab.primary() == home
    wait_until("all follow again", lab.settled, 60)


def bring(lab: DatabaseLab, node: str, home: str) -> tuple[int, str]:
    """Bring the primary home, from inside a node; return the exit code and what was said."""
    code, output = lab.container(node).exec_run(["python3", "/usr/local/lib/bring_home.py", home])
    return int(code or 0), output.decode().strip()


def test_the_primary_that_is_lost_takes_nothing_with_it(lab: DatabaseLab) -> None:
    first = lab.primary()
    assert writes(lab, first, 100)
    lab.crash(first)
    wait_until("a standby is the primary", lambda: lab.primary() not in ("", first), 60)
    wait_until("it takes writes", lambda: writes(lab, lab.primary(), 101), 30)
    assert lab.sql(lab.primary(), "select count(*) from kept where n in (1, 2, 5, 100, 101)") == "5"
