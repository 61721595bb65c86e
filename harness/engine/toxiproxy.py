"""Speaks to Toxiproxy servers: toxiproxy-python behind an adapter that has time-outs, raises, and reads back.

What the library (0.1.1) lacks is put right here and nowhere else: its address is a class attribute (one server per
process), it waits for ever, it takes a 500 for an answer, and it cannot see that the server ignored an attribute
whose name it did not know (`bandwidth` with a misspelt rate lets nothing through at all).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import requests
from toxiproxy.api import APIConsumer
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from harness.errors import InstrumentError

Stream = Literal["upstream", "downstream"]
TIMEOUT_S = 5.0
# The API is on loopback: a proxy that the environment names for the outside world must not be asked for it.
_DIRECT: Mapping[str, None] = {"http": None, "all": None}


@dataclass(frozen=True)
class Toxic:
    """A toxic as the server stored it. Units are Toxiproxy's: milliseconds, kB/s, bytes."""

    name: str
    kind: str
    stream: str
    toxicity: float
    attributes: Mapping[str, int]


@dataclass(frozen=True)
class ProxyState:
    """A proxy as the server stored it."""

    name: str
    listen: str
    upstream: str
    enabled: bool
    toxics: tuple[Toxic, ...]


class ToxiproxyServer:
    """One Toxiproxy server. Every call ends within `timeout_s` (s) or raises InstrumentError."""

    def __init__(self, host: str, port: int, timeout_s: float = TIMEOUT_S) -> None:
        # A class of its own, because the library keeps the address on the class.
        self._api: Any = type("Api", (APIConsumer,), {"host": host, "port": port})
        self._where = f"Toxiproxy at {host}:{port}"
        self._timeout_s = timeout_s

    def version(self) -> str:
        """Return the server's version, such as '2.12.0'."""
        return str(self._call("get", "/version").json()["version"])

    def proxies(self) -> dict[str, ProxyState]:
        """Return every proxy by name, with its toxics."""
        return {name: _proxy(data) for name, data in self._call("get", "/proxies").json().items()}

    def proxy(self, name: str) -> ProxyState:
        """Return one proxy. Raises InstrumentError when the server does not know it."""
        return _proxy(self._call("get", f"/proxies/{name}").json())

    def create(self, name: str, listen: str, upstream: str) -> ProxyState:
        """Create an enabled proxy and return it as stored."""
        self._call("post", "/proxies", {"name": name, "listen": listen, "upstream": upstream, "enabled": True})
        stored = self.proxy(name)
        if stored.upstream != upstream or not stored.enabled:
            raise InstrumentError(f"{self._where} stored another proxy '{name}' than asked for: {stored}.")
        return stored

    def set_enabled(self, proxy: str, enabled: bool) -> None:
        """Enable or disable a proxy: disabling closes its connections and refuses new ones."""
        self._call("post", f"/proxies/{proxy}", {"enabled": enabled})
        if self.proxy(proxy).enabled is not enabled:
            word = "enabled" if enabled else "disabled"
            raise InstrumentError(f"{self._where} says that it {word} '{proxy}', and it did not.")

    def add_toxic(self, proxy: str, kind: str, stream: Stream, attributes: Mapping[str, int]) -> Toxic:
        """Add a toxic to every connection of a proxy and return it as stored, under a name of its own.

        Raises InstrumentError, and takes the toxic away again, when it was not stored as asked for.
        """
        name = f"{kind}_{stream}_{uuid.uuid4().hex[:8]}"
        wanted = {"name": name, "type": kind, "stream": stream, "toxicity": 1.0, "attributes": dict(attributes)}
        self._call("post", f"/proxies/{proxy}/toxics", wanted)
        return self._verified(proxy, name, attributes)

    def update_toxic(self, proxy: str, name: str, attributes: Mapping[str, int]) -> Toxic:
        """Change a toxic's attributes in place and return it as stored; what is not named keeps its value."""
        self._call("post", f"/proxies/{proxy}/toxics/{name}", {"attributes": dict(attributes)})
        return self._verified(proxy, name, attributes)

    def remove_toxic(self, proxy: str, name: str) -> None:
        """Remove a toxic; nothing happens when it is gone."""
        if any(toxic.name == name for toxic in self.proxy(proxy).toxics):
            self._call("delete", f"/proxies/{proxy}/toxics/{name}")
        if any(toxic.name == name for toxic in self.proxy(proxy).toxics):
            raise InstrumentError(f"{self._where} still has the toxic '{name}' on '{proxy}'.")

    def reset(self) -> None:
        """Remove every toxic and enable every proxy."""
        self._call("post", "/reset")
        for state in self.proxies().values():
            if state.toxics or not state.enabled:
                raise InstrumentError(f"{self._where} was reset, and '{state.name}' is not as new.")

    def _verified(self, proxy: str, name: str, attributes: Mapping[str, int]) -> Toxic:
        stored = next((toxic for toxic in self.proxy(proxy).toxics if toxic.name == name), None)
        if stored is None:
            raise InstrumentError(f"{self._where} took the toxic '{name}' and does not have it.")
        wrong = {key: value for key, value in attributes.items() if stored.attributes.get(key) != value}
        if wrong or stored.toxicity != 1:
            self.remove_toxic(proxy, name)
            known = ", ".join(sorted(stored.attributes))
            problem = f"{self._where} did not store {wrong or 'toxicity 1'} of the toxic '{stored.kind}' on '{proxy}'."
            raise InstrumentError(problem, f"It knows the attributes {known}.")
        return stored

    def _call(self, verb: str, path: str, body: Mapping[str, Any] | None = None) -> requests.Response:
        """One request; any answer but a 2xx raises."""
        extra: dict[str, Any] = {"timeout": self._timeout_s, "proxies": _DIRECT}
        if body is not None:
            extra["json"] = body
        try:
            response = cast("requests.Response", getattr(self._api, verb)(path, **extra))
        except (ProxyExists, NotFound, InvalidToxic) as error:
            raise InstrumentError(f"{self._where} refuses {verb.upper()} {path}: {_text(error)}.") from None
        except requests.Timeout:
            problem = f"{self._where} did not answer {verb.upper()} {path} within {self._timeout_s:g} s."
            raise InstrumentError(
                problem, "An upstream that swallows packets blocks its API: heal that first."
            ) from None
        except requests.RequestException as error:
            raise InstrumentError(f"{self._where} cannot be reached: {error}.") from None
        if not response.ok:
            text = response.text.strip()
            raise InstrumentError(f"{self._where} fails at {verb.upper()} {path}: {response.status_code} {text}.")
        return response


def _text(error: Exception) -> str:
    """The library puts the raw body, as bytes, into its exceptions."""
    first = error.args[0] if error.args else error
    return first.decode(errors="replace").strip() if isinstance(first, bytes) else str(first)


def _proxy(data: Mapping[str, Any]) -> ProxyState:
    toxics = tuple(
        Toxic(t["name"], t["type"], t["stream"], float(t["toxicity"]), dict(t["attributes"])) for t in data["toxics"]
    )
    return ProxyState(data["name"], data["listen"], data["upstream"], bool(data["enabled"]), toxics)
