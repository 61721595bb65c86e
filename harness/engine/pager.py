"""Reads a running pager over its control API: what Alertmanager has told it, and forgetting it before a run."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import ValidationError

from harness.alerts import Heartbeats, Key, Notifications
from harness.errors import InstrumentError


class PagerControl:
    """The control side of the pager that runs as component `name`; `base_url` is its control port.

    `carried` are the alerts that were firing when it was last made to forget, with their names: the next run did not
    cause them. Every method raises InstrumentError when the pager cannot be reached within `timeout_s`, refuses, or
    answers something else than notifications.
    """

    def __init__(self, name: str, base_url: str, timeout_s: float = 3.0) -> None:
        self._name = name
        self._base_url = base_url
        # A fresh connection each time: a kept one may have died with a container that was restarted since.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(base_url=base_url, timeout=timeout_s, limits=limits, trust_env=False)
        self.carried: dict[Key, str] = {}

    @property
    def name(self) -> str:
        """Name of the component."""
        return self._name

    def notifications(self) -> Notifications:
        """Everything that it was told since it was made to forget."""
        answer = self._ask("GET", "/notifications")
        try:
            return Notifications.model_validate_json(answer.content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise InstrumentError(
                f"The pager '{self._name}' sent notifications that cannot be read ({place}: {first['msg']}).",
                "Rebuild its image, so that it fits this harness.",
            ) from error

    def heartbeats(self) -> list[float] | None:
        """When the monitoring gave a sign of life (s since 1970, its clock); None: the pager knows nothing of that."""
        answer = self._ask("GET", "/heartbeats", or_none=True)
        if answer is None:
            return None
        try:
            return Heartbeats.model_validate_json(answer.content).heartbeats
        except ValidationError as error:
            raise InstrumentError(f"The pager '{self._name}' sent heartbeats that cannot be read: {error}.") from error

    def forget(self) -> list[str]:
        """Forget everything; return the names of the alerts that fire all the same, which become `carried`."""
        # Those carried before still fire if nothing more was heard of them: nobody is told the same thing twice.
        heard = self.notifications()
        spoken_of = {told.key for _, told in heard.told()}
        self.carried = {k: v for k, v in self.carried.items() if k not in spoken_of} | heard.firing()
        self._ask("POST", "/reset")
        return sorted(set(self.carried.values()))

    def quiet(self) -> bool:
        """Whether nothing fires that was heard of since it was made to forget."""
        heard = self.notifications()
        spoken_of = {told.key for _, told in heard.told()}
        return not heard.firing() and self.carried.keys() <= spoken_of

    def fires_anew(self) -> bool:
        """Whether something fires that is not carried."""
        return bool(self.notifications().firing().keys() - self.carried.keys())

    def _ask(self, method: str, path: str, or_none: bool = False) -> Any:
        try:
            response = self._client.request(method, path)
        except httpx.HTTPError as error:
            raise InstrumentError(
                f"The pager '{self._name}' cannot be reached at {self._base_url} "
                f"({method} {path}: {type(error).__name__}: {error}).",
                "See whether its container runs.",
            ) from error
        if response.status_code == 404 and or_none:
            return None
        if not response.is_success:
            problem = f"The pager '{self._name}' refused {method} {path} with {response.status_code}"
            raise InstrumentError(f"{problem}: {response.text[:500]}")
        return response
