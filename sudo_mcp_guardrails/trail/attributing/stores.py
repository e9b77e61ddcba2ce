"""Knowledge that outlives the process: in a file beside the store, or in DynamoDB."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.attributing.knowledge import LIMIT, MemoryKnowledge
from sudo_mcp_guardrails.trail.errors import TrailError

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS knowledge (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
_KEPT_DAYS: Final = 90
_DAY: Final = 86_400

_KEY_BYTES: Final = 1024
"""Longest key that is stored as it is; DynamoDB takes 2,048 bytes, SQLite no half of a surrogate pair."""


def _stored(key: str) -> str:
    """Return a key as stores take it: parts of keys are what callers chose."""
    raw = key.encode("utf-8", "surrogatepass")
    if key.isascii() and len(raw) <= _KEY_BYTES:
        return key
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


class _Stored:
    """Knowledge in front of a store: what is put is kept in memory until it is flushed."""

    shared = False

    def __init__(self, limit: int = LIMIT) -> None:
        self._near = MemoryKnowledge(limit)
        self._absent = MemoryKnowledge(limit)
        self._changed: dict[str, Any] = {}

    def get(self, key: str) -> Any:  # noqa: ANN401 - as in the protocol
        """Return what was put under a key, or None."""
        key = _stored(key)
        if key in self._changed:
            return self._changed[key]
        found = self._near.get(key)
        if found is None and self._absent.get(key) is None:
            found = self._load(key)
            (self._absent if found is None else self._near).put(key, True if found is None else found)
        return found

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - as in the protocol
        """Remember something; None forgets it."""
        self._changed[_stored(key)] = value

    def flush(self) -> None:
        """Store durably what was put since the last time."""
        if not self._changed:
            return
        self._save(self._changed)
        for key, value in self._changed.items():
            self._near.put(key, value)
            self._absent.put(key, True if value is None else None)
        self._changed = {}

    def _load(self, key: str) -> Any:  # noqa: ANN401 - JSON
        raise NotImplementedError

    def _save(self, changed: dict[str, Any]) -> None:
        raise NotImplementedError


class SqliteKnowledge(_Stored):
    """Knowledge in an SQLite file, for a store that is a directory.

    Args:
        path: the file; made where it is absent.

    Raises:
        TrailError: where the file is none of SQLite's, or cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        try:
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute(_SCHEMA)
        except sqlite3.Error as error:
            raise TrailError(f"knowledge file {path} cannot be opened: {error}") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _load(self, key: str) -> Any:  # noqa: ANN401 - JSON
        row = self._file.execute("SELECT value FROM knowledge WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    def _save(self, changed: dict[str, Any]) -> None:
        gone = [(key,) for key, value in changed.items() if value is None]
        kept = [(key, json.dumps(value)) for key, value in changed.items() if value is not None]
        try:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany("DELETE FROM knowledge WHERE key = ?", gone)
            self._file.executemany("INSERT OR REPLACE INTO knowledge VALUES (?, ?)", kept)
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            if self._file.in_transaction:
                self._file.execute("ROLLBACK")
            raise TrailError(f"knowledge file {self._path} cannot be written: {error}") from error


class DynamoKnowledge(_Stored):
    """Knowledge in a DynamoDB table, for the Lambda function.

    Several functions may write at once: what one key holds is whole, and the last writer's. A list of waiting events
    that two extend at the same moment may so lose some, which are then attributed less well, never lost. What one
    learns while the other's events begin to wait for it is seen by one of both: reads are consistent.

    Args:
        client: a boto3 DynamoDB client.
        table: name of the table, with the partition key ``pk`` and the time to live ``expires``.
        prefix: of the keys, where the table holds more.
    """

    shared = True

    def __init__(self, client: Any, table: str, *, prefix: str = "knowledge#") -> None:  # noqa: ANN401 - boto3's
        super().__init__()
        self._limit = 20_000
        self._client = client
        self._table = table
        self._prefix = prefix

    def flush(self) -> None:
        """Store what was put, and look again at all that others may have learned meanwhile: a container lives long."""
        super().flush()
        self._near, self._absent = MemoryKnowledge(self._limit), MemoryKnowledge(self._limit)

    def _load(self, key: str) -> Any:  # noqa: ANN401 - JSON
        answer = self._client.get_item(
            TableName=self._table, Key={"pk": {"S": self._prefix + key}}, ConsistentRead=True
        )
        item = answer.get("Item")
        return json.loads(item["value"]["S"]) if item else None

    def _save(self, changed: dict[str, Any]) -> None:
        expires = str(int(time.time()) + _KEPT_DAYS * _DAY)
        for key, value in changed.items():
            name = {"S": self._prefix + key}
            if value is None:
                self._client.delete_item(TableName=self._table, Key={"pk": name})
            else:
                item = {"pk": name, "value": {"S": json.dumps(value)}, "expires": {"N": expires}}
                self._client.put_item(TableName=self._table, Item=item)
