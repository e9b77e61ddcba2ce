"""An event as a document of the index, such that the strict template takes it whatever the event holds."""

from __future__ import annotations

import base64
import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.index.template import ATTRIBUTION_FIELDS, EVENT_FIELDS, KEYWORD_UNITS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution
    from sudo_mcp_guardrails.trail.event import Event

PAIRS: Final = 1024
"""Pairs that one event may have; ``kv_cut`` says that there were more."""
PAIRS_CHARACTERS: Final = 256 * 1024
"""Characters that they may have together: as many as CloudTrail's largest event."""

# Where each field of an event comes from. A leaf is left out of the pairs where the field holds its very value.
_TYPED: Final = {
    "eventID": "event_id",
    "eventTime": "event_time",
    "eventSource": "source",
    "eventName": "name",
    "eventType": "type",
    "eventCategory": "category",
    "awsRegion": "region",
    "recipientAccountId": "account",
    "userIdentity.type": "identity_type",
    "userIdentity.principalId": "principal_id",
    "userIdentity.arn": "principal_arn",
    "userIdentity.accessKeyId": "access_key",
    "userIdentity.userName": "user_name",
    "userIdentity.invokedBy": "invoked_by",
    "userIdentity.sessionContext.sessionIssuer.arn": "role_arn",
    "userIdentity.sessionContext.sourceIdentity": "source_identity",
    "userIdentity.sessionContext.signInSessionArn": "sign_in_session",
    "sourceIPAddress": "source_ip",
    "userAgent": "user_agent",
    "requestID": "request_id",
    "errorCode": "error",
    "readOnly": "read_only",
}
_EVENT_NAMES: Final = tuple(EVENT_FIELDS)
_EVENT_VALUES: Final = attrgetter(*_EVENT_NAMES)
_ATTRIBUTION_NAMES: Final = tuple(name for name in ATTRIBUTION_FIELDS if name not in {"by", "attributed"})
_ATTRIBUTION_VALUES: Final = attrgetter(*_ATTRIBUTION_NAMES)
_WORDS: Final = {True: "true", False: "false"}
_SHORT: Final = KEYWORD_UNITS // 2


def document(attributed: Attributed, *, source_object: str, ingested_at: str, write_id: str) -> dict[str, Any]:
    """Return the document of an event; fields that the event lacks are left out.

    Args:
        attributed: the event and whose work it is.
        source_object: the trail file that it came from.
        ingested_at: now, as CloudTrail writes times.
        write_id: the same for all documents of one write, so that a write whose answer was lost knows its own.
    """
    event = attributed.event
    found: dict[str, Any] = {
        name: bounded(value) if type(value) is str else value
        for name, value in zip(_EVENT_NAMES, _EVENT_VALUES(event), strict=True)
        if value is not None
    }
    found.update(attribution_fields(attributed.attribution, nulls=False))
    found["kv"], cut = pairs(event)
    if cut:
        found["kv_cut"] = True
    try:
        found["raw"] = event.raw.decode()
    except UnicodeDecodeError:
        found["raw_base64"] = base64.b64encode(event.raw).decode()
    found["source_object"] = bounded(source_object)
    found["ingested_at"] = ingested_at
    found["write_id"] = write_id
    return found


def stub(event: Event, *, reason: str, source_object: str, ingested_at: str, write_id: str) -> dict[str, Any]:
    """Return what stands in the index for an event that OpenSearch refused, so that counts match."""
    return {
        "event_id": bounded(event.event_id),
        "stub": True,
        "stub_reason": bounded(reason),
        "source_object": bounded(source_object),
        "ingested_at": ingested_at,
        "write_id": write_id,
    }


def attribution_fields(attribution: Attribution, *, nulls: bool = True) -> dict[str, Any]:
    """Return the fields of an attribution alone.

    Args:
        attribution: whose work an event is.
        nulls: whether to name fields without a value too, as an update needs, which would else keep the old value.
    """
    found: dict[str, Any] = {
        name: None if value is None else bounded(value)
        for name, value in zip(_ATTRIBUTION_NAMES, _ATTRIBUTION_VALUES(attribution), strict=True)
        if nulls or value is not None
    }
    found["by"] = attribution.by.value
    found["attributed"] = attribution.attributed
    return found


def pairs(event: Event) -> tuple[list[str], bool]:
    """Return an event's leaves as ``path=value``, without those that have a field, and whether some were cut.

    Lists add nothing to a path, so that a search need not know positions; numbers are kept as written; nulls and
    empty objects are left out. An event that is too deep or too odd to be parsed has no pairs, and says that they
    were cut: its bytes are kept all the same.
    """
    try:
        whole = json.loads(event.text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return [], True
    found: dict[str, None] = {}
    room, cut = PAIRS_CHARACTERS, False
    waiting: list[tuple[str, Any]] = [("", whole if type(whole) is dict else [whole])]
    while waiting:
        path, box = waiting.pop()
        start = path and path + "."
        # A path has no more room than a pair: without this, a deep event's paths would grow with its square.
        start = start if len(start) <= KEYWORD_UNITS else start[: KEYWORD_UNITS + 1]
        inner = (
            [(start + key, leaf) for key, leaf in box.items()] if type(box) is dict else [(path, leaf) for leaf in box]
        )
        for name, value in inner:
            kind = type(value)
            if kind is dict or kind is list:
                waiting.append((name, value))
                continue
            if value is None or (name in _TYPED and getattr(event, _TYPED[name]) == value):
                continue
            text = f"{name}={value if kind is str else _WORDS[value]}"
            if len(text) > _SHORT or not text.isascii():
                whole_length, text = len(text), bounded(text)
                cut = cut or len(text) < whole_length
            room -= len(text)
            if room < 0 or len(found) >= PAIRS:
                return list(found), True
            found[text] = None
    return list(found), cut


def bounded(text: str) -> str:
    """Return what a keyword field takes of a text: 8,191 UTF-16 units, halves of surrogate pairs replaced."""
    if text.isascii():
        return text[:KEYWORD_UNITS]
    clean = text.encode("utf-8", "replace").decode()
    if len(clean) <= _SHORT:
        return clean
    return clean.encode("utf-16-le")[: 2 * KEYWORD_UNITS].decode("utf-16-le", "ignore")
