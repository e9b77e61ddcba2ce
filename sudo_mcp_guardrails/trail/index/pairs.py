"""The leaves of an event as ``path=value``, bounded so that OpenSearch takes every one."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.index.template import KEYWORD_UNITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sudo_mcp_guardrails.trail.event import Event

PAIRS: Final = 2048
"""Pairs that one event may have; ``kv_cut`` says that there were more."""
PAIRS_CHARACTERS: Final = 256 * 1024
"""Characters that they may have together: as many as CloudTrail's largest event."""

# Where each field of an event comes from. A leaf is left out of the pairs where the field holds its very value.
_TYPED: Final[dict[str, dict[str | None, str]]] = {
    "": {
        "eventID": "event_id",
        "eventTime": "event_time",
        "eventSource": "source",
        "eventName": "name",
        "eventType": "type",
        "eventCategory": "category",
        "awsRegion": "region",
        "recipientAccountId": "account",
        "sourceIPAddress": "source_ip",
        "userAgent": "user_agent",
        "requestID": "request_id",
        "errorCode": "error",
        "readOnly": "read_only",
    },
    "userIdentity": {
        "type": "identity_type",
        "principalId": "principal_id",
        "arn": "principal_arn",
        "accessKeyId": "access_key",
        "userName": "user_name",
        "invokedBy": "invoked_by",
    },
    "userIdentity.sessionContext": {"sourceIdentity": "source_identity", "signInSessionArn": "sign_in_session"},
    "userIdentity.sessionContext.sessionIssuer": {"arn": "role_arn"},
}
_NO_FIELDS: Final[dict[str | None, str]] = {}
_WORDS: Final = {True: "true", False: "false"}
_parse: Callable[[bytes], object] | None = None
_PARSE_ERRORS: tuple[type[Exception], ...] = ()
try:
    import msgspec
except ImportError:
    pass
else:
    _parse = msgspec.json.Decoder(float_hook=str).decode
    _PARSE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_SHORT: Final = KEYWORD_UNITS // 2


def pairs(event: Event) -> tuple[list[str], bool]:
    """Return an event's leaves as ``path=value``, without those that have a field, and whether some were cut.

    Lists add nothing to a path, so that a search need not know positions; numbers are kept as written; nulls and
    empty objects are left out. An event that is too deep or too odd to be parsed has no pairs, and says that they
    were cut: its bytes are kept all the same.
    """
    try:
        whole = _parsed(event)
    except (ValueError, RecursionError):
        return [], True
    if is_plain(event.raw):
        return _plain_pairs(event, whole), False
    found: dict[str, None] = {}
    room, cut = PAIRS_CHARACTERS, False
    for text in _texts(event, whole):
        kept = bounded(text)
        cut = cut or len(kept) < len(text)
        room -= len(kept)
        if room < 0 or len(found) >= PAIRS:
            return list(found), True
        found[kept] = None
    return list(found), cut


def _texts(event: Event, whole: dict[str, Any] | list[Any]) -> Iterator[str]:
    """Yield the leaves of any event; the path of each has no more room than a pair."""
    waiting: list[tuple[str, Any]] = [("", whole)]
    while waiting:
        path, box = waiting.pop()
        typed = _TYPED.get(path, _NO_FIELDS)
        # Without the bound, a deep event's paths would grow with its square.
        start = (path + "." if path else "")[: KEYWORD_UNITS + 1]
        for key, value in box.items() if type(box) is dict else [(None, leaf) for leaf in box]:
            if value is None or (key in typed and getattr(event, typed[key]) == value):
                continue
            name = path if key is None else start + key
            kind = type(value)
            if kind is dict or kind is list:
                waiting.append((name, value))
            else:
                yield f"{name}={_WORDS[value] if kind is bool else value}"


def is_plain(raw: bytes) -> bool:
    """Tell an event that needs no bounds: nothing in it is longer than a keyword, or no ASCII; nearly all are such."""
    return len(raw) <= _SHORT and raw.isascii() and b"\\u" not in raw


def _plain_pairs(event: Event, whole: dict[str, Any] | list[Any]) -> list[str]:
    """Return the pairs of a plain event, none of which can be too long, nor all of them too many."""
    found: list[str] = []
    waiting: list[tuple[str, Any]] = [("", whole)]
    for path, box in waiting:
        typed = _TYPED.get(path, _NO_FIELDS)
        start = path + "." if path else ""
        for key, value in box.items() if type(box) is dict else [(None, leaf) for leaf in box]:
            if value is None or (key in typed and getattr(event, typed[key]) == value):
                continue
            name = path if key is None else start + key
            kind = type(value)
            if kind is dict or kind is list:
                waiting.append((name, value))
            elif kind is str:
                found.append(name + "=" + value)
            else:
                found.append(f"{name}={_WORDS[value] if kind is bool else value}")
    return list(dict.fromkeys(found))


def _parsed(event: Event) -> Any:  # noqa: ANN401 - JSON
    """Parse an event, numbers as they are written; msgspec, where it is installed, gives the same in half the time.

    Raises:
        ValueError: it is no JSON that Python takes.
        RecursionError: it is nested too deep.
    """
    whole = None
    if _parse is not None:
        with suppress(*_PARSE_ERRORS):
            whole = _parse(event.raw)
    if whole is None:
        whole = json.loads(event.text, parse_int=_whole, parse_float=str, parse_constant=str)
    return whole if type(whole) is dict else [whole]


def _whole(text: str) -> str:
    """Return a whole number as it is written; the parsers agree on minus nothing so."""
    return "0" if text == "-0" else text


def bounded(text: str) -> str:
    """Return what a keyword field takes of a text: 8,191 UTF-16 units, halves of surrogate pairs replaced."""
    if text.isascii():
        return text[:KEYWORD_UNITS]
    clean = text.encode("utf-8", "replace").decode()
    if len(clean) <= _SHORT:
        return clean
    return clean.encode("utf-16-le")[: 2 * KEYWORD_UNITS].decode("utf-16-le", "ignore")
