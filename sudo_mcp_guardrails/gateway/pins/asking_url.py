"""Ask a server over streamable HTTP, and read the certificate that its host shows."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import ipaddress
import json
import ssl
from collections import deque
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.gateway.pins.asking import MAX_MESSAGE, SECONDS, ask
from sudo_mcp_guardrails.gateway.pins.errors import PinError
from sudo_mcp_guardrails.gateway.pins.launch import LaunchPin
from sudo_mcp_guardrails.gateway.pins.snapshot import ERAS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

    from sudo_mcp_guardrails.gateway.pins.snapshot import Snapshot

_NO_CONTENT: Final = (202, 204)
_FAILED: Final = 400


def url_pin(url: str) -> LaunchPin:
    """Return the pin of a URL: itself, and the SHA-256 of the certificate that its host shows now.

    Raises:
        PinError: It is no https URL (http is for loopback alone), its host cannot be reached, or its certificate is
            not one that this machine trusts.
    """
    parts = _parts(url)
    if parts.scheme == "http":
        return LaunchPin(url=url)
    connection = _connection(parts)
    try:
        connection.connect()
        shown = connection.sock.getpeercert(binary_form=True)
    except OSError as error:
        raise PinError(f"the host of {url!r} cannot be reached: {error}") from None
    finally:
        connection.close()
    return LaunchPin(url=url, certificates=(f"sha256:{hashlib.sha256(shown or b'').hexdigest()}",))


async def ask_url(url: str, *, headers: Mapping[str, str] | None = None) -> tuple[Snapshot, ...]:
    """Ask the server behind a URL for all that it says of itself.

    Args:
        url: https, or http on loopback.
        headers: What it wants besides, such as ``Authorization``.

    Returns:
        What it said, for each era that it knows; at least one.

    Raises:
        PinError: It cannot be reached, refuses, or does not speak the protocol.
    """
    parts = _parts(url)
    found = [await ask(_Posts(parts, era, headers or {}), era) for era in ERAS]
    known = tuple(each for each in found if each is not None)
    if not known:
        raise PinError(f"{url!r} knows none of the protocol versions {', '.join(ERAS)}")
    return known


def _parts(url: str) -> SplitResult:
    parts = urlsplit(url)
    local = parts.hostname == "localhost" or _is_loopback(parts.hostname or "")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise PinError(f"URL {url!r} is not one of a server; expected https://HOST/PATH, or http on loopback")
    if parts.username or parts.password:
        raise PinError(f"the URL of {parts.hostname!r} holds a user or password; expected them in a header")
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _connection(parts: SplitResult) -> Any:  # noqa: ANN401 - a socket of either kind
    host = parts.hostname or ""
    if parts.scheme == "https":
        return http.client.HTTPSConnection(host, parts.port, timeout=SECONDS, context=ssl.create_default_context())
    return http.client.HTTPConnection(host, parts.port, timeout=SECONDS)


class _Posts:
    """One POST a message, as streamable HTTP has it; what comes back waits here."""

    def __init__(self, parts: SplitResult, era: str, headers: Mapping[str, str]) -> None:
        self._parts, self._era, self._headers = parts, era, dict(headers)
        self._came: deque[Mapping[str, Any]] = deque()

    async def send(self, message: Mapping[str, Any]) -> None:
        self._came.extend(await asyncio.to_thread(self._post, message))

    async def receive(self) -> Mapping[str, Any]:
        if not self._came:
            raise PinError(f"{self._parts.hostname!r} did not answer a request in its own stream")
        return self._came.popleft()

    def _post(self, message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        target = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        headers = {
            "Accept": "application/json, text/event-stream",
            "Content-Type": "application/json",
            "MCP-Protocol-Version": self._era,
            "Mcp-Method": str(message.get("method", "")),
            **self._headers,
        }
        connection = _connection(self._parts)
        try:
            connection.request("POST", target, json.dumps(message).encode(), headers)
            answer = connection.getresponse()
            body = answer.read(MAX_MESSAGE + 1)
        except (OSError, http.client.HTTPException) as error:
            raise PinError(f"{self._parts.hostname!r} cannot be asked: {error}") from None
        finally:
            connection.close()
        if session := answer.getheader("Mcp-Session-Id"):
            self._headers["Mcp-Session-Id"] = session
        if len(body) > MAX_MESSAGE:
            raise PinError(f"{self._parts.hostname!r} answered with more than {MAX_MESSAGE} bytes")
        return self._messages(answer.status, answer.getheader("Content-Type") or "", body, message)

    def _messages(self, status: int, kind: str, body: bytes, sent: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        if status in _NO_CONTENT or "id" not in sent:
            return []
        events = _events(body) if kind.startswith("text/event-stream") else [body]
        try:
            found = [json.loads(event) for event in events]
        except (ValueError, RecursionError):
            found = []
        if status >= _FAILED and not (found and isinstance(found[0], dict) and "error" in found[0]):
            if self._era != ERAS[0]:
                # A server without the era answers with whatever status its framework chose.
                return [{"jsonrpc": "2.0", "id": sent["id"], "error": {"code": -32601, "message": str(status)}}]
            raise PinError(f"{self._parts.hostname!r} answered {sent.get('method')} with status {status}")
        if not found or not all(isinstance(item, dict) for item in found):
            raise PinError(f"{self._parts.hostname!r} answered {body[:80]!r}; expected JSON-RPC messages")
        # An error may come without the id of what it refuses.
        return [{**item, "id": sent["id"]} if "error" in item and item.get("id") is None else item for item in found]


def _events(body: bytes) -> list[bytes]:
    found = []
    for event in body.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n"):
        data = [line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")]
        if any(data):
            found.append(b"\n".join(data))
    return found
