"""What every sink does, and what it says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution


IDENTITY_FIELDS: Final = ("event_time", "name", "source", "request_id", "account")
"""Fields of an event that make a duplicate a conflict where they differ."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something in a trail file that is no event which could be kept.

    Attributes:
        source: the file or object it was in.
        position: index of the record in it, from 0; None for the file as a whole.
        reason: in one line.
        raw: what was there, at most the first 1 MiB.
    """

    source: str
    position: int | None
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """One line of the ledger: a trail file that was taken in whole.

    Attributes:
        name: path below the directory that was read, or ``s3://bucket/key``.
        size: bytes, as stored.
        fingerprint: SHA-256 of the bytes as stored, in hex; empty where only a part of the file was taken in yet.
        events: records that were events.
        created: of these, new to the sink in the write that finished the file.
        duplicates: of these, there already.
        dead_letters: records that were none.
        first_time: earliest ``eventTime``, or None.
        last_time: latest.
    """

    name: str
    size: int
    fingerprint: str
    events: int
    created: int
    duplicates: int
    dead_letters: int
    first_time: str | None
    last_time: str | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What is written at once: whole files, so that the ledger and the events agree.

    Attributes:
        events: events of the files, in their order, duplicates within the batch included.
        origins: index into ``sources`` for each event.
        sources: the files; ``created`` and ``duplicates`` are 0, the sink fills them in.
        dead_letters: what in them was no event.
    """

    events: Sequence[Attributed]
    origins: Sequence[int]
    sources: Sequence[SourceRecord]
    dead_letters: Sequence[DeadLetter] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """What a sink did with a batch.

    Attributes:
        created: events that were new.
        duplicates: events that were there already, or twice in the batch.
        conflicts: of the duplicates, those that differ from what is there in :data:`IDENTITY_FIELDS`. CloudTrail
            makes none; what was first is kept, and the other stands in its file, which the ledger names.
        rejected: events that the sink refused for good; each is kept as a dead letter with the reason, and a stub
            stands for it in the sink.
        retries: requests that had to be sent again.
    """

    created: int
    duplicates: int
    conflicts: int = 0
    rejected: int = 0
    retries: int = 0


class Sink(Protocol):
    """Keeps events, each once: an event is known by its day and ``eventID``.

    A write that ends without an error has stored the batch durably: events, dead letters and ledger. One that raises
    may have stored a part; writing the same batch again stores the rest and nothing twice.
    """

    def write(self, batch: Batch) -> Written:
        """Store a batch.

        Raises:
            SinkUnavailableError: after all retries; the batch may be written again.
        """
        ...

    def amend(self, changes: Sequence[tuple[str, str, Attribution]]) -> int:
        """Replace the attribution of events that are there, by day and ``eventID``; return how many there were."""
        ...

    def missing(self, day: str, event_ids: Collection[str]) -> set[str]:
        """Return which events of a day are not there; a stub counts as there."""
        ...

    def ledger(self) -> dict[str, SourceRecord]:
        """Return the files that were taken in, by name."""
        ...

    def count(self) -> int:
        """Return how many events there are, stubs included."""
        ...

    def close(self) -> None:
        """Let go of files and connections; more than once does nothing."""
        ...
