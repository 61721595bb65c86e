"""A web server of forty lines that stands for the chat API, behind a balancer or an edge.

It runs in a container of any image with Python: `python3 -c SOURCE`, where SOURCE is the text of this file.
NAME is what it calls itself. What it does is set by requests to it, past what stands in front of it:
`POST /set?ready=no` (default yes; so also `broken=yes`, which makes every page a 500).
"""

import json
import os
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

SEEN: Counter[str] = Counter()
STATE = {"ready": "yes", "broken": "no", "version": "1"}


class FakeApp(BaseHTTPRequestHandler):
    """Answers GET and POST alike; `SEEN` counts both by path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Serve one request."""
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if url.path != "/set":
            SEEN[f"{self.command} {url.path}"] += 1
        name = os.environ["NAME"]
        match url.path:
            case "/set":
                STATE.update(parse_qsl(url.query))
                self._send(200, dict(SEEN))
            case "/health" | "/v1/ready":
                self._send(200 if STATE["ready"] == "yes" else 503, {})
            case _ if STATE["broken"] == "yes":
                self._send(500, {"from": name})
            case "/slow":
                time.sleep(1.5)
                self._send(200, {"from": name})
            case "/hang-up-once":
                if SEEN[f"{self.command} {url.path}"] == 1:
                    self.close_connection = True
                    return
                self._send(200, {"from": name})
            case "/stream":
                self._stream()
            case "/docs":
                self._page(f'"{STATE["version"]}"')
            case _:
                self._send(200, {"from": name, "bytes": len(body), "headers": self._told()}, ETag='"x"')

    do_POST = do_GET  # noqa: N815 (the name that the base class looks for)

    def _told(self) -> dict[str, str]:
        """The headers of the request by their names in small letters; repeated ones are joined, as HTTP allows."""
        return {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers}

    def _page(self, etag: str) -> None:
        status = 304 if self.headers.get("If-None-Match") == etag else 200
        SEEN[f"page {status}"] += 1
        self._send(status, {"version": STATE["version"]}, ETag=etag, Cache_Control="public, max-age=1")

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(5):
            event = f"data: {number}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            time.sleep(0.2)
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, status: int, content: dict[str, object], **headers: str) -> None:
        body = b"" if status == 304 else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(os.environ.get("PORT", "8000"))), FakeApp).serve_forever()
