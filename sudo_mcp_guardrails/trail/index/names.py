"""Which index an event goes to, and under which id: a function of the event alone, so that a replay finds it again."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.event import UNDATED

PREFIX: Final = "agent-trail"
"""Default prefix of every index."""

_PREFIX: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")
_ID_BYTES: Final = 512


def check_prefix(prefix: str) -> str:
    """Return the prefix.

    Raises:
        TrailError: it is no lower-case name of 1 to 63 letters, digits and dashes that starts with a letter.
    """
    if not _PREFIX.fullmatch(prefix):
        raise TrailError(
            f"index prefix {prefix!r} must be 1 to 63 lower-case letters, digits and dashes, a letter first"
        )
    return prefix


def index_name(day: str, prefix: str = PREFIX) -> str:
    """Return the index of a day, ``agent-trail-2026.11.23``, or of what has none, ``agent-trail-undated``.

    The day is that of ``eventTime``. OpenSearch keeps an ``_id`` unique inside one index only, so an index chosen by
    age or size (a rollover alias, a data stream) would take a replayed event a second time.
    """
    return f"{prefix}-{day if day == UNDATED else day.replace('-', '.')}"


def ledger_name(prefix: str = PREFIX) -> str:
    """Return the index of the ledger; no pattern of :func:`event_patterns` matches it."""
    return f"{prefix}-ledger"


def event_patterns(prefix: str = PREFIX) -> tuple[str, ...]:
    """Return patterns of the events' indexes alone: not of the ledger, not of another prefix that starts the same."""
    return (*(f"{prefix}-{digit}*" for digit in range(10)), index_name(UNDATED, prefix))


def document_id(event_id: str) -> str:
    """Return the ``_id`` of an event: its ``eventID``, or a hash where OpenSearch takes no such id.

    It takes 512 bytes of UTF-8. CloudTrail's own ids are UUIDs of 36 characters.
    """
    try:
        if event_id and len(event_id.encode()) <= _ID_BYTES:
            return event_id
    except UnicodeEncodeError:
        pass  # half of a surrogate pair, which JSON can escape and UTF-8 cannot hold
    return f"sha256:{hashlib.sha256(event_id.encode('utf-8', 'surrogatepass')).hexdigest()}"
