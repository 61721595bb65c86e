"""Patroni, PostgreSQL and etcd as v2 has them: one primary, one synchronous standby, and nothing acknowledged is lost.

One cluster for all tests of this file, which need each other's order: it costs 15 s to start and 20 s to fail over.
"""

import time
import uuid
from collections.abc import Iterator
from functools import partial

import pytest

from harness.engine.host import connect
from tests.bench.database_lab import BOTH, MEMBERS, NODES, DatabaseLab, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(1800)]  # a cold build takes minutes

PRIMARY = ["curl", "-fsS", "-m", "2", "-o", "/dev/null", "http://127.0.0.1:8008/primary"]
"""What targets/v2/target.toml gives as the command `primary`."""


@pytest.fixture(scope="module")
def lab() -> Iterator[DatabaseLab]:
    client = connect(timeout_s=120)
    lab = DatabaseLab(client, f"testbed-test-{uuid.uuid4().hex[:8]}")
    lab.build("etcd", "patroni", "app")
    try:
        lab.start()
        wait_until("there is one primary and one synchronous standby", lab.settled)
        yield lab
    finally:
        lab.remove()
        client.close()


def says_primary(lab: DatabaseLab, node: str) -> bool:
    return lab.container(node).exec_run(PRIMARY).exit_code == 0


def healthy(lab: DatabaseLab, member: str) -> bool:
    return lab.container(member).exec_run(["etcdctl", "endpoint", "health"]).exit_code == 0


def test_one_node_is_the_primary_and_waits_for_the_other(lab: DatabaseLab) -> None:
    primary = lab.primary()
    assert [says_primary(lab, node) for node in NODES] == [node == primary for node in NODES]
    wanted = "'fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums', 'synchronous_standby_names'"
    shown = lab.sql(primary, f"select setting from pg_settings where name in ({wanted}) order by name").splitlines()
    standby = next(node for node in NODES if node != primary)
    assert shown == ["on", "on", "on", "on", f'"{standby}"']


def test_the_network_asks_for_a_password_and_prometheus_is_answered(lab: DatabaseLab) -> None:
    node = lab.container(lab.primary())
    through_the_network = "psql -h $(hostname -i) -U chat -d chat -tAc 'select 1'"
    assert node.exec_run(["sh", "-c", f"PGPASSWORD=wrong {through_the_network}"]).exit_code != 0
    assert node.exec_run(["sh", "-c", f"PGPASSWORD=made-up {through_the_network}"]).exit_code == 0
    metrics = node.exec_run(["curl", "-fsS", "http://127.0.0.1:8008/metrics"]).output.decode()
    assert "patroni_primary{" in metrics


def test_a_primary_that_crashes_and_stays_away_takes_nothing_with_it(lab: DatabaseLab) -> None:
    first = lab.primary()
    second = next(node for node in NODES if node != first)
    lab.sql(first, "create table acknowledged (writer text, n int, primary key (writer, n))")
    lab.place_writer("writer", BOTH)
    wait_until("rows are acknowledged", lambda: any(each.ok for each in lab.writes("writer")))
    lab.crash(first)
    crashed = time.time()
    wait_until("the standby is the primary", lambda: lab.is_primary(second))
    wait_until("writes succeed again", lambda: any(each.ok and each.began > crashed for each in lab.writes("writer")))

    lab.place(first)
    wait_until("the old primary streams from the new one", lab.settled)
    assert lab.primary() == second

    acknowledged = {each.n for each in lab.writes("writer") if each.ok}
    assert len(acknowledged) > 10
    assert acknowledged <= lab.rows("writer")


def test_etcd_members_are_replaced_one_after_the_other(lab: DatabaseLab) -> None:
    for member in MEMBERS:
        lab.crash(member)
        lab.place(member)
        wait_until(f"{member} is back", partial(healthy, lab, member))
    assert lab.primary()
    lab.sql(lab.primary(), "create table written_after ()")
