"""Cut a file's text into the records in it, each with the bytes that it was written in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.trail.reading.scan import DECODER, members, skip_space

if TYPE_CHECKING:
    from collections.abc import Callable

try:
    import msgspec
except ImportError:
    msgspec = None  # type: ignore[assignment] # the standard library's way gives the same results


_Errors = tuple[type[Exception], ...]
_ERRORS: _Errors = (ValueError, RecursionError)
_parse: Callable[[bytes], object] = json.loads
if msgspec is not None:
    _ERRORS = (*_ERRORS, msgspec.MsgspecError)
    _parse = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(slots=True)
class Split:
    """The records of a file.

    Attributes:
        records: bytes of each, none of them parsed yet.
        rest: what could not be cut into records, from where that begins; empty where nothing is left.
        problem: what is wrong with the rest.
        trail: whether the form is one that trails have: records under ``Records``, a list, or lines.
    """

    records: list[bytes]
    rest: bytes = b""
    problem: str | None = None
    trail: bool = True


def list_start(data: bytes) -> int | None:
    """Return where the first item of a file's list of records begins, or None where it has none."""
    if data.startswith(b"["):
        return 1
    # Latin 1 has one character for each byte, so that places in the text are places in the data.
    return _find_records(data.decode("latin-1"), 0)


def is_whole_list(data: bytes) -> bool:
    """Tell whether bytes are one JSON list."""
    try:
        return isinstance(_parse(data), list)
    except _ERRORS:
        return False


def split(data: bytes) -> Split:
    """Cut a file into records: ``{"Records": […]}``, a list, lines, or one object.

    What is complete in a file that is cut off is returned, and the rest apart.
    """
    if msgspec is not None:
        try:
            return _split_quickly(data)
        except _ERRORS:
            pass  # cut off, or JSON that only the standard library takes
    return _split_patiently(data)


if msgspec is not None:

    class _Wrapped(msgspec.Struct, gc=False):
        Records: list[msgspec.Raw] | None = None

    _WRAPPED = msgspec.json.Decoder(_Wrapped)
    _LIST = msgspec.json.Decoder(list[msgspec.Raw])
    _LINES = msgspec.json.Decoder(msgspec.Raw)
    _AHEAD = 64

    def _split_quickly(data: bytes) -> Split:
        """Cut by msgspec; raises what it raises where the file is not all JSON."""
        if data.startswith(b"["):
            return Split([bytes(raw) for raw in _LIST.decode(data)])
        end = data.find(b"\n")
        first = data if end < 0 else data[:end]
        if end >= 0 and first.rstrip().endswith(b"}") and data[end : end + _AHEAD].strip():
            if b'"Records"' in data:
                raise ValueError("files one after the other, each with its records")
            return Split([bytes(raw) for raw in _LINES.decode_lines(data)])
        wrapped = _WRAPPED.decode(data)
        if wrapped.Records is None:
            return Split([bytes(_LINES.decode(data))], trail=False)
        return Split([bytes(raw) for raw in wrapped.Records])


def _split_patiently(data: bytes) -> Split:
    """Cut by the standard library, record by record."""
    # Bytes that are no UTF-8 come back as they were.
    text = data.decode("utf-8", "surrogateescape")
    start = skip_space(text, 0)
    if text.startswith("[", start):
        return _items(text, start + 1)[0]
    return _objects(text, start)


def _objects(text: str, at: int) -> Split:
    """Cut what begins with an object: lines, one object, or one or several with ``Records`` in them."""
    found: list[bytes] = []
    wrapped = False
    count = 0
    while at < len(text):
        count += 1
        begin = _find_records(text, at)
        try:
            if begin is None:
                _, end = DECODER.raw_decode(text, at)
                found.append(_bytes(text[at:end]))
            else:
                wrapped = True
                items, end = _items(text, begin)
                found += items.records
                if items.problem is not None:
                    return Split(found, items.rest, items.problem)
                end = skip_space(text, end)
                # Mostly the object ends here; else it is read once more, to find where.
                end = end + 1 if text.startswith("}", end) else DECODER.raw_decode(text, at)[1]
        except (ValueError, RecursionError) as error:
            if begin is not None:
                return Split(found, b"", _problem(error))
            line = text.find("\n", at)
            alone = not found and (line < 0 or not text[line:].strip())
            return Split(found, _bytes(text[at:]), _problem(error), trail=bool(found) and not alone)
        at = skip_space(text, end)
    return Split(found, trail=wrapped or count > 1)


def _find_records(text: str, start: int) -> int | None:
    """Return where the list of an object's ``Records`` begins; what stands in front of it is skipped."""
    try:
        for name, at in members(text, start):
            if name == "Records":
                return at + 1 if text.startswith("[", at) else None
    except (ValueError, RecursionError):
        pass
    return None


def _items(text: str, at: int) -> tuple[Split, int]:
    """Cut the items of a list, up to its end or to where the text breaks off; return where that is, too."""
    found: list[bytes] = []
    at = skip_space(text, at)
    while not text.startswith("]", at):
        try:
            _, end = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            return Split(found, _bytes(text[at:]), _problem(error)), len(text)
        found.append(_bytes(text[at:end]))
        at = skip_space(text, end)
        if text.startswith(",", at):
            at = skip_space(text, at + 1)
        elif not text.startswith(("]", "{"), at):  # a record that only lacks the comma before it is whole
            return Split(found, _bytes(text[at:]), "the list of records is cut off"), len(text)
    return Split(found), at + 1


def _problem(error: Exception) -> str:
    """Return what is wrong in one line, without the text itself."""
    if isinstance(error, RecursionError):
        return "nested deeper than can be read"
    return f"not JSON, or cut off: {error}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
