"""One JSON-RPC message: read so strictly that no other reader can understand it differently.

Refused are invalid UTF-8, a lone surrogate, NaN and its kin, a key that stands twice in one object, keys of the
envelope that differ in case alone (Go's reader takes either), numbers beyond Python's digit limit, deep nesting and
batches, which the protocol no longer has.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NoReturn

from sudo_mcp_guardrails.gateway.pump.refusals import INVALID_REQUEST, PARSE_ERROR, RefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")
_ENVELOPE: Final = {
    "request": frozenset({"jsonrpc", "id", "method", "params"}),
    "answer": frozenset({"jsonrpc", "id", "result", "error"}),
}
_SHOWN: Final = 40


class Kind(Enum):
    """What a message is."""

    REQUEST = "request"
    NOTIFICATION = "notification"
    ANSWER = "answer"


@dataclass(slots=True)
class Message:
    """A message as it came.

    Attributes:
        raw: Its bytes, without the line's end.
        body: The same, parsed.
        kind: What it is.
        id: Of a request or an answer; None for a notification, and for an error whose sender could not tell.
        method: Of a request or a notification, else empty.
        params: ``params``, or an empty mapping.
    """

    raw: bytes
    body: dict[str, Any]
    kind: Kind
    id: str | int | None
    method: str
    params: Mapping[str, Any]


class _TwiceError(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _TwiceError("a key stands twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)


def read(raw: bytes, depth: int) -> Message:
    """Return the message that ``raw`` holds.

    Args:
        raw: One JSON document.
        depth: Of nesting that is allowed.

    Raises:
        RefusedError: It is not one JSON-RPC message, or not one that all readers take for the same; with its id,
            where that could be told.
    """
    body = parse(raw, depth)
    if isinstance(body, list):
        raise RefusedError(INVALID_REQUEST, "a batch is not allowed, expected one message")
    if not isinstance(body, dict):
        raise RefusedError(INVALID_REQUEST, f"a JSON {type(body).__name__} is not a message, expected an object")
    given = body.get("id")
    id = given if isinstance(given, (str, int)) and not isinstance(given, bool) else None
    if body.get("jsonrpc") != "2.0":
        raise RefusedError(INVALID_REQUEST, "the message's 'jsonrpc' is not '2.0'", id)
    if len({key.lower() for key in body}) != len(body):
        raise RefusedError(INVALID_REQUEST, "two keys of the message differ in case alone", id)
    if "method" in body:
        return _asked(raw, body, id)
    return _answered(raw, body, id)


def _asked(raw: bytes, body: dict[str, Any], id: str | int | None) -> Message:
    method, params = body["method"], body.get("params")
    if not isinstance(method, str) or not method:
        raise RefusedError(INVALID_REQUEST, "the message's 'method' is not a string with text", id)
    if "result" in body or "error" in body:
        raise RefusedError(INVALID_REQUEST, "the message has a 'method' and an answer, expected one of them", id)
    if _strays(body, "request"):
        raise RefusedError(INVALID_REQUEST, f"key {_strays(body, 'request')!r} of the message is not allowed", id)
    if "params" in body:
        if not isinstance(params, dict):
            raise RefusedError(INVALID_REQUEST, "the message's 'params' is not an object", id)
        if len({key.lower() for key in params}) != len(params):
            raise RefusedError(INVALID_REQUEST, "two keys of 'params' differ in case alone", id)
    if "id" not in body:
        return Message(raw, body, Kind.NOTIFICATION, None, method, params or {})
    if id is None:
        raise RefusedError(INVALID_REQUEST, "the request's 'id' is not a string or an integer")
    return Message(raw, body, Kind.REQUEST, id, method, params or {})


def _answered(raw: bytes, body: dict[str, Any], id: str | int | None) -> Message:
    result, error = body.get("result"), body.get("error")
    if ("result" in body) == ("error" in body):
        raise RefusedError(INVALID_REQUEST, "the message has neither a 'method' nor one of 'result' and 'error'", id)
    if _strays(body, "answer"):
        raise RefusedError(INVALID_REQUEST, f"key {_strays(body, 'answer')!r} of the message is not allowed", id)
    if not isinstance(result if "result" in body else error, dict):
        raise RefusedError(INVALID_REQUEST, "the answer's 'result' or 'error' is not an object", id)
    if id is None and not ("error" in body and body.get("id") is None):
        raise RefusedError(INVALID_REQUEST, "the answer's 'id' is not a string or an integer")
    return Message(raw, body, Kind.ANSWER, id, "", {})


def _strays(body: Mapping[str, Any], kind: str) -> str:
    """Return a key that only a reader that ignores case would take for one of the envelope's, else nothing."""
    known = _ENVELOPE[kind]
    return next((key[:_SHOWN] for key in body if key not in known and key.lower() in known), "")


def parse(raw: bytes, depth: int) -> Any:  # noqa: ANN401 - any JSON
    """Return the one value that ``raw`` means to every reader of JSON.

    Raises:
        RefusedError: There is none, or it is nested deeper than ``depth``.
    """
    try:
        value = _DECODER.decode(raw.decode())
        if _SURROGATE.search(raw):
            # Pairs are fine; a lone one is replaced by some readers and kept by others.
            json.dumps(value, ensure_ascii=False).encode()
    except _TwiceError as error:
        raise RefusedError(PARSE_ERROR, f"invalid JSON: {error}") from error
    except UnicodeError as error:
        raise RefusedError(PARSE_ERROR, "invalid JSON: not UTF-8, or a lone surrogate") from error
    except RecursionError as error:
        raise RefusedError(PARSE_ERROR, f"nested deeper than {depth} is not allowed") from error
    except ValueError as error:
        raise RefusedError(PARSE_ERROR, "invalid JSON") from error
    if raw.count(b"{") + raw.count(b"[") > depth and _deeper(value, depth):
        raise RefusedError(PARSE_ERROR, f"nested deeper than {depth} is not allowed")
    return value


def _deeper(value: object, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        below: list[object] = []
        for each in level:
            if isinstance(each, dict):
                below.extend(each.values())
            elif isinstance(each, list):
                below.extend(each)
        if not below:
            return False
        level = below
    return any(isinstance(each, (dict, list)) for each in level)
