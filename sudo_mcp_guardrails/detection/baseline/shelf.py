"""What the one who learns needs of where things are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from sudo_mcp_guardrails.detection.baseline.store import BaselineStore
from sudo_mcp_guardrails.detection.errors import DetectionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class ConflictError(DetectionError):
    """Another process wrote a baseline meanwhile: what it wrote stays, and this one stops."""


class Listed(NamedTuple):
    """One run that was written down.

    Attributes:
        agent: name of the agent.
        run: the run's id, else the session's.
        documents: names of its documents.
        newest: when the last of them was written, in seconds since 1970.
    """

    agent: str
    run: str
    documents: tuple[str, ...]
    newest: int


class Shelf(Protocol):
    """Where what was written down is kept."""

    def runs(self) -> Iterable[Listed]:
        """Return all runs that are there, sorted by agent."""
        ...

    def read(self, document: str) -> bytes | None:
        """Return a document; None where it is gone."""
        ...

    def forget(self, documents: Sequence[str]) -> None:
        """Delete documents; nothing happens where there are none."""
        ...

    def incident(self, agent: str) -> int | None:
        """Return when an agent last gave cause for an incident, in seconds since 1970; None where it never did."""
        ...

    def note_incident(self, agent: str, time: int, why: str) -> None:
        """Note a cause for an incident."""
        ...


class LearnerStore(BaselineStore, Protocol):
    """A store of baselines that keeps beside a document which runs were taken in last, in the same write.

    ``save`` raises :class:`ConflictError` where another process wrote the document since it was loaded.
    """

    def mark(self, key: str, runs: Sequence[str]) -> None:
        """Say what stands beside a document when it is saved next."""
        ...

    def marks(self, key: str) -> frozenset[str]:
        """Return what stands beside a document as it is stored."""
        ...
