"""Compare what should be in a sink with what is, and take in again what is not.

Four witnesses are heard: the source's own listing, CloudTrail's digests, the sink's ledger of files, and its events.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.digests.verify import Status
from sudo_mcp_guardrails.trail.errors import UnreadableFileError
from sudo_mcp_guardrails.trail.reading import read_pieces
from sudo_mcp_guardrails.trail.reconciled import Gap, Item, Reconciled
from sudo_mcp_guardrails.trail.sources.sidecar import is_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sudo_mcp_guardrails.trail.digests.verify import Verdict
    from sudo_mcp_guardrails.trail.sinks.sink import Sink, SourceRecord
    from sudo_mcp_guardrails.trail.source import KeepingSource, SourceFile

_AT_ONCE: Final = 256
"""Files that are taken in again in one call."""
_SETTLED_AT_ONCE: Final = 16_384
"""Files taken in again after which the ledger is read anew, to see that they are there."""
_IDS_AT_ONCE: Final = 5_000
_SHOWN_IDS: Final = 3


def reconcile(
    source: KeepingSource,
    sink: Sink,
    *,
    digests: Iterable[Verdict] | None = None,
    repair: Callable[[Iterable[SourceFile]], object] | None = None,
    deep: bool = True,
    progress: Callable[[Reconciled], None] | None = None,
) -> Reconciled:
    """Compare a source with a sink.

    Memory is that of the ledger, of one file as stored with a piece of what is in it, and of what is wrong. A run that
    was stopped goes on where it was, with a source whose range begins at :attr:`Reconciled.last`; one that goes
    through all again does no harm either.

    Files of the ledger that the source covers and does not list are reported as gone: where several directories went
    into one sink, give the directory above them.

    Args:
        source: what should be in the sink; its range bounds what is compared.
        sink: what should have it.
        digests: what a :class:`~sudo_mcp_guardrails.trail.digests.verify.DigestCheck` finds. A file that is not what
            CloudTrail delivered is never taken in.
        repair: takes files in, as :func:`~sudo_mcp_guardrails.trail.ingest.ingest` does; without it nothing is mended.
        deep: read every file, compare its bytes with the ledger, and ask the sink for each event. Otherwise only files
            that the ledger lacks are read, and sizes are compared. A file of which the ledger has only a part is
            missing either way.
        progress: called after each file.

    Raises:
        UnreadableFileError: where the source cannot be listed.
        SinkUnavailableError: where the sink took no more.
    """
    return _Run(source, sink, repair, deep=deep).run(digests or (), progress)


class _Run:
    """One comparison."""

    def __init__(
        self,
        source: KeepingSource,
        sink: Sink,
        repair: Callable[[Iterable[SourceFile]], object] | None,
        *,
        deep: bool,
    ) -> None:
        self.source = source
        self.sink = sink
        self.repair = repair
        self.deep = deep
        self.report = Reconciled()
        self.ledger = sink.ledger()
        self.unseen = {name for name in self.ledger if source.covers(name)}
        self.distrusted: set[str] = set()
        self.named: dict[str, str | None] = {}
        self.waiting: list[tuple[SourceFile, Item]] = []
        self.driven: list[tuple[SourceFile, Item]] = []

    def run(self, digests: Iterable[Verdict], progress: Callable[[Reconciled], None] | None) -> Reconciled:
        report = self.report
        for verdict in digests:
            self._weigh(verdict)
        for file in self.source.files():
            if not is_aside(file.name):
                self._look(file)
                if len(self.waiting) >= _AT_ONCE:
                    self._drive()
                if not self.waiting:
                    report.last = file.name
                if progress is not None:
                    progress(report)
        self._drive()
        self._settle()
        for name, digest in sorted(self.named.items()):
            self._never_seen(name, digest)
        for name in sorted(self.unseen):
            self._broken(Gap.GONE, name, "it was taken in, and is not in the source any more")
        self._count()
        if progress is not None:
            progress(report)
        return report

    def _weigh(self, verdict: Verdict) -> None:
        """Take what a digest says into account."""
        reason = verdict.reason or verdict.status.value
        if verdict.good:
            if verdict.status is Status.VALID:
                self.report.digests += verdict.kind == "digest"
                self.report.proved += verdict.kind == "log"
            # Of those in the ledger it is known what became of them; the others are few.
            elif (
                verdict.status is Status.NAMED and verdict.name not in self.ledger and self.source.covers(verdict.name)
            ):
                self.named[verdict.name] = verdict.digest
        elif verdict.kind == "digest":
            self._broken(Gap.DIGEST, verdict.name, f"{verdict.status.value}: {reason}")
        elif verdict.name in self.distrusted:
            pass  # two digests may name it
        elif verdict.status is Status.MISSING:
            self.distrusted.add(verdict.name)
            if verdict.name in self.ledger:
                self.unseen.discard(verdict.name)
                self._broken(Gap.GONE, verdict.name, f"it was taken in, and is not in the source any more: {reason}")
            else:
                self._never_seen(verdict.name, verdict.digest)
        else:
            self.distrusted.add(verdict.name)
            self._broken(Gap.UNREADABLE if verdict.status is Status.UNREADABLE else Gap.CHANGED, verdict.name, reason)

    def _look(self, file: SourceFile) -> None:
        """Compare one file with the ledger and the events."""
        record = self.ledger.get(file.name)
        self.unseen.discard(file.name)
        self.named.pop(file.name, None)
        if file.name in self.distrusted:
            self.report.checked += 1
            return
        if record is not None and not (self.deep and record.fingerprint):
            self.report.checked += 1
            if file.size != record.size:
                self._broken(Gap.CHANGED, file.name, f"it has {file.size} bytes, and had {record.size}")
            elif not record.fingerprint:
                # What was written before its last piece: whoever took it in was stopped there.
                self._missing(file, Item(Gap.NOT_TAKEN_IN, file.name, "only a part of it was taken in"))
            return
        try:
            data = self.source.read(file)
        except UnreadableFileError as error:
            self.report.checked += 1
            self._broken(Gap.UNREADABLE, file.name, str(error))
            return
        if data is None:
            if record is not None:
                self.unseen.add(file.name)
            return
        self._compare(file, record, data)

    def _compare(self, file: SourceFile, record: SourceRecord | None, data: bytes) -> None:
        if record is None:
            # Whether it is a trail shows in its first piece.
            if next(read_pieces(file.name, data)).no_trail is None:
                self.report.checked += 1
                self._missing(file, Item(Gap.NOT_TAKEN_IN, file.name, "it is not in the ledger"))
            return
        self.report.checked += 1
        found = hashlib.sha256(data).hexdigest()
        if found != record.fingerprint:
            reason = f"its bytes have SHA-256 {found}, and had {record.fingerprint} when it was taken in"
            self._broken(Gap.CHANGED, file.name, reason)
        elif lacking := self._lacking(file.name, data):
            self._missing(file, Item(Gap.EVENTS_MISSING, file.name, lacking))

    def _lacking(self, name: str, data: bytes) -> str | None:
        """Return which events of a file the sink has not, in one line; None where it has all."""
        lacking = events = 0
        first: list[str] = []
        for content in read_pieces(name, data):
            days: dict[str, set[str]] = {}
            for event in content.events:
                days.setdefault(event.day, set()).add(event.event_id)
            events += sum(map(len, days.values()))
            for day, ids in sorted(days.items()):
                rest = iter(sorted(ids))
                while some := list(islice(rest, _IDS_AT_ONCE)):
                    absent = sorted(self.sink.missing(day, some))
                    lacking += len(absent)
                    first += absent[: _SHOWN_IDS - len(first)]
        if not lacking:
            return None
        shown = ", ".join(first) + (", …" if lacking > len(first) else "")
        return f"{lacking} of its {events} events are not in the sink: {shown}"

    def _missing(self, file: SourceFile, item: Item) -> None:
        self.report.missing += 1
        if self.repair is None:
            self.report.add(item)
        else:
            self.waiting.append((file, item))

    def _never_seen(self, name: str, digest: str | None) -> None:
        self.report.missing += 1
        self.report.add(Item(Gap.NEVER_SEEN, name, f"digest {digest!r} names it"))

    def _broken(self, gap: Gap, name: str, reason: str) -> None:
        self.report.broken += 1
        self.report.add(Item(gap, name, reason))

    def _drive(self) -> None:
        """Take in what waits for it."""
        if self.waiting and self.repair is not None:
            self.repair([file for file, _ in self.waiting])
            self.driven += self.waiting
            self.waiting = []
        if len(self.driven) >= _SETTLED_AT_ONCE:
            self._settle()

    def _settle(self) -> None:
        """Look whether what was taken in is there now."""
        if not self.driven:
            return
        self.ledger = self.sink.ledger()
        for file, item in self.driven:
            record = self.ledger.get(file.name)
            whole = record is not None and bool(record.fingerprint)
            there = whole and (not self.deep or self._there(file))
            self.report.repaired += there
            self.report.add(Item(item.gap, item.name, item.reason, repaired=there))
        self.driven = []

    def _there(self, file: SourceFile) -> bool:
        """Return whether the sink has all events of a file now."""
        try:
            data = self.source.read(file)
        except UnreadableFileError:
            return False
        return data is not None and self._lacking(file.name, data) is None

    def _count(self) -> None:
        """Compare the number of events with what the ledger says was created, which never is more."""
        created = sum(record.created for record in self.ledger.values())
        count = self.sink.count()
        if count < created:
            reason = f"the sink holds {count} events, and its ledger says that {created} were created"
            self._broken(Gap.COUNT, "index", reason)
