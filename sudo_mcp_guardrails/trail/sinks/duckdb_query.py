"""Questions to a store in SQL: read-only, without a way out of the file, and bounded."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.segments import read_heads
from sudo_mcp_guardrails.trail.sinks.duckdb_index import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_FETCHED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gives.

    Attributes:
        columns: their names.
        rows: the rows, read as they are asked for; the store stays open until the last one, or until it is closed.
    """

    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


def query(
    directory: Path, sql: str, values: Sequence[Any] = (), *, limit: int | None = None, memory: str = "160MB"
) -> Answer:
    """Ask a store.

    ``trail`` is the view to ask: each event with whose work it is, and its JSON as text in ``raw``
    (``raw->>'$.requestParameters.bucketName'``). ``ledger`` has the files, ``dead_letters`` what was no event. The
    file is opened for reading alone, and DuckDB may touch no other: no files, no extensions, no network.

    Args:
        directory: the store.
        sql: one statement: SELECT, WITH, FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN.
        values: for ``?`` or ``$1`` in it.
        limit: most rows. Default: all, one after the other.
        memory: what DuckDB may use; what does not fit fails, since nothing may be written beside the file.

    Raises:
        TrailError: there is no store, a writer has it open or was stopped before all was indexed, or the statement is
            not allowed or fails.
    """
    import duckdb  # noqa: PLC0415 - of the extra

    path = directory / INDEX
    if not path.is_file():
        raise TrailError(f"store {directory} has no {INDEX}, allowed: a directory that ingest made")
    statement = _statement(sql)
    options: dict[str, Any] = {
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": memory,
        "threads": 1,
        "lock_configuration": True,
    }
    try:
        connection = duckdb.connect(str(path), read_only=True, config=options)
    except duckdb.Error as error:
        raise TrailError(f"index {path} cannot be opened ({_line(error)}); is it being written?") from error
    try:
        _check_whole(directory, connection.execute("SELECT count(*) FROM segments").fetchall()[0][0])
        cursor = connection.execute(statement, list(values))
        columns = tuple(str(column[0]) for column in cursor.description or ())
    except duckdb.Error as error:
        connection.close()
        raise TrailError(f"query {sql[:200]!r} failed: {_line(error)}") from error
    except TrailError:
        connection.close()
        raise

    def rows() -> Iterator[tuple[Any, ...]]:
        left = limit
        with closing(connection):
            while left is None or left > 0:
                try:
                    some = cursor.fetchmany(_FETCHED if left is None else min(left, _FETCHED))
                except duckdb.Error as error:
                    raise TrailError(f"query {sql[:200]!r} failed: {_line(error)}") from error
                if not some:
                    return
                yield from some
                left = None if left is None else left - len(some)

    return Answer(columns, rows())


def _check_whole(directory: Path, indexed: int) -> None:
    """Refuse to answer from a part of the store: what a killed writer left is in the log, and not indexed yet."""
    held = len(read_heads(directory)[0])
    if indexed < held:
        raise TrailError(
            f"index of {directory} lacks {held - indexed} of {held} segments, since its writer was stopped; "
            "run the same ingest again, which completes it"
        )


def _statement(sql: str) -> Any:  # noqa: ANN401 - duckdb's
    import duckdb  # noqa: PLC0415 - of the extra

    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise TrailError(f"query {sql[:200]!r} is no SQL: {_line(error)}") from error
    allowed = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}
    if len(statements) != 1 or statements[0].type not in allowed:
        kinds = ", ".join(statement.type.name for statement in statements) or "nothing"
        raise TrailError(f"query {sql[:200]!r} is {kinds}, allowed: one SELECT, WITH, DESCRIBE, SHOW or EXPLAIN")
    return statements[0]


def _line(error: Exception) -> str:
    return str(error).splitlines()[0]
