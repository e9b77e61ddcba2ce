"""Rows of a trace from a store in a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.event import Event
from sudo_mcp_guardrails.trail.reading.decode import NoEventError, decode
from sudo_mcp_guardrails.trail.segment_lines import ATTRIBUTION_FIELDS, EVENT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sudo_mcp_guardrails.trail.trace.gather import Rows, Wanted

_TIME: Final = "strftime(event_time, '%Y-%m-%dT%H:%M:%SZ')"
_COLUMNS: Final = ", ".join(
    (
        *(_TIME if name == "event_time" else f'"{name}"' for name in EVENT_FIELDS),
        "raw",
        "attributed_by",
        *(f'"{name}"' for name in ATTRIBUTION_FIELDS[1:]),
    )
)
_NAMED_BY: Final = (
    ("event_id", 1),
    ("request_id", 2),
    ("run", 3),
    ("source_identity", 3),
    ("session", 4),
    ("access_key", 4),
    ("sign_in_session", 4),
)
_WHERE: Final = " OR ".join(f'"{name}" IN (SELECT unnest(${number}::VARCHAR[]))' for name, number in _NAMED_BY)
_QUERY: Final = f"SELECT {_COLUMNS} FROM trail WHERE {_WHERE} ORDER BY event_time LIMIT $5"  # noqa: S608 - names of ours


def store_rows(directory: Path) -> Rows:
    """Return what finds the events of a trace in a store; a question costs a scan of seven columns.

    Raises:
        TrailError: when it is asked: there is no store, or it is being written.
    """
    from sudo_mcp_guardrails.trail.sinks.duckdb_query import query  # noqa: PLC0415 - with the extra

    def rows(wanted: Wanted, limit: int) -> Iterator[Attributed]:
        names = (wanted.events, wanted.requests, wanted.runs, wanted.sessions)
        values = [*(sorted(each) for each in names), limit]
        for row in query(directory, _QUERY, values).rows:
            yield _attributed(row)

    return rows


def all_rows(directory: Path) -> Iterator[Attributed]:
    """Yield every event of a store with whose work it is, in no order that could be relied on.

    Sorting them all would take more memory than a store's reader has.

    Raises:
        TrailError: there is no store, or it is being written.
    """
    from sudo_mcp_guardrails.trail.sinks.duckdb_query import query  # noqa: PLC0415 - with the extra

    return map(_attributed, query(directory, f"SELECT {_COLUMNS} FROM trail").rows)  # noqa: S608 - names of ours


def _attributed(row: tuple[Any, ...]) -> Attributed:
    fields = dict(zip(EVENT_FIELDS, row[: len(EVENT_FIELDS)], strict=True))
    raw: str = row[len(EVENT_FIELDS)]
    by, *rest = row[len(EVENT_FIELDS) + 1 :]
    try:
        event = decode(raw.encode())
    except NoEventError:  # bytes that are no UTF-8 stand in the index as escapes that JSON does not know
        event = Event(**{"principal_id": None, **fields}, raw=b"{}")
    return Attributed(event, Attribution(By(by), *rest))
