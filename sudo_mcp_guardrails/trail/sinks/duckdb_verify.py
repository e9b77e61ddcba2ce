"""Whether a store is what was written: every hash of the chain, published heads, and the index row by row."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.heads import GENESIS, HEADS, against_published
from sudo_mcp_guardrails.trail.segment_files import SEGMENTS, read_segment, segment_numbers, segment_path
from sudo_mcp_guardrails.trail.segments import read_heads
from sudo_mcp_guardrails.trail.sinks.duckdb_compare import differences
from sudo_mcp_guardrails.trail.sinks.duckdb_index import INDEX
from sudo_mcp_guardrails.trail.sinks.duckdb_load import LoadFiles
from sudo_mcp_guardrails.trail.sinks.duckdb_schema import AMENDMENTS, OF_THIS_FORMAT, TABLES, literal
from sudo_mcp_guardrails.trail.store_lock import StoreLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sudo_mcp_guardrails.trail.heads import DailyHead, Head


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying found.

    Attributes:
        checked: segments that were read.
        events: events in those that are whole.
        missing: segments that the chain or a published head names and that are not there.
        broken: what is wrong, each in one line with its place; empty for a sound store.
    """

    checked: int
    events: int
    missing: int
    broken: tuple[str, ...]


def verify(
    directory: Path,
    *,
    published: Iterable[DailyHead] = (),
    memory: str = "120MB",
    progress: Callable[[int, int], None] | None = None,
) -> Verified:
    """Read a whole store and recompute everything that it says of itself.

    Found are a changed byte, a segment that was removed, exchanged or put in, a line of ``heads.jsonl`` that was
    changed, and rows of the index that were changed, removed or added. A tail that was cut off shows only against heads
    that were published before. Nothing in the store is changed, and the memory does not grow with it.

    Args:
        directory: the store.
        published: heads that were published, from the second place.
        memory: what DuckDB may use.
        progress: called with the segments done and their number.

    Raises:
        StoreLockedError: another process writes to the store.
        TrailError: there is no store.
        SinkUnavailableError: there is no room for temporary files.
    """
    if not (directory / SEGMENTS).is_dir():
        raise TrailError(f"store {directory} is not there, allowed: a directory that ingest made")
    lock = StoreLock(directory)
    try:
        with tempfile.TemporaryDirectory(prefix="trail-verify-") as work:
            return _Verifier(directory, Path(work), memory).run(published, progress)
    except OSError as error:
        raise SinkUnavailableError(f"store {directory} cannot be verified ({error.strerror})") from error
    finally:
        lock.release()


class _Verifier:
    def __init__(self, directory: Path, work: Path, memory: str) -> None:
        self._directory = directory
        self._work = work
        self._memory = memory
        self._broken: list[str] = []
        self._missing = 0
        self._unindexed: set[int] = set()

    def run(self, published: Iterable[DailyHead], progress: Callable[[int, int], None] | None) -> Verified:
        heads, bad, torn = read_heads(self._directory)
        numbers = segment_numbers(self._directory)
        self._broken += [f"{HEADS} line {number}: no head" for number in bad]
        if torn:
            self._broken.append(f"{HEADS}: ends in a torn line")
        published = tuple(published)
        self._broken += against_published(heads, published)
        listed = {head.segment for head in heads}
        absent = sorted(listed - set(numbers))
        self._missing = len(absent) + max([0, *(known.segments - len(heads) for known in published)])
        self._broken += [f"segment {number}: the chain has it, the file is not there" for number in absent]
        self._broken += [f"segment {number}: the chain does not have it" for number in sorted(set(numbers) - listed)]
        checked = events = 0
        with closing(self._connect()) as connection:
            indexed = self._attach(connection)
            if indexed:
                self._same_segments(connection, heads)
                self._gather_amendments(connection, heads)
            previous = GENESIS
            for place, head in enumerate(heads, start=1):
                self._order(place, head, previous)
                previous = head.head
                if head.segment in absent:
                    continue
                checked += 1
                files = LoadFiles(self._work / "lines", head.segment)
                try:
                    if self._same_file(head, files):
                        events += head.events
                        if indexed and head.segment not in self._unindexed:
                            self._same_rows(connection, head, files)
                finally:
                    files.remove()
                if progress is not None:
                    progress(place, len(heads))
        return Verified(checked, events, self._missing, tuple(self._broken))

    def _order(self, place: int, head: Head, previous: str) -> None:
        if head.segment != place:
            self._broken.append(f"{HEADS} line {place}: is of segment {head.segment}; lines were removed or exchanged")
        if head.previous != previous:
            self._broken.append(f"{HEADS} line {place}: does not follow the head before")

    def _same_file(self, head: Head, files: LoadFiles) -> bool:
        """Tell whether a segment's file is the one that its head was made of."""
        path = segment_path(self._directory, head.segment)
        try:
            header, size, digest = read_segment(path, files.add)
        except TrailError as error:
            self._broken.append(f"segment {head.segment}: {error}")
            return False
        if digest != head.sha256:
            self._broken.append(f"segment {head.segment}: its file has SHA-256 {digest}, the chain has {head.sha256}")
            return False
        if (header.segment, header.previous) != (head.segment, head.previous) or header.head(size, digest) != head:
            self._broken.append(f"segment {head.segment}: its header and its head differ")
            return False
        return True

    def _connect(self) -> Any:  # noqa: ANN401 - duckdb's
        import duckdb  # noqa: PLC0415 - of the extra

        options: dict[str, Any] = {
            "memory_limit": self._memory,
            "threads": 1,
            "temp_directory": str(self._work / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        return duckdb.connect(":memory:", config=options)

    def _attach(self, connection: Any) -> bool:  # noqa: ANN401 - duckdb's
        import duckdb  # noqa: PLC0415 - of the extra

        try:
            connection.execute(f"ATTACH {literal(str(self._directory / INDEX))} AS store (READ_ONLY)")
            for name in ("segments", *(table.name for table in TABLES)):
                connection.execute(f'SELECT segment FROM store."{name}" LIMIT 1')  # noqa: S608 - names of ours
            usable = bool(connection.execute(OF_THIS_FORMAT).fetchone() == (True,))
        except duckdb.Error as error:
            self._broken.append(f"{INDEX}: cannot be read ({str(error).splitlines()[0]}); rebuild it")
            return False
        if not usable:
            self._broken.append(f"{INDEX}: is of another format or version of DuckDB; rebuild it")
        return usable

    def _same_segments(self, connection: Any, heads: list[Head]) -> None:  # noqa: ANN401 - duckdb's
        rows = connection.execute("SELECT segment, head FROM store.segments ORDER BY segment").fetchall()
        known_heads = [(head.segment, head.head) for head in heads]
        if rows != known_heads[: len(rows)]:
            self._broken.append(f"{INDEX}: holds {len(rows)} segments, the chain {len(heads)} or others")
        elif len(rows) < len(heads):
            lacking = f"{len(heads) - len(rows)} of {len(heads)}"
            self._broken.append(f"{INDEX}: lacks the last {lacking} segments, which the next write or rebuild adds")
            self._unindexed = {head.segment for head in heads[len(rows) :]}
        known = f"(SELECT unnest(range({len(heads) + 1})))"
        for table in TABLES:
            sql = f'SELECT count(*) FROM store."{table.name}" WHERE segment IS NULL OR segment NOT IN {known}'  # noqa: S608
            extra = connection.execute(sql).fetchone()[0]
            if extra:
                self._broken.append(f"{INDEX} {table.name}: {extra} rows of segments that the chain does not have")

    def _gather_amendments(self, connection: Any, heads: list[Head]) -> None:  # noqa: ANN401 - duckdb's
        """Read the log's amendments, the last of each event, which its row must show."""
        connection.execute(
            "CREATE TEMP TABLE all_amended (segment UINTEGER, key UBIGINT, event VARCHAR, number UBIGINT)"
        )
        for head in heads:
            if not head.amendments or head.segment in self._unindexed:
                continue
            files = LoadFiles(self._work / "amended", head.segment)
            try:
                read_segment(segment_path(self._directory, head.segment), files.add)
                files.flush()
                rows = AMENDMENTS.rows(str(files.path(AMENDMENTS.name)), head.segment, files.longest)
                connection.execute(
                    "INSERT INTO all_amended "  # noqa: S608 - names of ours
                    f"SELECT segment, key, day || ' ' || event_id, attribution FROM ({rows})"
                )
            except TrailError:
                continue  # what is wrong with the segment is said where it is checked
            finally:
                files.remove()
        connection.execute(
            "CREATE TEMP TABLE amended AS SELECT key, event, arg_max(number, segment) AS number "
            "FROM all_amended GROUP BY key, event"
        )

    def _same_rows(self, connection: Any, head: Head, files: LoadFiles) -> None:  # noqa: ANN401 - duckdb's
        """Compare the index's rows of a segment with its lines."""
        import duckdb  # noqa: PLC0415 - of the extra

        files.flush()
        for table in TABLES:
            expected = None
            if table.name in files.blocks:
                expected = table.rows(str(files.path(table.name)), head.segment, files.longest)
            try:
                for finding, label in differences(connection, table, head.segment, expected):
                    self._broken.append(f"{INDEX} {table.name}, segment {head.segment}: {label} {finding}")
            except duckdb.Error as error:
                reason = str(error).splitlines()[0]
                self._broken.append(f"{INDEX} {table.name}, segment {head.segment}: cannot be compared ({reason})")
