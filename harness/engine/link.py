"""One link of a running stack: the Toxiproxy on it, as a fault may use it."""

from __future__ import annotations

from typing import Literal

from harness.engine.probe import probe
from harness.engine.toxiproxy import ProxyState, ToxiproxyServer
from harness.faults.base import Probe
from harness.target import Protocol


class ProxiedLink:
    """A link over its Toxiproxy; implements `harness.faults.base.LinkHandle`."""

    def __init__(
        self, name: str, server: ToxiproxyServer, address: tuple[str, int], protocol: Protocol, host: str
    ) -> None:
        self._name = name
        self._server = server
        self._address = address
        self._protocol: Protocol = protocol
        self._host = host

    @property
    def name(self) -> str:
        """The link's name in target.toml."""
        return self._name

    def probe(self, timeout_s: float = 2.0) -> Probe:
        """Send a small question through the proxy on a fresh connection, and time the answer."""
        return probe(self._address, self._protocol, self._host, timeout_s)

    def set_enabled(self, enabled: bool) -> None:
        """Disable (close all connections, refuse new ones) or enable the proxy; verified by reading back."""
        self._server.set_enabled(self._name, enabled)

    def add_toxic(self, kind: str, stream: Literal["upstream", "downstream"], **attributes: int) -> str:
        """Add a toxic at toxicity 1 and return its name; raises InstrumentError unless it reads back the same."""
        return self._server.add_toxic(self._name, kind, stream, attributes).name

    def update_toxic(self, name: str, **attributes: int) -> None:
        """Change a toxic in place; verified by reading back."""
        self._server.update_toxic(self._name, name, attributes)

    def remove_toxic(self, name: str) -> None:
        """Remove a toxic; nothing happens when it is gone."""
        self._server.remove_toxic(self._name, name)

    def state(self) -> ProxyState:
        """Ask Toxiproxy what it has stored."""
        return self._server.proxy(self._name)
