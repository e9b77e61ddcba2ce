"""The one loop that takes trail files in: read, attribute, write, in batches of whole files."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.attribution import Attributed
from sudo_mcp_guardrails.trail.collector import rare_collections
from sudo_mcp_guardrails.trail.errors import UnreadableFileError
from sudo_mcp_guardrails.trail.reading import read_pieces
from sudo_mcp_guardrails.trail.sinks.sink import Batch, SourceRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sudo_mcp_guardrails.trail.attributing import Attributor
    from sudo_mcp_guardrails.trail.reading import FileContent
    from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter, Sink
    from sudo_mcp_guardrails.trail.source import Source, SourceFile

BATCH_EVENTS: Final = 16_384
BATCH_BYTES: Final = 12 * 1024 * 1024
"""A batch is written when it holds so many events, or so many bytes of them: what bounds the memory of a run."""

MAX_STORED_BYTES: Final = 128 * 1024 * 1024
"""Largest file that is read, as stored. CloudTrail's own have a few megabytes."""


@dataclass
class IngestReport:
    """What came of taking files in.

    Attributes:
        files: trail files that were read.
        events: events in them.
        unique: of these, new to the sink.
        duplicates: of these, there already, or more than once in the files.
        conflicts: of the duplicates, those that say something else than what is there.
        dead_letters: records without ``eventID``, and files that are cut off.
        rejected: events that the sink refused; each is kept as a dead letter.
        attributed: events that are some agent's work.
        amended: earlier events that are known better now.
        retries: requests to the sink that had to be sent again.
        gone: files that were listed and were gone when they were read.
        unreadable: files that are there and could not be read, and why; they are not in the ledger.
        not_trail: files that are no trail files, and why.
        first_time: earliest ``eventTime``.
        last_time: latest.
        seconds: how long it took.
    """

    files: int = 0
    events: int = 0
    unique: int = 0
    duplicates: int = 0
    conflicts: int = 0
    dead_letters: int = 0
    rejected: int = 0
    attributed: int = 0
    amended: int = 0
    retries: int = 0
    gone: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    not_trail: list[tuple[str, str]] = field(default_factory=list)
    first_time: str | None = None
    last_time: str | None = None
    seconds: float = 0.0


class _Pending:
    """The batch that is being gathered."""

    def __init__(self) -> None:
        self.events: list[Attributed] = []
        self.origins: list[int] = []
        self.sources: list[SourceRecord] = []
        self.letters: list[DeadLetter] = []
        self.bytes = 0

    def add(self, record: SourceRecord, events: Iterable[Attributed], letters: Iterable[DeadLetter]) -> None:
        """Add a file, or the next piece of the file that was added last."""
        if self.sources and self.sources[-1].name == record.name:
            self.sources[-1] = record
        else:
            self.sources.append(record)
        begin = len(self.events)
        self.events.extend(events)
        self.origins.extend([len(self.sources) - 1] * (len(self.events) - begin))
        self.bytes += sum(len(one.event.raw) for one in self.events[begin:])
        self.letters.extend(letters)

    @property
    def full(self) -> bool:
        return len(self.events) >= BATCH_EVENTS or self.bytes >= BATCH_BYTES


def ingest(
    source: Source,
    sink: Sink,
    attributor: Attributor,
    *,
    files: Iterable[SourceFile] | None = None,
    progress: Callable[[IngestReport], None] | None = None,
) -> IngestReport:
    """Take files in.

    Args:
        source: where the files are.
        sink: where the events go.
        attributor: tells whose work each is.
        files: which of the source's files. Default: all.
        progress: called after each batch.

    Raises:
        SinkUnavailableError: where the sink took no more, after all retries. What was written stays; the same call
            again completes it and writes nothing twice.
    """
    started = time.monotonic()
    report = IngestReport()
    pending = _Pending()
    attribute = attributor.attribute
    pair = Attributed._make
    with rare_collections():
        for file in source.files() if files is None else files:
            for record, content in _read(file, source, report):
                found = list(map(pair, zip(content.events, map(attribute, content.events), strict=True)))
                report.attributed += sum(one.attribution.attributed for one in found)
                pending.add(record, found, content.dead_letters)
                if pending.full:
                    _write(pending, sink, attributor, report)
                    pending = _Pending()
                    report.seconds = time.monotonic() - started
                    if progress is not None:
                        progress(report)
        _write(pending, sink, attributor, report)
    report.seconds = time.monotonic() - started
    if progress is not None:
        progress(report)
    return report


def _read(file: SourceFile, source: Source, report: IngestReport) -> Iterator[tuple[SourceRecord, FileContent]]:
    """Yield the pieces of one file, each with the ledger's line up to there.

    Before the last piece the line has no fingerprint: a file that was taken in by half is one that differs.
    """
    line = SourceRecord(file.name, file.size, "", 0, 0, 0, 0, None, None)
    if file.size > MAX_STORED_BYTES:
        reason = f"the file has {file.size} bytes, read are at most {MAX_STORED_BYTES}: split it"
        report.unreadable.append((file.name, reason))
        return
    try:
        data = source.read(file)
    except UnreadableFileError as error:
        report.unreadable.append((file.name, str(error)))
        return
    if data is None:
        report.gone.append(file.name)
        return
    line = replace(line, size=len(data))
    held: FileContent | None = None
    for content in read_pieces(file.name, data):
        if content.no_trail is not None:
            report.not_trail.append((file.name, content.no_trail))
            return
        if held is not None:
            yield line, held
        line = _counted(line, content)
        held = content
    if held is not None:
        report.files += 1
        yield replace(line, fingerprint=hashlib.sha256(data).hexdigest()), held


def _counted(line: SourceRecord, content: FileContent) -> SourceRecord:
    """Return the ledger's line with one more piece of the file."""
    times = [event.event_time for event in content.events if event.event_time is not None]
    return replace(
        line,
        events=line.events + len(content.events),
        dead_letters=line.dead_letters + len(content.dead_letters),
        first_time=min([*times, *filter(None, (line.first_time,))], default=None),
        last_time=max([*times, *filter(None, (line.last_time,))], default=None),
    )


def _write(pending: _Pending, sink: Sink, attributor: Attributor, report: IngestReport) -> None:
    """Write the batch, and then what it tells of earlier events."""
    if not pending.sources:
        return
    written = sink.write(Batch(pending.events, pending.origins, pending.sources, pending.letters))
    # Also where the event is in this very batch: after a crash it may stand in the sink from before.
    _amend(sink, attributor, report)
    attributor.flush()
    # Storing what was learned may have shown what another process has learned meanwhile.
    if attributor.amendments():
        _amend(sink, attributor, report)
        attributor.flush()
    report.events += len(pending.events)
    report.unique += written.created
    report.duplicates += written.duplicates
    report.conflicts += written.conflicts
    report.rejected += written.rejected
    report.retries += written.retries
    report.dead_letters += len(pending.letters)
    for record in pending.sources:
        report.first_time = min(filter(None, (report.first_time, record.first_time)), default=None)
        report.last_time = max(filter(None, (report.last_time, record.last_time)), default=None)


def _amend(sink: Sink, attributor: Attributor, report: IngestReport) -> None:
    """Give the sink what was learned of earlier events."""
    amendments = attributor.amendments()
    if amendments:
        report.amended += sink.amend([(one.day, one.event_id, one.attribution) for one in amendments])
