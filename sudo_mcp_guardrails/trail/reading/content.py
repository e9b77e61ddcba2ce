"""What is in one file: its events, what in it was none, or that it is no trail file at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.reading.decode import NoEventError, decode
from sudo_mcp_guardrails.trail.reading.split import split
from sudo_mcp_guardrails.trail.reading.unpack import MAX_FILE_BYTES, unpack
from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.event import Event
    from sudo_mcp_guardrails.trail.reading.split import Split

MAX_LETTER_BYTES: Final = 1024 * 1024
"""Most that a dead letter keeps of what was there; the file itself stays where it is."""

_BOM: Final = b"\xef\xbb\xbf"
_MARK: Final = b'"eventName"'
_NAMES: Final = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")


@dataclass(slots=True)
class FileContent:
    """What a file holds.

    Attributes:
        events: in the file's order.
        dead_letters: records without ``eventID``, and what is cut off.
        no_trail: why the file is no trail file, in one line; None where it is one. Then it has neither of the above.
    """

    events: list[Event] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    no_trail: str | None = None


def read_file(name: str, data: bytes, *, limit: int = MAX_FILE_BYTES) -> FileContent:
    """Read a file that may hold a trail.

    Taken are CloudTrail's own ``{"Records": […]}``, a list of events, JSON lines, and one event alone; each record
    an event, an EventBridge envelope, or an object with the event under ``event``; gzip or not.

    Args:
        name: the file's name: for the dead letters, and to tell a damaged trail from what never was one.
        data: as stored.
        limit: most bytes, uncompressed.
    """
    text, problem = unpack(data, limit)
    text = text.removeprefix(_BOM).lstrip()
    if not text.startswith((b"{", b"[")):
        return _nothing(name, data, text, problem)
    records = split(text)
    content = FileContent()
    letters = content.dead_letters
    for position, raw in enumerate(records.records):
        try:
            content.events.append(decode(raw))
        except NoEventError as error:  # noqa: PERF203 - a record that is none must not cost the others
            letters.append(DeadLetter(name, position, str(error), raw[:MAX_LETTER_BYTES]))
    if records.problem or problem:
        reason = "; ".join(filter(None, (problem, records.problem)))
        where = len(records.records) if records.rest else None
        letters.append(DeadLetter(name, where, reason, records.rest[:MAX_LETTER_BYTES]))
    if not content.events and not _meant_as_trail(name, text, records, problem):
        return FileContent(no_trail="JSON, but nothing in it is a CloudTrail event")
    return content


def _meant_as_trail(name: str, text: bytes, records: Split, problem: str | None) -> bool:
    """Tell a trail without one readable event from JSON of another kind; in doubt it is a trail."""
    if _MARK in text:
        return True
    if problem or records.problem:
        return name.lower().endswith(_NAMES)
    return not records.records and records.trail and text.startswith(b"{")


def _nothing(name: str, data: bytes, text: bytes, problem: str | None) -> FileContent:
    """Say of a file that does not begin as JSON whether it was meant to."""
    if name.lower().endswith(_NAMES) and (text or problem):
        reason = problem or "not JSON"
        return FileContent(dead_letters=[DeadLetter(name, None, reason, data[:MAX_LETTER_BYTES])])
    return FileContent(no_trail="empty" if not data else "not JSON")
