"""Knowledge that outlives the process: what the stores of it have in common."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from typing import Any, Final

from sudo_mcp_guardrails.trail.attributing.knowledge import MemoryKnowledge

NEAR: Final = 20_000
"""Entries that are kept in memory: some 10 MB."""
_KEY_BYTES: Final = 1024
"""Longest key that is stored as it is; DynamoDB takes 2,048 bytes, SQLite no half of a surrogate pair."""


def _stored(key: str) -> str:
    """Return a key as stores take it: parts of keys are what callers chose."""
    raw = key.encode("utf-8", "surrogatepass")
    if key.isascii() and len(raw) <= _KEY_BYTES:
        return key
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


class StoredKnowledge(ABC):
    """Knowledge in front of a store: what is put is kept in memory until it is flushed.

    Args:
        limit: entries of the store that are kept in memory, and as many that are known to be absent.
    """

    shared = False

    def __init__(self, limit: int = NEAR) -> None:
        self._limit = limit
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

    @abstractmethod
    def _load(self, key: str) -> Any:  # noqa: ANN401 - JSON
        """Return what the store has under a key, or None."""

    @abstractmethod
    def _save(self, changed: dict[str, Any]) -> None:
        """Store values by their keys, and forget the keys of None; all of it is durable when this returns."""
