"""Headers of HTTP: those that are read, that they agree with the body, and those that go on.

By 2026-07-28 a client repeats parts of its request in headers, so that others can route by them. Whoever decides by
one and acts on the other can be lied to: here all must agree, and only what was compared goes on.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pump.envelope import CAPABILITIES_KEY, HANDSHAKE_VERSIONS, VERSION_KEY
from sudo_mcp_guardrails.gateway.pump.refusals import HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sudo_mcp_guardrails.gateway.pump.messages import Message

VERSION: Final = "mcp-protocol-version"
METHOD: Final = "mcp-method"
NAME: Final = "mcp-name"
PARAM: Final = "mcp-param-"
SESSION: Final = "mcp-session-id"
CONTEXT: Final = "mcp-guardrails-context"
FORWARDED: Final = ("content-type", "accept", VERSION, METHOD, NAME, "last-event-id", "traceparent", "tracestate")
"""What goes on to the server, beside ``Mcp-Param-*``: no token and no cookie of the client's."""

_ONCE: Final = frozenset({*FORWARDED, "host", "origin", "authorization", SESSION, CONTEXT, "content-length"})
NAMED: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""What ``Mcp-Name`` repeats, by method; of no other method does it go on, but for those of tasks."""
_TASKS: Final = "tasks/"
_ENCODED: Final = re.compile(r"=\?base64\?(.*)\?=\Z", re.DOTALL)
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_DECIMAL: Final = re.compile(r"(-?[0-9]{1,400})(?:\.0+)?\Z")
_MIRRORED: Final = frozenset({"string", "integer", "boolean"})
_KEY: Final = "x-mcp-header"


def fold(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by their lower-case names.

    Raises:
        RefusedError: One that is read, or goes on, stands there twice.
    """
    found: dict[str, str] = {}
    for name_bytes, value in raw:
        name = name_bytes.decode("latin-1").lower()
        if name in found and (name in _ONCE or name.startswith(PARAM)):
            code = HEADER_MISMATCH if name.startswith("mcp-") else INVALID_REQUEST
            raise RefusedError(code, f"header {name!r} stands there twice")
        found[name] = value.decode("latin-1").strip(" \t")
    return found


def forwarded(headers: Mapping[str, str], message: Message | None) -> dict[str, str]:
    """Return the headers that go on to the server: those that were compared, and those that say nothing of a call."""
    passed: dict[str, str] = {name: headers[name] for name in FORWARDED if name in headers}
    if message is None or not (message.method in NAMED or message.method.startswith(_TASKS)):
        passed.pop(NAME, None)
    return passed


def agree(headers: Mapping[str, str], message: Message, found: Mapping[str, Any]) -> bool:
    """Return whether a request is one of 2026-07-28 or later, after comparing its headers with its body.

    Args:
        headers: As :func:`fold` returns them.
        message: The request.
        found: Its ``_meta``.

    Raises:
        RefusedError: They disagree, or one of them is missing.
    """
    version, body = headers.get(VERSION), found.get(VERSION_KEY)
    if body is None:
        if version is None or version in HANDSHAKE_VERSIONS:
            return False
        raise RefusedError(INVALID_PARAMS, f"'_meta' lacks {VERSION_KEY!r} and {CAPABILITIES_KEY!r}", message.id)
    if version != body:
        raise RefusedError(HEADER_MISMATCH, f"header {VERSION!r} is not the version in '_meta'", message.id)
    if headers.get(METHOD) != message.method:
        raise RefusedError(HEADER_MISMATCH, f"header {METHOD!r} is not the body's method", message.id)
    key = NAMED.get(message.method)
    if message.method.startswith(_TASKS) and NAME in headers:
        key = "taskId"
    if key is not None and _decoded(headers.get(NAME)) != message.params.get(key):
        raise RefusedError(HEADER_MISMATCH, f"header {NAME!r} is not the body's {key!r}", message.id)
    return True


class Mirrors:
    """Which arguments of a tool are repeated in headers, as its definition says; kept while the definition is."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Mapping[str, Any], dict[str, tuple[tuple[str, ...], Any]]]] = {}

    def check(self, headers: Mapping[str, str], message: Message, definition: Mapping[str, Any] | None) -> set[str]:
        """Compare ``Mcp-Param-*`` headers with the arguments of a call; return those that may go on.

        Raises:
            RefusedError: They disagree; or there are some and the tool was never listed.
        """
        given = {name for name in headers if name.startswith(PARAM)}
        if definition is None:
            if given:
                raise RefusedError(
                    HEADER_MISMATCH, f"header {min(given)!r} cannot be compared: list the tools first", message.id
                )
            return set()
        name, arguments = str(message.params.get("name")), message.params.get("arguments") or {}
        kept = self._kept.get(name)
        if kept is None or kept[0] is not definition:
            kept = self._kept[name] = (definition, _mirrored(definition.get("inputSchema")))
        for header, (path, kind) in kept[1].items():
            if not _matches(headers.get(header), _at(arguments, path), kind):
                raise RefusedError(
                    HEADER_MISMATCH, f"header {header!r} is not the argument {'.'.join(path)!r}", message.id
                )
        return given & kept[1].keys()


def _mirrored(schema: object) -> dict[str, tuple[tuple[str, ...], Any]]:
    """Return, by header, the path and the type of each annotated property; nothing where an annotation is invalid."""
    found: dict[str, tuple[tuple[str, ...], Any]] = {}
    for path, each in _properties(schema, ()):
        token = each.get(_KEY)
        if token is None:
            continue
        kind = each.get("type")
        valid = isinstance(token, str) and _TOKEN.match(token) and kind in _MIRRORED
        if not valid or PARAM + token.lower() in found:
            return {}
        found[PARAM + token.lower()] = (path, kind)
    return found


def _properties(schema: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, each in properties.items() if isinstance(properties, dict) else ():
        if isinstance(each, dict):
            yield (*path, name), each
            yield from _properties(each, (*path, name))


def _at(arguments: object, path: tuple[str, ...]) -> object:
    for name in path:
        arguments = arguments.get(name) if isinstance(arguments, dict) else None
    return arguments


def _matches(header: str | None, value: object, kind: object) -> bool:
    said = ("true" if value else "false") if isinstance(value, bool) else value
    if said is None or not isinstance(said, (str, int, float)):
        return header is None
    decoded = _decoded(header)
    if decoded is None:
        return False
    if kind == "integer" and not isinstance(said, str):
        number = _DECIMAL.match(decoded)
        return number is not None and (isinstance(said, int) or said.is_integer()) and int(number[1]) == int(said)
    return decoded == str(said)


def _decoded(value: str | None) -> str | None:
    """Return what a header says; None for one that is missing, or wrongly encoded."""
    coded = _ENCODED.match(value) if value is not None else None
    if coded is None:
        return value
    try:
        raw = base64.b64decode(coded[1], validate=True)
        return raw.decode() if base64.b64encode(raw).decode() == coded[1] else None
    except (binascii.Error, UnicodeError):
        return None
