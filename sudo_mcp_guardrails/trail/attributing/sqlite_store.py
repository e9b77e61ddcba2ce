"""Knowledge in an SQLite file, beside a store that is a directory; no Lambda function needs it, nor SQLite."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.attributing.stored import StoredKnowledge
from sudo_mcp_guardrails.trail.errors import TrailError

if TYPE_CHECKING:
    from pathlib import Path

_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS knowledge (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"


class SqliteKnowledge(StoredKnowledge):
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
