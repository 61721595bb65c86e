"""What the pager was told: pure, the time is an argument."""

from __future__ import annotations

import json
from collections import deque
from typing import Any

KEPT_NOTIFICATIONS, KEPT_HEARTBEATS = 10_000, 5_000


class NotAlerts(ValueError):
    """A body that is no notification of Alertmanager."""


class Record:
    """The notifications and heartbeats since the last reset, oldest first. Of too many, the oldest go."""

    def __init__(self) -> None:
        self._notifications: deque[dict[str, Any]] = deque(maxlen=KEPT_NOTIFICATIONS)
        self._heartbeats: deque[float] = deque(maxlen=KEPT_HEARTBEATS)

    def told(self, now_s: float, body: bytes) -> dict[str, Any]:
        """Keep a notification with its moment, and return what it says. Raises NotAlerts."""
        content = _parsed(body)
        self._notifications.append({"received": round(now_s, 3), "body": content})
        return content

    def beat(self, now_s: float, body: bytes) -> None:
        """Keep the moment of a heartbeat. Raises NotAlerts."""
        _parsed(body)
        self._heartbeats.append(round(now_s, 3))

    def notifications(self) -> list[dict[str, Any]]:
        """Return all notifications: `received`, and as `body` what came, word for word."""
        return list(self._notifications)

    def heartbeats(self) -> list[float]:
        """Return the moments of all heartbeats."""
        return list(self._heartbeats)

    def reset(self) -> None:
        """Forget everything."""
        self._notifications.clear()
        self._heartbeats.clear()


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError as error:
        raise NotAlerts(f"not JSON: {error}") from None
    alerts = content.get("alerts") if isinstance(content, dict) else None
    if not isinstance(alerts, list) or not all(isinstance(one, dict) and "labels" in one for one in alerts):
        raise NotAlerts("a notification of Alertmanager has `alerts`, and each of them has `labels`")
    return dict(content)
