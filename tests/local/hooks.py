"""A server on loopback in the place of webhooks of Slack, Teams and others, some of which fail."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

FAILED = {"broken": 503, "busy": 429, "gone": 410}
"""What paths answer that never take anything; `mending` takes the third try, and all others everything."""


class Hooks:
    """A server on loopback that takes what is sent to it, but for paths that fail."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, str], Any]] = []
        self.asked: Counter[str] = Counter()
        self.failing: dict[str, int] = {}
        """What else fails, for as long as it stands here: the status that a path answers."""
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hooks": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def wait(
        self, path: str, seconds: float = 10.0, wanted: Callable[[Any], bool] = lambda _: True
    ) -> tuple[dict[str, str], Any]:
        """What came to a path, the first that is wanted: headers and body."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for each, headers, body in list(self.taken):
                if each == path and wanted(body):
                    return headers, body
            time.sleep(0.05)
        raise AssertionError(f"nothing came to {path}, only {self.taken}")


class _Handler(BaseHTTPRequestHandler):
    hooks: Hooks

    def do_POST(self) -> None:
        hooks, path = self.hooks, self.path
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        hooks.asked[path] += 1
        status = hooks.failing.get(path) or FAILED.get(path.strip("/"), 200)
        if path == "/mending" and hooks.asked[path] < 3:
            status = 500
        if status == 200:
            hooks.taken.append((path, {name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
        self.send_response(status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""
