"""What one segment of the log holds, and how it is written as JSON lines that need none of our code to be read."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, fields
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sudo_mcp_guardrails.trail.attribution import Attribution
from sudo_mcp_guardrails.trail.event import Event
from sudo_mcp_guardrails.trail.sinks.dead_letters import RAW_BYTES, letter_key
from sudo_mcp_guardrails.trail.sinks.sink import SourceRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attributed
    from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter

BLOCKS: Final = ("attributions", "events", "amendments", "dead_letters", "sources")
"""The kinds of lines, in the order in which they stand in a segment."""

EVENT_FIELDS: Final = Event._fields[:-2]
"""Fields of an event that are columns: all but the last two. ``principalId`` repeats what the ARN and the access key
say, and costs much."""
ATTRIBUTION_FIELDS: Final = tuple(field.name for field in fields(Attribution))
SOURCE_FIELDS: Final = tuple(field.name for field in fields(SourceRecord))
LINE_FIELDS: Final = {
    "attributions": ("id", *ATTRIBUTION_FIELDS),
    "events": ("attribution", "origin", *EVENT_FIELDS, "raw", "raw_base64"),
    "amendments": ("day", "event_id", "attribution"),
    "dead_letters": ("key", "source", "position", "reason", "raw", "raw_base64"),
    "sources": SOURCE_FIELDS,
}
"""Names in a line of each block. What is None is left out; ``raw_base64`` has the bytes where they are no UTF-8."""

_AT_ONCE: Final = 256
_SMALL: Final = 1 << 20

_attribution = attrgetter(*ATTRIBUTION_FIELDS[1:])
_source = attrgetter(*SOURCE_FIELDS)


class Lines(NamedTuple):
    """Some lines of one block.

    Attributes:
        block: theirs.
        data: the lines, each with its newline.
        longest: bytes of the longest, or more.
    """

    block: str
    data: bytes
    longest: int


@dataclass(frozen=True, slots=True)
class Draft:
    """What becomes a segment.

    Attributes:
        events: new events.
        origins: the name of the file that each came from.
        amendments: day, ``eventID`` and attribution of events that are there already.
        dead_letters: new dead letters.
        sources: lines of the ledger.
        identities: day and ``eventID`` of the new events, as they are kept.
    """

    events: Sequence[Attributed] = ()
    origins: Sequence[str] = ()
    amendments: Sequence[tuple[str, str, Attribution]] = ()
    dead_letters: Sequence[DeadLetter] = ()
    sources: Sequence[SourceRecord] = ()
    identities: Sequence[tuple[str, str]] = ()


def kept_text(text: str) -> str:
    """Return a text as it is kept: half a surrogate pair, which UTF-8 cannot hold, becomes its escape."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def draft_blocks(draft: Draft) -> tuple[dict[str, int], Iterator[Lines]]:
    """Return how many lines each block has, and the lines, some hundred at once, in the order of :data:`BLOCKS`."""
    numbers: dict[Attribution, int] = {}
    of_events = _numbered((one.attribution for one in draft.events), numbers)
    of_amendments = _numbered((change[2] for change in draft.amendments), numbers)
    counts = (len(numbers), len(draft.events), len(draft.amendments), len(draft.dead_letters), len(draft.sources))
    values: tuple[Iterator[tuple[Any, ...]], ...] = (
        ((number, one.by.value, *_attribution(one)) for one, number in numbers.items()),
        _event_rows(draft, of_events),
        ((day, event_id, number) for (day, event_id, _), number in zip(draft.amendments, of_amendments, strict=True)),
        (
            (letter_key(letter), letter.source, letter.position, letter.reason, *_raw(letter.raw[:RAW_BYTES]))
            for letter in draft.dead_letters
        ),
        map(_source, draft.sources),
    )
    return dict(zip(BLOCKS, counts, strict=True)), _lines(values)


def _event_rows(draft: Draft, numbers: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    for one, number, origin in zip(draft.events, numbers, draft.origins, strict=True):
        event = one.event
        try:
            yield number, origin, *event[:-2], event[-1].decode()
        except UnicodeDecodeError:
            yield number, origin, *event[:-2], *_raw(event.raw)


def _numbered(attributions: Iterable[Attribution], numbers: dict[Attribution, int]) -> list[int]:
    """Return the number of each attribution, new ones added; the same object is hashed once, which takes 2 µs."""
    seen: dict[int, int] = {}  # the draft holds the objects, so no id is used twice
    found = []
    for attribution in attributions:
        number = seen.get(id(attribution))
        if number is None:
            number = seen[id(attribution)] = numbers.setdefault(attribution, len(numbers))
        found.append(number)
    return found


def _lines(values: tuple[Iterator[tuple[Any, ...]], ...]) -> Iterator[Lines]:
    for block, rows in zip(BLOCKS, values, strict=True):
        encode = _encoder(LINE_FIELDS[block])
        while some := list(islice(rows, _AT_ONCE)):
            data = encode(some)
            longest = len(data) if len(data) <= _SMALL else max(map(len, data.split(b"\n"))) + 1
            yield Lines(block, data, longest)


def _raw(raw: bytes) -> tuple[str, str | None]:
    try:
        return raw.decode(), None
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace"), base64.b64encode(raw).decode()


def _encoder(names: tuple[str, ...]) -> Callable[[list[tuple[Any, ...]]], bytes]:
    """Return what turns values into lines; msgspec takes a third of the standard library's time."""

    def plain(rows: list[tuple[Any, ...]]) -> bytes:
        lines = []
        for values in rows:
            kept = {name: value for name, value in zip(names, values, strict=False) if value is not None}
            lines.append(json.dumps(kept, ensure_ascii=False, separators=(",", ":")) + "\n")
        return "".join(lines).encode()

    fast = _fast(names) or plain

    def encode(rows: list[tuple[Any, ...]]) -> bytes:
        try:
            return fast(rows)
        except UnicodeEncodeError:  # rare: some JSON writer cut a string in the middle of a surrogate pair
            return plain(
                [tuple(kept_text(value) if isinstance(value, str) else value for value in row) for row in rows]
            )

    return encode


def _fast(names: tuple[str, ...]) -> Callable[[list[tuple[Any, ...]]], bytes] | None:
    try:
        import msgspec  # noqa: PLC0415 - of the extra
    except ImportError:
        return None
    line = msgspec.defstruct("Line", [(name, Any, None) for name in names], omit_defaults=True, gc=False)
    write = msgspec.json.Encoder().encode_lines
    return lambda rows: write([line(*values) for values in rows])
