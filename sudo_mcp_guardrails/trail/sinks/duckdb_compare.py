"""Which rows of the index differ from the lines of a segment that they were made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.trail.sinks.duckdb_schema import Table

_NAMED: Final = 5
_LABELS: Final = {
    "attributions": "attribution",
    "events": "day || ' ' || event_id",
    "amendments": "day || ' ' || event_id",
    "dead_letters": "key",
    "sources": "name",
}


def differences(connection: Any, table: Table, segment: int, expected: str | None) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Yield what differs, and of which row; the rows are compared by a hash each, so that memory stays small."""
    columns = [name for name, _, _ in table.columns]
    held = f'SELECT * FROM store."{table.name}" WHERE segment = {segment}'  # noqa: S608 - names of ours
    expected = expected or f"{held} AND false"
    hashed = ", ".join(f'coalesce("{name}"::VARCHAR, chr(29))' for name in columns)
    if table.name == "events":
        # The log's line has the first attribution, the row the last one.
        expected = (
            "SELECT lines.* REPLACE (coalesce(amended.number, lines.attribution) AS attribution) "  # noqa: S608 - ours
            f"FROM ({expected}) lines "
            "LEFT JOIN amended ON amended.key = lines.key AND amended.event = lines.day || ' ' || lines.event_id"
        )
    picked = f"{_LABELS[table.name]} AS label, md5_number(concat_ws(chr(31), {hashed})) AS hash"
    for name, query in (("in_log", expected), ("in_index", held)):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {picked} FROM ({query})")  # noqa: S608 - ours
    changed = "FROM in_log EXCEPT ALL FROM in_index"
    added = "SELECT label FROM in_index EXCEPT ALL SELECT label FROM in_log"  # a changed row is named once
    for rows, finding in ((changed, "is changed or gone"), (added, "is not in the log")):
        found = connection.execute(f"SELECT label FROM ({rows}) ORDER BY label LIMIT {_NAMED}").fetchall()  # noqa: S608
        yield from ((finding, str(label)) for (label,) in found)
