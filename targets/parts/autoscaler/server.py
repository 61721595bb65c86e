"""What the autoscaler answers on its port."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST

from targets.parts.autoscaler.loop import Autoscaler
from targets.parts.autoscaler.record import Record
from targets.parts.kit.http import Handler, Request, Response, json_response


def routes(autoscaler: Autoscaler, record: Record) -> Handler:
    """Return the handler: GET /metrics, /health, and /decisions?since=<s since 1970>, oldest first."""

    async def handle(request: Request) -> Response:
        match request.method, request.path:
            case "GET", "/metrics":
                return Response(200, record.page(), CONTENT_TYPE_LATEST)
            case "GET", "/health":
                well = autoscaler.well
                return json_response({"status": "alive" if well else "stuck"}, 200 if well else 503)
            case "GET", "/decisions":
                try:
                    since = float(request.query.get("since", "-inf"))
                except ValueError:
                    return json_response({"error": "since must be a number: seconds since 1970"}, 400)
                return json_response({"decisions": record.since(since)})
        return json_response({"error": "there are GET /metrics, /decisions and /health"}, 404)

    return handle
