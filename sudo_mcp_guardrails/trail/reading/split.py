"""Cut a file's text into the records in it, each with the bytes that it was written in."""

from __future__ import annotations

from dataclasses import dataclass

from sudo_mcp_guardrails.trail.reading.scan import DECODER, members, skip_space

try:
    import msgspec
except ImportError:
    msgspec = None  # type: ignore[assignment] # the standard library's way gives the same results


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


def split(data: bytes) -> Split:
    """Cut a file into records: ``{"Records": […]}``, a list, lines, or one object.

    What is complete in a file that is cut off is returned, and the rest apart.
    """
    if msgspec is not None:
        try:
            return _split_quickly(data)
        except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
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
        return _items(text, start + 1)
    return _object(text, start)


def _object(text: str, start: int) -> Split:
    """Cut what begins with an object: lines, one object, or one with ``Records`` in it."""
    records = _find_records(text, start)
    if records is not None:
        return _items(text, records)
    found: list[bytes] = []
    at = start
    while at < len(text):
        try:
            _, end = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            line = text.find("\n", at)
            alone = not found and (line < 0 or not text[line:].strip())
            return Split(found, _bytes(text[at:]), _problem(error), trail=bool(found) and not alone)
        found.append(_bytes(text[at:end]))
        at = skip_space(text, end)
    return Split(found, trail=len(found) > 1)


def _find_records(text: str, start: int) -> int | None:
    """Return where the list of an object's ``Records`` begins; what stands in front of it is skipped."""
    try:
        for name, at in members(text, start):
            if name == "Records":
                return at + 1 if text.startswith("[", at) else None
    except (ValueError, RecursionError):
        pass
    return None


def _items(text: str, at: int) -> Split:
    """Cut the items of a list, up to its end or to where the text breaks off."""
    found: list[bytes] = []
    at = skip_space(text, at)
    while not text.startswith("]", at):
        try:
            _, end = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            return Split(found, _bytes(text[at:]), _problem(error))
        found.append(_bytes(text[at:end]))
        at = skip_space(text, end)
        if text.startswith(",", at):
            at = skip_space(text, at + 1)
        elif not text.startswith(("]", "{"), at):  # a record that only lacks the comma before it is whole
            return Split(found, _bytes(text[at:]), "the list of records is cut off")
    return Split(found)


def _problem(error: Exception) -> str:
    """Return what is wrong in one line, without the text itself."""
    if isinstance(error, RecursionError):
        return "nested deeper than can be read"
    return f"not JSON, or cut off: {error}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
