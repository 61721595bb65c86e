"""Several gateways to one document store: whichever answers is used, the last one first."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from targets.chat.errors import StoreUnavailable
from targets.chat.settings import DocumentSettings
from targets.chat.stores.first import AllFailed, first_of

RETRY_AFTER_S = 2  # what a client is told
Document = Mapping[str, Any]
Client = AsyncMongoClient[Document]
Database = AsyncDatabase[Document]
Result = TypeVar("Result")
Connect = Callable[[tuple[str, int], DocumentSettings], Client]
log = logging.getLogger("chat.documents")


def connect(address: tuple[str, int], settings: DocumentSettings) -> Client:
    """Return a client of one gateway. It connects when it is used, and tries nothing twice by itself."""
    bound_ms = int(settings.operation_s * 1000)
    connect_ms = int(settings.connect_s * 1000)
    return AsyncMongoClient(
        *address,
        directConnection=True,
        connect=False,
        tz_aware=True,
        appname="chat",
        maxPoolSize=settings.pool_size,
        connectTimeoutMS=connect_ms,
        serverSelectionTimeoutMS=connect_ms,
        waitQueueTimeoutMS=bound_ms,
        socketTimeoutMS=bound_ms,
        serverMonitoringMode="poll",
        retryReads=False,
        retryWrites=False,
    )


class Gateways:
    """Carries out operations at the gateway of the last success, or at the first other one that can.

    An operation may be carried out at two of them: it must be one that may. The driver's own choice of servers is of no
    use here, as it takes gateways for a replica set with one primary.
    """

    def __init__(self, settings: DocumentSettings, connect: Connect = connect) -> None:
        self._settings = settings
        self._connect = connect
        self._clients: list[Client] = []
        self._order = list(range(len(settings.gateways)))

    def open(self) -> None:
        """Make the clients; they connect later."""
        self._clients = [self._connect(address, self._settings) for address in self._settings.gateways]

    async def carry_out(
        self, operation: Callable[[Database], Awaitable[Result]], bound_s: float | None = None
    ) -> Result:
        """Return what `operation` returns; it is given the database at one gateway. Raises StoreUnavailable.

        An operation that raises PyMongoError has failed at that gateway, and is tried at the next.
        """
        if not self._clients:
            raise StoreUnavailable("The document store is not open.")
        bound_s = bound_s or self._settings.operation_s

        async def attempt(gateway: int) -> Result:
            async with asyncio.timeout(bound_s):
                return await operation(self._database(gateway))

        try:
            gateway, result = await first_of(
                tuple(self._order), attempt, self._silent, failures=(PyMongoError, TimeoutError, OSError)
            )
        except AllFailed as error:
            log.warning("no gateway carried it out", extra={"reason": str(error)[:1000]})
            message = "The document store did not carry out the request in time."
            raise StoreUnavailable(message, retry_after_s=RETRY_AFTER_S) from error
        if gateway != self._order[0]:
            log.info("using another gateway", extra={"gateway": ":".join(map(str, self._settings.gateways[gateway]))})
            self._order.sort(key=lambda one: one != gateway)  # (stable)
        return result

    async def close(self) -> None:
        """Let go of connections."""
        clients, self._clients = self._clients, []
        for client in clients:
            await client.close()

    def _database(self, gateway: int) -> Database:
        return self._clients[gateway].get_database(self._settings.database, write_concern=WriteConcern("majority"))

    async def _silent(self, gateway: int) -> None:
        """Return when a gateway has to be taken for silent; never, when it answers: then the database is what is slow.

        Trying another gateway beside one that waits for a slow database would only ask the database twice.
        """
        await asyncio.sleep(self._settings.connect_s)
        try:
            async with asyncio.timeout(self._settings.connect_s):
                await self._clients[gateway].admin.command("hello")
        except (PyMongoError, TimeoutError, OSError):
            return
        await asyncio.Event().wait()
