"""A client for geventhttpclient's parts that sends a request once and only once.

geventhttpclient repeats idempotent methods up to pool size + 1 times inside `HTTPClient.request` when a connection
closes: with a large pool one logged GET becomes thousands, and a server that drops requests looks well. Here a
request is one attempt, and the pool lends a connection only while it can be trusted not to be closing.
"""

from __future__ import annotations

import errno
import socket
import time
from collections import deque
from typing import Any

import gevent.socket
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.header import HeadersDataType
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketPoolResponse
from geventhttpclient.url import URL

from harness.errors import InstrumentError

REST_S = 0.02
"""How long (s) a connection rests before it is lent again: a server that closes after an answer without announcing it
needs a moment until its FIN is here. Until then other connections do the work."""

REUSE_WITHIN_S = 1.0
"""How long (s) an idle connection is kept: well below the shortest keep-alive in use (2 s in gunicorn, 5 s in uvicorn),
because a request that crosses the server's FIN would be a failure that no user would blame on the target."""

NO_LIMIT_S = 86400.0
"""geventhttpclient's time-outs are per socket operation; the deadline round the whole request is what counts."""

_OUT_OF = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


class CouldNotConnect(ConnectionError):
    """No connection could be made."""


class OutOfSockets(OSError):
    """This machine has no descriptor, port or memory left for one more connection: the instrument's fault."""


class BrokeOff(ConnectionError):
    """The connection ended before the answer was complete."""


class Connections(ConnectionPool):
    """Connections to one address, as many as are needed.

    Of the idle ones that have rested, the youngest is lent, as the server is the least likely to be closing it.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, host, port, connection_timeout=NO_LIMIT_S, network_timeout=NO_LIMIT_S)
        self._idle: deque[tuple[float, gevent.socket.socket]] = deque()
        self._addresses: list[Any] = []

    def resolve(self) -> None:
        """Look the name up, once. Raises InstrumentError when that cannot be done."""
        try:
            self._addresses = super()._resolve()
        except OSError as error:
            raise InstrumentError(
                f"The load generator cannot resolve {self._connection_host}: {error}.", "Correct the address."
            ) from error

    def get_socket(self) -> gevent.socket.socket:
        """Lend an idle connection or make one. Raises CouldNotConnect or OutOfSockets."""
        now = time.monotonic()
        while self._idle and now - self._idle[0][0] > REUSE_WITHIN_S:
            self._idle.popleft()[1].close()
        for place in reversed(range(len(self._idle))):
            since, sock = self._idle[place]
            if now - since < REST_S:
                continue
            del self._idle[place]
            if self._is_socket_alive(sock):
                return sock
            sock.close()
        try:
            return self._create_socket()
        except OSError as error:
            if error.errno in _OUT_OF:
                raise OutOfSockets(error.errno, str(error)) from error
            raise CouldNotConnect(error.errno, str(error)) from error

    def return_socket(self, sock: gevent.socket.socket) -> None:
        """Take back a connection that is fit for another request."""
        self._idle.append((time.monotonic(), sock))

    def release_socket(self, sock: gevent.socket.socket) -> None:
        """Close a connection that is not."""
        sock.close()

    def close(self) -> None:
        """Close all idle connections."""
        while self._idle:
            self._idle.popleft()[1].close()

    def _resolve(self) -> list[Any]:
        if not self._addresses:
            self.resolve()
        return self._addresses

    def _is_socket_alive(self, sock: gevent.socket.socket | None) -> bool:
        """Whether nothing has come in on an idle connection: neither a FIN nor bytes that nobody asked for.

        A peek instead of the library's select(), which cannot look at descriptors above 1023.
        """
        if sock is None:
            return False
        sock.settimeout(0.0)
        try:
            sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            sock.settimeout(NO_LIMIT_S)
        return False


class Answer(HTTPSocketPoolResponse):
    """A response that tells a broken connection (BrokeOff) from bytes that are not HTTP (HTTPParseError)."""

    def feed(self, data: str | bytes) -> None:
        """Parse what was received; nothing received means that the other side has closed."""
        try:
            super().feed(data)
        except HTTPParseError:
            if data:
                raise
        if not data and not self.message_complete:
            raise BrokeOff("closed before the answer was complete")


class OneAttemptClient(HTTPClient):
    """An HTTPClient whose `request` is one attempt."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port=port)
        self._connections = Connections(self.host, port)
        self._connection_pool = self._connections

    def resolve(self) -> None:
        """Look the host's name up. Raises InstrumentError."""
        self._connections.resolve()

    def request(
        self, method: str, request_uri: str, body: Any = b"", headers: HeadersDataType | None = None
    ) -> HTTPSocketPoolResponse:
        """Send it once and return when the head of the answer is there; the body is read with `read()`.

        `body` is bytes. Raises CouldNotConnect, OutOfSockets, OSError (BrokeOff is one) when the connection broke,
        HTTPParseError when the answer is not HTTP.
        """
        head = self._build_request(method, request_uri, body=body, headers=headers).encode("latin-1")
        sock = self._connections.get_socket()
        try:
            sock.sendall(head + body)
        except BaseException:  # gevent.Timeout is not an Exception
            self._connections.release_socket(sock)
            raise
        try:
            return Answer(sock, self._connections, block_size=self.block_size, method=method.upper())
        except HTTPConnectionClosed as error:
            raise BrokeOff(str(error)) from error


class OneAttemptPool(HTTPClientPool):
    """The `client_pool` of a FastHttpUser, with clients that send once."""

    def get_client(self, url: str | URL) -> OneAttemptClient:
        """Return the client for the URL's host and port. Raises InstrumentError for anything but http."""
        parts = url if isinstance(url, URL) else URL(url)
        if parts.scheme != "http" or not parts.host:
            raise InstrumentError(f"The load generator speaks plain HTTP, not '{url}'.", "Give it an http:// address.")
        port = parts.port or 80
        client = self.clients.get((parts.host, port))
        if not isinstance(client, OneAttemptClient):
            client = self.clients[parts.host, port] = OneAttemptClient(parts.host, port)
        return client
