"""Writes a row every 0.1 s and prints how each attempt ended, as one line of JSON. Runs inside the image of the app.

`python -c ... URL NAME`. An open model: the next row is due 0.1 s later whatever became of the last one. Connections
are kept and used again; one that the server has closed is thrown away unused. Each attempt, connecting included, has
4 s: the bound that the app puts round a transaction. A server that gives up waiting for its standby answers COMMIT with
a warning: that is no success.
"""

import asyncio
import json
import os
import select
import socket
import sys
import time

import psycopg

PERIOD_S = 0.1
BOUND_S = 4.0


class Writer:
    """Rows 1, 2, 3, ... of one writer, each in a transaction of its own."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._idle: list[psycopg.AsyncConnection] = []

    async def run(self) -> None:
        """Write until killed."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        running: set[asyncio.Task[None]] = set()
        n = 0
        while True:
            n += 1
            task = asyncio.create_task(self._write(n))
            running.add(task)
            task.add_done_callback(running.discard)
            await asyncio.sleep(max(0.0, start + n * PERIOD_S - loop.time()))

    async def _write(self, n: int) -> None:
        began = time.time()
        try:
            await self._attempt(n)
            why = ""
        except (psycopg.Error, OSError, TimeoutError) as error:
            why = f"{type(error).__name__}: {error}".splitlines()[0]
        entry = {"n": n, "began": began, "ended": time.time(), "ok": not why, "why": why}
        sys.stdout.write(json.dumps(entry) + "\n")

    async def _attempt(self, n: int) -> None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + BOUND_S
        async with asyncio.timeout_at(ends):
            connection = await self._connection()
        warnings: list[str] = []
        connection.add_notice_handler(lambda notice: warnings.append(notice.message_primary or ""))
        watchdog = loop.call_at(ends, cut, connection)
        try:
            await connection.execute("insert into acknowledged values (%s, %s)", (self._name, n))
        except BaseException:
            await connection.close()
            raise
        finally:
            watchdog.cancel()
        if warnings:
            await connection.close()
            raise psycopg.OperationalError(warnings[0])
        self._idle.append(connection)

    async def _connection(self) -> psycopg.AsyncConnection:
        while self._idle:
            connection = self._idle.pop()
            poll = select.poll()
            poll.register(connection.pgconn.socket, select.POLLIN)
            if not poll.poll(0):  # an idle server has nothing to say but goodbye
                return connection
            await connection.close()
        return await psycopg.AsyncConnection.connect(self._url, autocommit=True)


def cut(connection: psycopg.AsyncConnection) -> None:
    """Shut the socket down: whoever waits for the server gets an error at once."""
    with socket.socket(fileno=os.dup(connection.pgconn.socket)) as twin:
        twin.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    asyncio.run(Writer(*sys.argv[1:3]).run())
