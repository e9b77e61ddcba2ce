"""The index of a store, made anew from its log: after damage, or for another version of DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink
from sudo_mcp_guardrails.trail.sinks.duckdb_index import INDEX
from sudo_mcp_guardrails.trail.store_lock import StoreLock

if TYPE_CHECKING:
    from pathlib import Path


def rebuild(directory: Path, *, memory: str = "120MB", threads: int = 1) -> int:
    """Make a store's index anew from its segments and return how many events it holds.

    Raises:
        StoreLockedError: another process writes to the store.
        TrailError: there is no store, or its log is damaged.
        SinkUnavailableError: the disk took no more.
    """
    if not directory.is_dir():
        raise TrailError(f"store {directory} is not there, allowed: a directory that ingest made")
    lock = StoreLock(directory)
    try:
        for name in (INDEX, f"{INDEX}.wal"):
            (directory / name).unlink(missing_ok=True)
    except OSError as error:
        raise SinkUnavailableError(f"index of {directory} cannot be removed ({error.strerror})") from error
    finally:
        lock.release()
    sink = DuckDbSink(directory, memory=memory, threads=threads)
    try:
        return sink.count()
    finally:
        sink.close()
