"""What earlier events told of sessions and tool calls; it outlives one run of the ingester."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIMIT: Final = 100_000
"""Entries kept in memory, the oldest forgotten first: about 60 MB."""

SESSION: Final = "session:"
"""A session by its access key, its OAuth session's ARN, or its run id: :class:`SessionFacts`."""
DOUBTED: Final = "doubted:"
"""A session whose tags no broker is seen to have set, by its access key: what its role and its SourceIdentity tell."""
CALL: Final = "call:"
"""A request id that a tool call lists: the tool call's ``eventID`` and its tool."""
GRANT: Final = "grant:"
"""What a person granted to a client: the session that came of it, and when."""
WAITING: Final = "waiting:"
"""Events that came before what tells of them, by what they wait for: their days and ``eventID``s."""
OPEN: Final = "open:"
"""What is known so far of an event that waits, and for how many things it does."""


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What is known of one session; every field may be unknown."""

    agent: str | None = None
    run: str | None = None
    capability: str | None = None
    ticket: str | None = None
    approval: str | None = None
    plan_digest: str | None = None
    person: str | None = None

    def to_dict(self) -> dict[str, str]:
        """Return the fields that are known."""
        # Not dataclasses.asdict, which copies deeply and takes ten times as long.
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}


class Knowledge(Protocol):
    """Remembers small things by a key, in memory and, where it is to outlive the process, in a store.

    Attributes:
        shared: whether other processes write to the same store at the same time.
    """

    shared: bool

    def get(self, key: str) -> Any:  # noqa: ANN401 - what was put, JSON
        """Return what was put under a key, or None."""
        ...

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - as above
        """Remember something; None forgets it."""
        ...

    def flush(self) -> None:
        """Store durably what was put since the last time; called when a batch has been written."""
        ...


class MemoryKnowledge:
    """Knowledge of one process, of bounded size.

    Args:
        limit: entries to keep; the oldest is forgotten for a new one.
        entries: what is known at the start.
    """

    shared = False

    def __init__(self, limit: int = LIMIT, entries: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        self._limit = limit
        # Not a dict, in which finding the oldest takes longer the more were removed before it.
        self._entries: OrderedDict[str, Any] = OrderedDict(entries)
        self.forgotten = 0

    def get(self, key: str) -> Any:  # noqa: ANN401 - as in the protocol
        """Return what was put under a key, or None."""
        return self._entries.get(key)

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - as in the protocol
        """Remember something; None forgets it."""
        self._entries.pop(key, None)
        if value is None:
            return
        if len(self._entries) >= self._limit:
            self._entries.popitem(last=False)
            self.forgotten += 1
        self._entries[key] = value

    def flush(self) -> None:
        """Nothing outlives the process."""
