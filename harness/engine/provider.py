"""Gives orders to a running provider simulator over its control API."""

from __future__ import annotations

from typing import Any

import httpx

from harness.errors import InstrumentError


class ProviderControl:
    """The control side of the simulator that runs as component `name`; `base_url` is its control port.

    Every method raises InstrumentError when the simulator cannot be reached within `timeout_s`, refuses, or
    answers something else than was asked for.
    """

    def __init__(self, name: str, base_url: str, timeout_s: float = 3.0) -> None:
        self._name = name
        self._base_url = base_url
        # A fresh connection for each order: a kept one may have died with a container that was restarted since.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(base_url=base_url, timeout=timeout_s, limits=limits, trust_env=False)

    @property
    def name(self) -> str:
        """Name of the component."""
        return self._name

    def set_fault(self, kind: str, share: float, **settings: Any) -> None:
        """Make `share` of the requests from now on meet the fault; settings of None are left to the simulator."""
        wanted = {"kind": kind, "share": share, **{k: v for k, v in settings.items() if v is not None}}
        stored = self._order("PUT", "fault", wanted)
        different = sorted(key for key, value in wanted.items() if stored.get(key) != value)
        if different:
            raise InstrumentError(
                f"The provider simulator '{self._name}' stored another fault than was asked for: "
                f"{', '.join(different)} differ ({wanted} was asked for, {stored} is set).",
                "Rebuild its image, so that it fits this harness.",
            )

    def clear_fault(self) -> None:
        """Serve every request from now on; nothing happens when no fault is set."""
        self._order("DELETE", "fault")
        left = self._order("GET", "fault")
        if left:
            raise InstrumentError(
                f"The provider simulator '{self._name}' kept its fault although it was cleared: {left}."
            )

    def counters(self) -> dict[str, int]:
        """Counts since the start or the last reset: `requests`, `affected`, `completed` and `aborted`."""
        answer = self._order("GET", "counters")
        names = ("requests", "affected", "completed", "aborted")
        if not all(isinstance(answer.get(name), int) for name in names):
            raise InstrumentError(f"The provider simulator '{self._name}' sent counters that cannot be read: {answer}.")
        return {name: answer[name] for name in names}

    def reset(self) -> None:
        """Clear the fault, count from zero, and begin the seeded answers again."""
        self._order("POST", "reset")

    def _order(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        order = f"{method} /control/{path}"
        try:
            response = self._client.request(method, f"/control/{path}", json=body)
        except httpx.HTTPError as error:
            raise InstrumentError(
                f"The provider simulator '{self._name}' cannot be reached at {self._base_url} "
                f"({order}: {type(error).__name__}: {error}).",
                "See whether its container runs.",
            ) from error
        if not response.is_success:
            raise InstrumentError(
                f"The provider simulator '{self._name}' refused {order} with {response.status_code}: "
                f"{response.text[:500]}"
            )
        return self._decoded(order, response)

    def _decoded(self, order: str, response: httpx.Response) -> dict[str, Any]:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise InstrumentError(
                f"The provider simulator '{self._name}' answered {order} with something that is no JSON object: "
                f"{response.text[:200]!r}."
            )
        return answer
