"""What neither Patroni nor PostgreSQL says over HTTP: disk space of the data volume, and connections of their limit.

python3 node_metrics.py PORT FOLDER: /metrics in Prometheus' text format. It asks PostgreSQL over its socket as the
superuser, on one connection that it keeps, because superusers have places of their own: it can still say that there are
no others left. A PostgreSQL that does not answer costs its two series, never those of the disk.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import psycopg2  # type: ignore[import-untyped]  # of Debian, in the image; the repository has psycopg 3

CONNECT = "host=/var/run/postgresql user=postgres dbname=postgres connect_timeout=1 application_name=node_metrics"
# Clients only: what replicates, and PostgreSQL's own processes, have places of their own.
QUESTION = """
select (select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()),
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
"""


class Database:
    """Asks for open connections and how many may be."""

    def __init__(self, connect: str = CONNECT) -> None:
        self._connect = connect
        self._connection: Any = None

    def connections(self) -> tuple[int, int] | None:
        """Return both numbers, None when PostgreSQL does not answer."""
        try:
            if self._connection is None:
                self._connection = psycopg2.connect(self._connect, options="-c statement_timeout=1000")
                self._connection.autocommit = True
            with self._connection.cursor() as cursor:
                cursor.execute(QUESTION)
                row = cursor.fetchone()
        except psycopg2.Error:
            self.close()
            return None
        return (int(row[0]), int(row[1])) if row else None

    def close(self) -> None:
        """Forget the connection; the next question makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg2.Error):  # it was broken already
                connection.close()


def page(folder: str, database: Database) -> str:
    """Return the metrics."""
    disk = os.statvfs(folder)
    values = {
        "database_disk_size_bytes": disk.f_blocks * disk.f_frsize,
        "database_disk_free_bytes": disk.f_bavail * disk.f_frsize,  # of what root keeps PostgreSQL gets nothing
    }
    counted = database.connections()
    if counted is not None:
        values["database_connections"], values["database_connections_limit"] = counted
    return "".join(f"# TYPE {name} gauge\n{name} {value}\n" for name, value in values.items())


def main(port: int, folder: str) -> None:
    """Serve until the container ends; one question at a time."""
    database = Database()

    class Handler(BaseHTTPRequestHandler):
        timeout = 2  # who says nothing must not keep others waiting

        def do_GET(self) -> None:
            body = page(folder, database).encode() if self.path.startswith("/metrics") else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing: this is asked all the time."""

    HTTPServer(("0.0.0.0", port), Handler).serve_forever()  # noqa: S104 (a container's own)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
