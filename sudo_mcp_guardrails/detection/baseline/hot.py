"""Documents that are in use, kept unpacked; the others wait in the store."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from sudo_mcp_guardrails.detection.baseline.counts import FORGET

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.detection.baseline.store import BaselineStore


class Document(Protocol):
    """What can be kept."""

    @property
    def latest(self) -> int:
        """The last day of which anything is known."""
        ...

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        ...

    def to_bytes(self) -> bytes:
        """Return it packed."""
        ...


MAX_NUMBERS: Final = 500_000
"""How many numbers all documents in memory hold together, some 50 MB; one document is kept whatever it holds."""


_D = TypeVar("_D", bound=Document)


class Hot(Generic[_D]):
    """Documents by key, the last used ones in memory.

    Args:
        store: where the others are.
        limit: how many are kept in memory.
        read: makes one of what the store has.
        evicted: is told of a key that left memory. Default: nobody is.
    """

    def __init__(
        self,
        store: BaselineStore,
        limit: int,
        read: Callable[[bytes], _D],
        evicted: Callable[[str], None] | None = None,
    ) -> None:
        self._store = store
        self._limit = limit
        self._read = read
        self._evicted = evicted
        self._held: OrderedDict[str, _D] = OrderedDict()
        self._changed: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._total = 0

    def __len__(self) -> int:
        return len(self._held)

    def find(self, key: str) -> _D | None:
        """Return a document; None where there is none."""
        found = self._held.get(key)
        if found is not None:
            self._held.move_to_end(key)
            return found
        data = self._store.load(key)
        return None if data is None else self._hold(key, self._read(data))

    def put(self, key: str, document: _D) -> None:
        """Keep a document that is new or has changed."""
        self._hold(key, document)
        self._changed.add(key)

    def drop(self, key: str) -> None:
        """Forget a document, here and in the store."""
        self._held.pop(key, None)
        self._total -= self._sizes.pop(key, 0)
        self._changed.discard(key)
        self._store.delete(key)

    def flush(self) -> None:
        """Save what has changed, in the order of the keys."""
        for key in sorted(self._changed):
            self._save(key, self._held[key])
        self._changed.clear()

    def _hold(self, key: str, document: _D) -> _D:
        self._held[key] = document
        self._held.move_to_end(key)
        size = document.size
        self._total += size - self._sizes.get(key, 0)
        self._sizes[key] = size
        while len(self._held) > self._limit or (self._total > MAX_NUMBERS and len(self._held) > 1):
            oldest, gone = next(iter(self._held.items()))
            if oldest in self._changed:
                self._save(oldest, gone)  # before it is forgotten here: a store that is down loses nothing
                self._changed.discard(oldest)
            del self._held[oldest]
            self._total -= self._sizes.pop(oldest)
            if self._evicted is not None:
                self._evicted(oldest)
        return document

    def _save(self, key: str, document: _D) -> None:
        self._store.save(key, document.to_bytes(), max(0, document.latest) + FORGET)
