"""What is in one file: its events, what in it was none, or that it is no trail file at all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.reading.decode import NoEventError, decode, decode_list
from sudo_mcp_guardrails.trail.reading.pieces import PIECE_BYTES, pieces
from sudo_mcp_guardrails.trail.reading.split import Split, split
from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.trail.event import Event
    from sudo_mcp_guardrails.trail.reading.pieces import Piece

MAX_LETTER_BYTES: Final = 1024 * 1024
"""Most that a dead letter keeps of what was there; the file itself stays where it is."""

_MARK: Final = b'"eventName"'
_NAMES: Final = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")


@dataclass(slots=True)
class FileContent:
    """What a file, or a piece of one, holds.

    Attributes:
        events: in the file's order.
        dead_letters: records without ``eventID``, and what is cut off.
        no_trail: why the file is no trail file, in one line; None where it is one. Then it has neither of the above.
    """

    events: list[Event] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    no_trail: str | None = None


def read_file(name: str, data: bytes) -> FileContent:
    """Read a file that may hold a trail, all of it at once; see :func:`read_pieces`."""
    whole = FileContent()
    for content in read_pieces(name, data):
        whole.events += content.events
        whole.dead_letters += content.dead_letters
        whole.no_trail = content.no_trail
    return whole


def read_pieces(name: str, data: bytes, *, size: int = PIECE_BYTES) -> Iterator[FileContent]:
    """Read a file that may hold a trail, in pieces of bounded size; CloudTrail's own files are one piece each.

    Taken are CloudTrail's own ``{"Records": […]}``, a list of events, JSON lines, and one event alone; each record
    an event, an EventBridge envelope, or an object with the event under ``event``; gzip or not.

    Args:
        name: the file's name: for the dead letters, and to tell a damaged trail from what never was one.
        data: as stored.
        size: bytes of a piece, uncompressed.
    """
    position = 0
    for number, piece in enumerate(pieces(data, size)):
        content, records = _read(name, piece)
        if number == 0 and not content.events:
            content = _doubted(name, data, piece, records, content)
            if content.no_trail is not None:
                yield content
                return
        if number:
            content.dead_letters = [
                replace(letter, position=letter.position + position) if letter.position is not None else letter
                for letter in content.dead_letters
            ]
        position += len(records.records)
        yield content


def _read(name: str, piece: Piece) -> tuple[FileContent, Split]:
    """Read one piece."""
    if piece.problem is None and (events := decode_list(piece.text)) is not None:
        return FileContent(events), Split([event.raw for event in events])
    content = FileContent()
    records = split(piece.text) if piece.text.startswith((b"{", b"[")) else Split([], piece.text, trail=False)
    letters = content.dead_letters
    for position, raw in enumerate(records.records):
        try:
            content.events.append(decode(raw))
        except NoEventError as error:  # noqa: PERF203 - a record that is none must not cost the others
            letters.append(DeadLetter(name, position, str(error), raw[:MAX_LETTER_BYTES]))
    if records.problem or piece.problem:
        reason = "; ".join(filter(None, (piece.problem, records.problem)))
        where = len(records.records) if records.rest else None
        letters.append(DeadLetter(name, where, reason, records.rest[:MAX_LETTER_BYTES]))
    return content, records


def _doubted(name: str, data: bytes, piece: Piece, records: Split, content: FileContent) -> FileContent:
    """Tell a trail without one readable event from a file of another kind; in doubt it is a trail."""
    meant = name.lower().endswith(_NAMES)
    if not piece.text.startswith((b"{", b"[")):
        if meant and (piece.text or piece.problem):
            reason = piece.problem or "not JSON"
            return FileContent(dead_letters=[DeadLetter(name, None, reason, data[:MAX_LETTER_BYTES])])
        return FileContent(no_trail="empty" if not data else "not JSON")
    damaged = bool(piece.problem or records.problem)
    empty_trail = not records.records and records.trail and piece.text.startswith(b"{")
    if _MARK in piece.text or (meant and damaged) or (empty_trail and not damaged):
        return content
    return FileContent(no_trail="JSON, but nothing in it is a CloudTrail event")
