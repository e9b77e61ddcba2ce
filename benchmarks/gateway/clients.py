"""Clients that do as little as a client can, so that what is measured is what stands between them and the server."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path

OLD: Final = "2025-11-25"
NEW: Final = "2026-07-28"
_META: Final = {
    "io.modelcontextprotocol/protocolVersion": NEW,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}
_INFO: Final = {"protocolVersion": OLD, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
_TIMEOUT: Final = 30.0


class Talker:
    """One client of one era; ``exchange`` is the transport's."""

    def __init__(self, era: str) -> None:
        self.era = era
        self.tool = "echo"
        self._id = 0

    def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request, and return its answer."""
        raise NotImplementedError

    def tell(self, message: dict[str, Any]) -> None:
        """Send a notification."""
        raise NotImplementedError

    def close(self) -> None:
        """End."""
        raise NotImplementedError

    def abort(self) -> None:
        """Make a call that waits fail, from another thread."""
        raise NotImplementedError

    def fresh(self) -> None:
        """Get ready for a block of calls: a connection that lay idle may be closed."""

    def request(self, method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
        """Return a request of this era."""
        self._id += 1
        body = {**params, "_meta": _META} if self.era == NEW else params
        return {"jsonrpc": "2.0", "id": self._id, "method": method, "params": body}

    def begin(self) -> None:
        """Shake hands, where the era does, and find the tool by the name that a proxy gives it."""
        if self.era == OLD:
            self.exchange(self.request("initialize", **_INFO))
            self.tell({"jsonrpc": "2.0", "method": "notifications/initialized"})
        names = [each["name"] for each in self.exchange(self.request("tools/list"))["result"]["tools"]]
        self.tool = next(name for name in names if name.endswith("echo"))

    def call(self, text: str) -> float:
        """Return the seconds that one call takes.

        Raises:
            RuntimeError: Its answer is not the echo.
        """
        message = self.request("tools/call", name=self.tool, arguments={"text": text})
        began = time.perf_counter()
        answer = self.exchange(message)
        seconds = time.perf_counter() - began
        if text not in answer.get("result", {}).get("content", [{}])[0].get("text", ""):
            raise RuntimeError(f"no echo but {str(answer)[:300]}")
        return seconds


class Piped(Talker):
    """Speaks to a child's pipes."""

    def __init__(self, era: str, command: list[str], folder: Path, log: int) -> None:
        super().__init__(era)
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )

    def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request, and return its answer."""
        self.tell(message)
        assert self.process.stdout is not None  # noqa: S101 - a pipe, as asked for
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError("it ended, or did not answer in time")
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == message["id"]:
                return answer

    def tell(self, message: dict[str, Any]) -> None:
        """Send a notification."""
        assert self.process.stdin is not None  # noqa: S101 - as above
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def close(self) -> None:
        """End the child and what it started."""
        assert self.process.stdin is not None  # noqa: S101 - as above
        assert self.process.stdout is not None  # noqa: S101 - as above
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.abort()
        self.process.wait(_TIMEOUT)
        self.process.stdout.close()

    def abort(self) -> None:
        """End the child and what it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


class Posted(Talker):
    """Speaks to a URL over one connection that is kept open."""

    def __init__(self, era: str, url: str, token: str = "") -> None:
        super().__init__(era)
        parts = urlsplit(url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=_TIMEOUT)
        self.fresh()
        self._headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        if token:
            self._headers["authorization"] = f"Bearer {token}"
        self._session = ""

    def fresh(self) -> None:
        """Connect anew."""
        self._connection.close()
        self._connection.connect()
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request, and return its answer."""
        body = self._post(message)
        if body[:1] != b"{":
            data = [line[5:] for line in body.splitlines() if line.startswith(b"data:")]
            body = next(each for each in data if b'"id"' in each)
        answer: dict[str, Any] = json.loads(body)
        return answer

    def tell(self, message: dict[str, Any]) -> None:
        """Send a notification."""
        self._post(message)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def abort(self) -> None:
        """Break the connection."""
        if self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

    def _post(self, message: dict[str, Any]) -> bytes:
        headers = dict(self._headers)
        if self.era == NEW:
            headers |= {"mcp-protocol-version": NEW, "mcp-method": message["method"]}
            if message["method"] == "tools/call":
                headers["mcp-name"] = message["params"]["name"]
        elif self._session:
            headers |= {"mcp-protocol-version": OLD, "mcp-session-id": self._session}
        self._connection.request("POST", self._path, json.dumps(message), headers)
        response = self._connection.getresponse()
        self._session = response.getheader("mcp-session-id") or self._session
        return response.read()
