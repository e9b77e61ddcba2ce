"""The tables of the index, and how the lines of a segment become their rows.

Loading and verifying use the same projections, so that what is compared is what was loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sudo_mcp_guardrails.trail.event import UNDATED
from sudo_mcp_guardrails.trail.segment_lines import ATTRIBUTION_FIELDS, EVENT_FIELDS, LINE_FIELDS, SOURCE_FIELDS
from sudo_mcp_guardrails.trail.sinks.sink import IDENTITY_FIELDS

INDEX_FORMAT: Final = 1
SEGMENT_LINES: Final = 1 << 20
"""Most attributions of a segment: what a number of an attribution leaves for those of one segment."""

PROBE: Final = "hash('trail')"
"""DuckDB's hash is a hundred times as fast as MD5 and may change with its version, which this value then shows."""

_NUMBERS: Final = ("size", "events", "created", "duplicates", "dead_letters")
_DAY_DIGITS: Final = 8
_DIGITS: Final = "replace(substr(event_time, 1, 10), '-', '')"
_TYPES: Final = {
    "id": "UBIGINT",
    "attribution": "UBIGINT",
    "position": "BIGINT",
    "read_only": "BOOLEAN",
    **dict.fromkeys(_NUMBERS, "BIGINT"),
}
_TEXTS: Final = tuple(name for name in EVENT_FIELDS if name not in {"event_id", "event_time", "read_only"})
_DAY: Final = f"coalesce(substr(event_time, 1, 10), '{UNDATED}')"


@dataclass(frozen=True, slots=True)
class Table:
    """A table and where its rows come from.

    Attributes:
        name: its name, and that of the block in a segment.
        columns: name, type and, over the line's fields, the expression of each; ``segment`` comes before them.
    """

    name: str
    columns: tuple[tuple[str, str, str], ...]

    def definition(self) -> str:
        """Return the statement that makes the table."""
        columns = ", ".join(f'"{name}" {kind}' for name, kind, _ in self.columns)
        return f'CREATE TABLE "{self.name}" (segment UINTEGER, {columns})'

    def rows(self, path: str, segment: int, longest: int) -> str:
        """Return the query over the lines of one segment that gives its rows.

        Args:
            path: the file with the lines of this block.
            segment: the segment's number.
            longest: bytes of the longest line.
        """
        fields = ", ".join(f"\"{name}\": '{_TYPES.get(name, 'VARCHAR')}'" for name in LINE_FIELDS[self.name])
        values = ", ".join(f'{expression} AS "{name}"' for name, _, expression in self.columns)
        values = values.replace("$segment", str(segment))
        return (
            f"SELECT {segment}::UINTEGER AS segment, {values} FROM read_json({literal(path)}, "  # noqa: S608 - names of ours
            f"format = 'newline_delimited', compression = 'none', maximum_object_size = {max(longest + 64, 1 << 16)}, "
            f"columns = {{{fields}}})"
        )


def literal(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def key_of(identity: str) -> str:
    """Return the expression for the number that events are looked up by, over a day, a space and an ``eventID``."""
    return f"hash({identity})"


def day_number(day: str) -> int:
    """Return a day as the number that blocks of the table are skipped by: 20261123, 0 for what has no day."""
    digits = day.replace("-", "")
    return int(digits) if len(digits) == _DAY_DIGITS and digits.isascii() and digits.isdigit() else 0


_IDENTITY: Final = " || chr(31) || ".join(f"coalesce({name}, '')" for name in IDENTITY_FIELDS)

EVENTS: Final = Table(
    "events",
    (
        (
            "day_number",
            "UINTEGER",
            f"CASE length({_DIGITS}) WHEN {_DAY_DIGITS} THEN coalesce(try_cast({_DIGITS} AS UINTEGER), 0) ELSE 0 END",
        ),
        ("key", "UBIGINT", key_of(f"{_DAY} || ' ' || event_id")),
        ("identity", "UBIGINT", f"hash({_IDENTITY})"),
        ("attribution", "UBIGINT", f"$segment::UBIGINT * {SEGMENT_LINES} + attribution"),
        ("day", "VARCHAR", _DAY),
        ("event_id", "VARCHAR", "event_id"),
        ("event_time", "TIMESTAMP", "try_cast(event_time AS TIMESTAMP)"),
        *((name, "VARCHAR", f'"{name}"') for name in _TEXTS),
        ("read_only", "BOOLEAN", "read_only"),
        ("origin", "VARCHAR", "origin"),
        ("raw", "VARCHAR USING COMPRESSION zstd", "raw"),
    ),
)
ATTRIBUTIONS: Final = Table(
    "attributions",
    (
        ("attribution", "UBIGINT", f"$segment::UBIGINT * {SEGMENT_LINES} + id"),
        ("attributed_by", "VARCHAR", '"by"'),  # what is called as a keyword is would have to be quoted in each query
        *((name, "VARCHAR", f'"{name}"') for name in ATTRIBUTION_FIELDS if name != "by"),
    ),
)
AMENDMENTS: Final = Table(
    "amendments",
    (
        ("key", "UBIGINT", key_of("day || ' ' || event_id")),
        ("day", "VARCHAR", "day"),
        ("event_id", "VARCHAR", "event_id"),
        ("attribution", "UBIGINT", f"$segment::UBIGINT * {SEGMENT_LINES} + attribution"),
    ),
)
DEAD_LETTERS: Final = Table(
    "dead_letters",
    (
        ("key", "VARCHAR", "key"),
        ("source", "VARCHAR", "source"),
        ("position", "BIGINT", "position"),
        ("reason", "VARCHAR", "reason"),
        ("raw", "BLOB", "coalesce(from_base64(raw_base64), encode(raw))"),
    ),
)
SOURCES: Final = Table(
    "sources", tuple((name, "BIGINT" if name in _NUMBERS else "VARCHAR", f'"{name}"') for name in SOURCE_FIELDS)
)
TABLES: Final = (ATTRIBUTIONS, EVENTS, AMENDMENTS, DEAD_LETTERS, SOURCES)

SEGMENTS_TABLE: Final = "CREATE TABLE segments (segment UINTEGER, head VARCHAR)"
TRAIL_VIEW: Final = """
CREATE VIEW trail AS
SELECT events.* EXCLUDE (day_number, key, identity, attribution, raw),
    attributions.* EXCLUDE (segment, attribution), attributed_by <> 'nobody' AS attributed, events.raw
FROM events JOIN attributions USING (attribution)
"""
LEDGER_VIEW: Final = """
CREATE VIEW ledger AS
SELECT * EXCLUDE (segment) FROM sources QUALIFY row_number() OVER (PARTITION BY name ORDER BY segment DESC) = 1
"""
SCHEMA: Final = (
    *(table.definition() for table in TABLES),
    SEGMENTS_TABLE,
    TRAIL_VIEW,
    LEDGER_VIEW,
    f"CREATE TABLE format AS SELECT {INDEX_FORMAT} AS format, {PROBE} AS probe",
)
"""What makes an empty index."""
OF_THIS_FORMAT: Final = f"SELECT format = {INDEX_FORMAT} AND probe = {PROBE} FROM store.format"  # noqa: S608 - ours
"""What tells whether an index, attached as ``store``, can be used by this version."""
