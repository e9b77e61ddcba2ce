"""An event as a document of the index, such that the strict template takes it whatever the event holds."""

from __future__ import annotations

import base64
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.index.pairs import bounded, is_plain, pairs
from sudo_mcp_guardrails.trail.index.template import ATTRIBUTION_FIELDS, EVENT_FIELDS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution
    from sudo_mcp_guardrails.trail.event import Event

_EVENT_NAMES: Final = tuple(EVENT_FIELDS)
_EVENT_VALUES: Final = attrgetter(*_EVENT_NAMES)
_ATTRIBUTION_NAMES: Final = tuple(name for name in ATTRIBUTION_FIELDS if name not in {"by", "attributed"})
_ATTRIBUTION_VALUES: Final = attrgetter(*_ATTRIBUTION_NAMES)


def document(attributed: Attributed, *, source_object: str, ingested_at: int, write_id: str) -> dict[str, Any]:
    """Return the document of an event; fields that the event lacks are left out.

    Args:
        attributed: the event and whose work it is.
        source_object: the trail file that it came from.
        ingested_at: now, milliseconds since 1970.
        write_id: the same for all documents of one write, so that a write whose answer was lost knows its own.
    """
    event = attributed.event
    plain = is_plain(event.raw)
    found: dict[str, Any] = {
        name: value if plain or type(value) is not str else bounded(value)
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


def stub(event: Event, *, reason: str, source_object: str, ingested_at: int, write_id: str) -> dict[str, Any]:
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
