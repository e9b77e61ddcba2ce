"""The index template: strict, and such that no CloudTrail event can conflict with it.

Under a dynamic mapping the first event decides what type a field has and the next one is refused; of real trails that
is 17 to 37 % (see docs). Here every field is named, keyword, date or boolean, and everything else of an event is one
array of ``path=value``. ``sourceIPAddress`` is a keyword, not an ``ip``: it holds a service's name as often.

Sources: OpenSearch documentation, "Index templates", "Dynamic parameter", "Keyword field type" (a term holds at most
32,766 bytes) and "Index codecs".
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.index.names import PREFIX, check_prefix, event_patterns, ledger_name

KEYWORD_UNITS: Final = 8191
"""UTF-16 units that a keyword keeps: at four bytes each, Lucene's limit of a term."""

_TEMPLATE_VERSION: Final = 1
_KEYWORD: Final[dict[str, Any]] = {"type": "keyword", "ignore_above": KEYWORD_UNITS}
# Searched by exact value only, never counted or sorted by: half the room.
_LOOKUP: Final[dict[str, Any]] = {**_KEYWORD, "doc_values": False}
# Kept in the document and nowhere else.
# A disabled object takes a text too, and passes over it: as a keyword that is not indexed it would be read.
_KEPT: Final[dict[str, Any]] = {"type": "object", "enabled": False}
# The pattern of a time lets the 30th of February pass; such a date must not cost the event.
# CloudTrail's own form comes first: reading the general one took a seventh of all that the node does.
_DATE: Final[dict[str, Any]] = {
    "type": "date",
    "format": "strict_date_time_no_millis||strict_date_optional_time",
    "ignore_malformed": True,
}
_INSTANT: Final[dict[str, Any]] = {"type": "date", "format": "epoch_millis", "index": False}
_BOOLEAN: Final[dict[str, Any]] = {"type": "boolean"}

EVENT_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "event_id": _LOOKUP,
    "event_time": _DATE,
    "source": _KEYWORD,
    "name": _KEYWORD,
    "type": _KEYWORD,
    "category": _KEYWORD,
    "region": _KEYWORD,
    "account": _KEYWORD,
    "identity_type": _KEYWORD,
    "principal_id": _LOOKUP,
    "principal_arn": _KEYWORD,
    "access_key": _LOOKUP,
    "user_name": _KEYWORD,
    "invoked_by": _KEYWORD,
    "role_arn": _LOOKUP,
    "source_identity": _KEYWORD,
    "sign_in_session": _LOOKUP,
    "source_ip": _KEYWORD,
    "user_agent": _KEYWORD,
    "request_id": _LOOKUP,
    "error": _KEYWORD,
    "read_only": _BOOLEAN,
}
"""One field for each of :class:`~sudo_mcp_guardrails.trail.event.Event` but ``raw``, under the same name."""

ATTRIBUTION_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "by": _KEYWORD,
    "session": _KEYWORD,
    "agent": _KEYWORD,
    "run": _KEYWORD,
    "capability": _KEYWORD,
    "ticket": _KEYWORD,
    "approval": _KEYWORD,
    "plan_digest": _KEYWORD,
    "person": _KEYWORD,
    "tool": _KEYWORD,
    "tool_call": _LOOKUP,
    "reason": _KEYWORD,
    "attributed": _BOOLEAN,
}
"""One for each of :class:`~sudo_mcp_guardrails.trail.attribution.Attribution`, under the same name."""

KEEPING_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "kv": _LOOKUP,
    "kv_cut": _BOOLEAN,
    "raw": _KEPT,
    "raw_base64": _KEPT,
    "source_object": _LOOKUP,
    "ingested_at": _INSTANT,
    "write_id": _KEPT,
    "stub": _BOOLEAN,
    "stub_reason": _LOOKUP,
}
"""What the sink adds: the rest of the event as ``path=value`` and whether some of it was cut, the bytes themselves
(in base64 where they are no UTF-8), where it came from, and what a stub stands for."""

FIELDS: Final = {**EVENT_FIELDS, **ATTRIBUTION_FIELDS, **KEEPING_FIELDS}
"""Every field of the index."""

LEDGER_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "key": _KEYWORD,
    "name": _KEYWORD,
    "fingerprint": _KEYWORD,
    **{number: {"type": "long"} for number in ("size", "events", "created", "duplicates", "dead_letters")},
    "first_time": _DATE,
    "last_time": _DATE,
}
"""The fields of :class:`~sudo_mcp_guardrails.trail.sinks.sink.SourceRecord`, and its key."""


@dataclass(frozen=True)
class IndexSettings:
    """How the indexes are laid out.

    Attributes:
        prefix: of every index.
        shards: primary shards of a day. One holds some 30 million events at 400 to 850 bytes each.
        replicas: copies beside the primary. A domain of two zones needs 1, Multi-AZ with Standby 2, one node 0.
        codec: ``best_compression`` takes half the room of ``default`` and a quarter more CPU; ``zstd_no_dict`` has the
            best of both and needs OpenSearch 2.9.
        refresh_seconds: until an event is found by search. Each refresh costs; events are never lost by a long one.
    """

    prefix: str = PREFIX
    shards: int = 1
    replicas: int = 1
    codec: str = "default"
    refresh_seconds: int = 30

    def __post_init__(self) -> None:
        """Refuse what OpenSearch would refuse, before anything is sent.

        Raises:
            TrailError: a value is out of its range.
        """
        check_prefix(self.prefix)
        ranges = {"shards": (1, 1024), "replicas": (0, 10), "refresh_seconds": (1, 3600)}
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if not least <= value <= most:
                raise TrailError(f"index setting {name}={value} is not allowed, allowed are {least} to {most}")
        codecs = ("default", "best_compression", "zstd", "zstd_no_dict")
        if self.codec not in codecs:
            raise TrailError(f"index setting codec={self.codec!r} is not allowed, allowed are {', '.join(codecs)}")


def event_template(settings: IndexSettings | None = None) -> dict[str, Any]:
    """Return the body of ``PUT _index_template/NAME`` for the events' indexes."""
    chosen = settings or IndexSettings()
    return _template(list(event_patterns(chosen.prefix)), FIELDS, chosen, shards=chosen.shards)


def ledger_template(settings: IndexSettings | None = None) -> dict[str, Any]:
    """Return the same for the ledger's index, which is small: one shard."""
    chosen = settings or IndexSettings()
    return _template([ledger_name(chosen.prefix)], LEDGER_FIELDS, chosen, shards=1)


def _template(
    patterns: list[str], fields: dict[str, dict[str, Any]], settings: IndexSettings, *, shards: int
) -> dict[str, Any]:
    inner = {
        "settings": {
            "index": {
                "number_of_shards": str(shards),
                "number_of_replicas": str(settings.replicas),
                "codec": settings.codec,
                "refresh_interval": f"{settings.refresh_seconds}s",
                # The default, and what "stored" means here: an answer comes after the write is on disk.
                "translog": {"durability": "request"},
            }
        },
        "mappings": {"dynamic": "strict", "date_detection": False, "properties": fields},
    }
    digest = hashlib.sha256(json.dumps([patterns, inner], sort_keys=True).encode()).hexdigest()
    return {
        "index_patterns": patterns,
        "priority": 500,
        "version": _TEMPLATE_VERSION,
        "_meta": {"written_by": "sudo-mcp-guardrails", "digest": digest},
        "template": inner,
    }
