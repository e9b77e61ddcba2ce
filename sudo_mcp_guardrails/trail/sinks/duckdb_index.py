"""The queryable index of a store: a DuckDB file that holds what the segments hold, and can be made from them again."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.segment_files import read_segment, segment_path
from sudo_mcp_guardrails.trail.sinks.duckdb_load import LoadFiles
from sudo_mcp_guardrails.trail.sinks.duckdb_schema import (
    OF_THIS_FORMAT,
    SCHEMA,
    TABLES,
    day_number,
    key_of,
    literal,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from sudo_mcp_guardrails.trail.heads import Head

INDEX: Final = "index.duckdb"
LOADING: Final = "loading"
LOAD_EVENTS: Final = 131_072
"""Events that are loaded at once."""
_ROW_GROUP: Final = 16_384  # fewer, larger ones take less memory; of a load, all full ones are written once
_LISTED_DAYS: Final = 100
_SEPARATOR: Final = "\x1f"  # one text and no list: DuckDB takes a list item by item, a microsecond each


class Index:
    """The DuckDB file of a store, for its one writer.

    Args:
        directory: the store.
        memory: what DuckDB may use, such as ``160MB``.
        threads: that it may use.

    Raises:
        TrailError: the file is damaged; ``rebuild`` makes it anew.
        SinkUnavailableError: the disk took no more.
    """

    def __init__(self, directory: Path, *, memory: str, threads: int) -> None:
        import duckdb  # noqa: PLC0415 - of the extra

        self._directory = directory
        self._errors = duckdb.Error
        options: dict[str, Any] = {
            "memory_limit": memory,
            "threads": threads,
            "temp_directory": str(directory / "spill"),
            "write_buffer_row_group_count": 1,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self.connection = duckdb.connect(":memory:", config=options)
        try:
            with self.reported():
                for left in (directory / LOADING).glob("*.ndjson"):  # of a process that was killed
                    left.unlink()
            path = literal(str(directory / INDEX))
            with self.reported(damaged=True):
                self.connection.execute(
                    f"ATTACH {path} AS store (STORAGE_VERSION 'v1.4.0', ROW_GROUP_SIZE {_ROW_GROUP})"
                )
                self.connection.execute("USE store")
                self._prepare()
        except BaseException:
            self.connection.close()
            raise

    def _prepare(self) -> None:
        made = self.connection.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = 'store'").fetchone()
        if made == (0,):
            with self._transaction():
                for statement in SCHEMA:
                    self.connection.execute(statement)
        if self.connection.execute(OF_THIS_FORMAT).fetchone() != (True,):
            raise TrailError(f"index {self._directory / INDEX} is of another format or version of DuckDB; rebuild it")

    @contextmanager
    def reported(self, *, damaged: bool = False) -> Iterator[None]:
        """Turn DuckDB's errors into ours."""
        try:
            yield
        except self._errors as error:
            reason = str(error).splitlines()[0]
            if damaged and "No space left" not in reason:
                raise TrailError(f"index {self._directory / INDEX} cannot be opened ({reason}); rebuild it") from error
            raise SinkUnavailableError(f"index {self._directory / INDEX} took no more ({reason})") from error
        except OSError as error:
            raise SinkUnavailableError(f"store {self._directory} cannot be written ({error.strerror})") from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            with suppress(self._errors):  # it may have ended by itself; the first error is the one that tells
                self.connection.execute("ROLLBACK")
            raise

    def load_files(self, segment: int) -> LoadFiles:
        """Return where the lines of a segment go."""
        return LoadFiles(self._directory / LOADING, segment)

    def load(self, loads: Sequence[tuple[Head, LoadFiles]]) -> None:
        """Take in the lines of some segments, all or none of them.

        Raises:
            SinkUnavailableError: they could not be taken in.
        """
        with self.reported(), self._transaction():
            for head, files in loads:
                files.flush()
                for table in TABLES:
                    if table.name in files.blocks:
                        rows = table.rows(str(files.path(table.name)), head.segment, files.longest)
                        self.connection.execute(f'INSERT INTO "{table.name}" {rows}')
                if "amendments" in files.blocks:
                    self._amend(head.segment)
                self.connection.execute("INSERT INTO segments VALUES (?, ?)", [head.segment, head.head])

    def _amend(self, segment: int) -> None:
        days = self.connection.execute("SELECT DISTINCT day FROM amendments WHERE segment = ?", [segment]).fetchall()
        self.connection.execute(
            "UPDATE events SET attribution = changed.attribution "  # noqa: S608 - numbers
            f"FROM (SELECT key, day, event_id, attribution FROM amendments WHERE segment = {segment}) AS changed "
            "WHERE events.key = changed.key AND events.day = changed.day AND events.event_id = changed.event_id "
            f"AND {_of_days([day for (day,) in days], 'events.day_number')}"
        )

    def catch_up(self, heads: Sequence[Head]) -> None:
        """Take in the segments that the index lacks.

        Raises:
            TrailError: the index holds segments that the log does not hold, or others; ``verify`` says which.
            SinkUnavailableError: they could not be taken in.
        """
        with self.reported():
            held = self.connection.execute("SELECT segment, head FROM segments ORDER BY segment").fetchall()
        if held != [(head.segment, head.head) for head in heads[: len(held)]]:
            raise TrailError(f"index {self._directory / INDEX} and the log hold other segments; verify says which")
        waiting: list[tuple[Head, LoadFiles]] = []
        try:
            for head in heads[len(held) :]:
                files = self.load_files(head.segment)
                waiting.append((head, files))
                with self.reported():
                    _, _, digest = read_segment(segment_path(self._directory, head.segment), files.add)
                if digest != head.sha256:
                    raise TrailError(f"segment {head.segment} of {self._directory} differs from its head; verify it")
                if sum(each.events for each, _ in waiting) >= LOAD_EVENTS or head is heads[-1]:
                    self.load(waiting)
                    for _, loaded in waiting:
                        loaded.remove()
                    waiting.clear()
        finally:
            with self.reported():
                for _, files in waiting:
                    files.remove()

    def known(self, identities: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """Return which events, by day and ``eventID``, are there, each with the number of what it says.

        Costs a scan of two columns of the days that are asked for.
        """
        if not identities:
            return {}
        wanted = [f"{day} {event_id}" for day, event_id in identities]
        given: str | list[str] = _SEPARATOR.join(wanted)
        each = f"string_split($1, chr({ord(_SEPARATOR)}))"
        if given.count(_SEPARATOR) >= len(wanted):  # an eventID holds the separator itself
            given, each = wanted, "$1::VARCHAR[]"
        with self.reported():
            found = self.connection.execute(
                f"SELECT day, event_id, identity FROM events WHERE key IN "  # noqa: S608 - numbers
                f"(SELECT {key_of(f'unnest({each})')}) AND {_of_days({day for day, _ in identities})}",
                [given],
            ).fetchall()
        asked = set(identities)
        return {(day, event_id): identity for day, event_id, identity in found if (day, event_id) in asked}

    def identity_numbers(self, texts: list[str]) -> list[int]:
        """Return the numbers of what events say, as :meth:`known` gives them."""
        if not texts:
            return []
        with self.reported():
            found = self.connection.execute("SELECT hash(unnest($1::VARCHAR[]))", [texts]).fetchall()
        return [number for (number,) in found]

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with self.reported():
            return self.connection.execute(sql, list(values)).fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()


def _of_days(days: Collection[str], column: str = "day_number") -> str:
    """Return the condition that lets DuckDB skip the blocks of other days."""
    numbers = sorted(day_number(day) for day in days)
    if len(numbers) > _LISTED_DAYS:
        return f"{column} BETWEEN {numbers[0]} AND {numbers[-1]}"
    return f"{column} IN ({', '.join(map(str, numbers))})"
