"""Host names looked up so that a slow name server holds up nobody but those who wait for that name."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

LookUp = Callable[[str], list[str]]


def look_up(host: str) -> list[str]:
    """Return the IP addresses of `host`, preferred ones first. Blocks. Raises OSError."""
    found = socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Names:
    """Looks names up, each in at most one thread at a time.

    asyncio's own getaddrinfo shares a handful of threads among all lookups of the process. Where a name that is gone
    takes the name server ten seconds to deny, a few attempts to reach it would hold up the lookups of all the others,
    and threads that are not daemons would hold up the end of the process as well.
    """

    def __init__(self, look_up: LookUp = look_up) -> None:
        self._look_up = look_up
        self._asking: dict[str, asyncio.Future[list[str]]] = {}

    async def addresses(self, host: str) -> list[str]:
        """Return the IP addresses of `host`, preferred ones first. Raises OSError."""
        with suppress(ValueError):
            return [str(ipaddress.ip_address(host))]
        asking = self._asking.get(host)
        if asking is None:
            loop = asyncio.get_running_loop()
            asking = self._asking[host] = loop.create_future()
            threading.Thread(target=self._answer, args=(host, asking, loop), daemon=True).start()
        return await asyncio.shield(asking)  # the next one who asks waits for the same answer

    def _answer(self, host: str, asking: asyncio.Future[list[str]], loop: asyncio.AbstractEventLoop) -> None:
        """Runs in the thread."""
        found: list[str] | OSError
        try:
            found = self._look_up(host)
        except OSError as error:
            found = error
        except UnicodeError:  # a label that is empty or too long
            found = OSError(f"'{host}' is not a host name")
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(self._settle, host, asking, found)

    def _settle(self, host: str, asking: asyncio.Future[list[str]], found: list[str] | OSError) -> None:
        del self._asking[host]
        if isinstance(found, OSError):
            asking.set_exception(found)
            asking.exception()  # whoever asked may have given up: that is no error nobody looked at
        else:
            asking.set_result(found)
