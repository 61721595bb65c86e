"""What the pager answers, on either of its ports."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from targets.parts.kit.http import Handler, Request, Response, json_response
from targets.parts.pager.record import NotAlerts, Record

Clock = Callable[[], float]
_log = logging.getLogger("pager")


def wire(record: Record, now: Clock = time.time) -> Handler:
    """Return the handler for Alertmanager. What is no notification gets 400, so that it counts there as a failure."""

    async def handle(request: Request) -> Response:
        try:
            match request.method, request.path:
                case "POST", "/alerts":
                    _say(record.told(now(), request.body))
                    return json_response({"status": "told"})
                case "POST", "/heartbeat":
                    record.beat(now(), request.body)
                    return json_response({"status": "alive"})
                case "GET", "/health":
                    return json_response({"status": "alive"})
        except NotAlerts as error:
            return json_response({"error": str(error)}, 400)
        return json_response({"error": "there are POST /alerts and /heartbeat, GET /health"}, 404)

    return handle


def control(record: Record, now: Clock = time.time) -> Handler:
    """Return the handler for whoever wants to know what the pager was told."""

    async def handle(request: Request) -> Response:
        match request.method, request.path:
            case "GET", "/notifications":
                return json_response({"now": now(), "notifications": record.notifications()})
            case "GET", "/heartbeats":
                return json_response({"now": now(), "heartbeats": record.heartbeats()})
            case "POST", "/reset":
                record.reset()
                return json_response({"status": "reset"})
            case "GET", "/health":
                return json_response({"status": "alive"})
        return json_response({"error": "there are GET /notifications, /heartbeats, /health and POST /reset"}, 404)

    return handle


def _say(notification: dict[str, Any]) -> None:
    for alert in notification["alerts"]:
        labels = alert["labels"]
        facts = {key: labels[key] for key in ("severity", "component", "zone", "region") if key in labels}
        _log.info("called", extra={"alert": labels.get("alertname"), "status": alert.get("status"), **facts})
