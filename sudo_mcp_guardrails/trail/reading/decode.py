"""One record's bytes to an :class:`Event`, by msgspec where it is installed and by the standard library where not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.event import Event, is_event_time
from sudo_mcp_guardrails.trail.reading.scan import DECODER, members

try:
    import msgspec
except ImportError:
    msgspec = None  # type: ignore[assignment] # as in split.py

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ID_BYTES: Final = 512
"""Longest ``eventID``: OpenSearch takes no longer ``_id``, and CloudTrail's have 36 characters."""

_WRAPPERS: Final = ("event", "detail")
_HEAD: Final = b'{"Records":['
_TAIL: Final = b"]}"
_LEAST_BYTES: Final = 384
"""No record of CloudTrail's own is as short; a file that has such records is read the other way."""
_MAX_TIMES: Final = 4096
_UNUSUAL: tuple[type[Exception], ...] = (UnicodeDecodeError, RecursionError)
"""What msgspec raises for a field of another kind than usual, and for bytes that only the standard library takes."""
if msgspec is not None:
    _UNUSUAL = (*_UNUSUAL, msgspec.DecodeError)

_QUICK: Final = bool(msgspec)

_times: set[str] = set()


class NoEventError(Exception):
    """A record that is no event; the message says why."""


def decode(raw: bytes) -> Event:
    """Read one record: an event, an EventBridge envelope, or an object with the event under ``event``.

    Raises:
        NoEventError: for what is no object, or has no ``eventID``.
    """
    if msgspec is not None:
        try:
            return _decode_quickly(raw)
        except _UNUSUAL:
            pass
    return _decode_patiently(raw)


if msgspec is not None:
    # In each, the fields stand in the order in which CloudTrail writes them: msgspec looks for the next one first.

    class _Issuer(msgspec.Struct, gc=False):
        arn: str | None = None
        userName: str | None = None  # noqa: N815 - CloudTrail's names, here and below

    class _Session(msgspec.Struct, gc=False):
        sessionIssuer: _Issuer | None = None  # noqa: N815
        sourceIdentity: str | None = None  # noqa: N815
        signInSessionArn: str | None = None  # noqa: N815

    class _Identity(msgspec.Struct, gc=False):
        type: str | None = None
        principalId: str | None = None  # noqa: N815
        arn: str | None = None
        accountId: str | None = None  # noqa: N815
        accessKeyId: str | None = None  # noqa: N815
        userName: str | None = None  # noqa: N815
        sessionContext: _Session | None = None  # noqa: N815
        invokedBy: str | None = None  # noqa: N815

    class _Additional(msgspec.Struct, gc=False):
        signInSessionArn: str | None = None  # noqa: N815

    class _Record(msgspec.Struct, gc=False):
        userIdentity: _Identity | None = None  # noqa: N815
        eventTime: str | None = None  # noqa: N815
        eventSource: str | None = None  # noqa: N815
        eventName: str | None = None  # noqa: N815
        awsRegion: str | None = None  # noqa: N815
        sourceIPAddress: str | None = None  # noqa: N815
        userAgent: str | None = None  # noqa: N815
        errorCode: str | None = None  # noqa: N815
        additionalEventData: _Additional | None = None  # noqa: N815
        requestID: str | None = None  # noqa: N815
        eventID: str | None = None  # noqa: N815
        readOnly: bool | None = None  # noqa: N815
        eventType: str | None = None  # noqa: N815
        recipientAccountId: str | None = None  # noqa: N815
        eventCategory: str | None = None  # noqa: N815

    _NOBODY = _Identity()
    _NO_SESSION = _Session()
    _NO_ISSUER = _Issuer()
    _PARSE = msgspec.json.Decoder(_Record).decode

    def _decode_quickly(
        raw: bytes,
        # Bound once: this runs for each record, and globals are looked up each time.
        parse: Callable[[bytes], _Record] = _PARSE,
        make: Callable[[type[Event], tuple[object, ...]], Event] = tuple.__new__,
    ) -> Event:
        """Read by msgspec; raises what it raises for fields of another kind, and for what is no event itself."""
        record = parse(raw)
        event_id = record.eventID
        if not event_id or len(event_id) > MAX_ID_BYTES // 4:
            return _decode_patiently(raw)
        identity = record.userIdentity or _NOBODY
        session = identity.sessionContext or _NO_SESSION
        issuer = session.sessionIssuer or _NO_ISSUER
        sign_in = session.signInSessionArn
        if sign_in is None and (additional := record.additionalEventData) is not None:
            sign_in = additional.signInSessionArn
        time = record.eventTime
        # Event(…) would look up each field by name; the order is the class's.
        return make(
            Event,
            (
                event_id,
                time if time in _times or _is_time(time) else None,
                record.eventSource,
                record.eventName,
                record.eventType,
                record.eventCategory,
                record.awsRegion,
                record.recipientAccountId or identity.accountId,
                identity.type,
                identity.arn,
                identity.accessKeyId,
                identity.userName or issuer.userName,
                identity.invokedBy,
                issuer.arn,
                session.sourceIdentity,
                sign_in,
                record.sourceIPAddress,
                record.userAgent,
                record.requestID,
                record.errorCode,
                record.readOnly,
                identity.principalId,
                raw,
            ),
        )


def decode_list(text: bytes) -> list[Event] | None:
    """Read a file in the form in which CloudTrail writes it: no white space, and each record begins alike.

    Where two records meet is guessed, by the bytes ``},{`` and that field's name, which may stand inside of a record
    too. Then a piece is not JSON by itself; where each is, they are the list's items.

    Returns:
        The events; None where anything is otherwise, so that each record must be looked at by itself.
    """
    if not (_QUICK and text.startswith(_HEAD) and text.endswith(_TAIL)):
        return None
    start, stop = len(_HEAD), len(text) - len(_TAIL)
    between = b"}," + text[start : text.find(b":", start) + 1]
    find, quickly = text.find, _decode_quickly
    events: list[Event] = []
    try:
        while (end := find(between, start + _LEAST_BYTES, stop)) >= 0:
            events.append(quickly(text[start : end + 1]))
            start = end + 2
        events.append(quickly(text[start:stop]))
    except NoEventError:
        return None
    except _UNUSUAL:
        return None
    return events


def _is_time(time: str | None) -> bool:
    """As :func:`is_event_time`, and remember: a trail holds many events of one second."""
    if time is None or not is_event_time(time):
        return False
    if len(_times) >= _MAX_TIMES:
        _times.clear()
    _times.add(time)
    return True


def _decode_patiently(raw: bytes) -> Event:
    """Read by the standard library; every field of another kind than usual is None."""
    text = raw.decode("utf-8", "surrogateescape")
    try:
        record, end = DECODER.raw_decode(text)
    except ValueError as error:
        raise NoEventError(f"not JSON: {error}") from None
    except RecursionError:
        raise NoEventError("nested deeper than can be read") from None
    if text[end:].strip():
        raise NoEventError("more than one value where a record is expected")
    return _event(record, raw, text)


def _event(record: object, raw: bytes, text: str) -> Event:
    """Make the event of a parsed record."""
    if not isinstance(record, dict):
        raise NoEventError(f"a record is an object, not {type(record).__name__}")
    if "eventID" not in record:
        for wrapper in _WRAPPERS:
            inner = record.get(wrapper)
            if isinstance(inner, dict):
                return _event(inner, _value(text, wrapper), "")
    event_id = _text(record.get("eventID"))
    if not event_id:
        raise NoEventError("no eventID")
    if len(event_id.encode()) > MAX_ID_BYTES:
        raise NoEventError(f"eventID of {len(event_id)} characters, allowed are {MAX_ID_BYTES} bytes")
    identity = _object(record.get("userIdentity"))
    session = _object(identity.get("sessionContext"))
    issuer = _object(session.get("sessionIssuer"))
    time = record.get("eventTime")
    return Event(
        event_id=event_id,
        event_time=time if isinstance(time, str) and is_event_time(time) else None,
        source=_text(record.get("eventSource")),
        name=_text(record.get("eventName")),
        type=_text(record.get("eventType")),
        category=_text(record.get("eventCategory")),
        region=_text(record.get("awsRegion")),
        account=_text(record.get("recipientAccountId")) or _text(identity.get("accountId")),
        identity_type=_text(identity.get("type")),
        principal_arn=_text(identity.get("arn")),
        access_key=_text(identity.get("accessKeyId")),
        user_name=_text(identity.get("userName")) or _text(issuer.get("userName")),
        invoked_by=_text(identity.get("invokedBy")),
        role_arn=_text(issuer.get("arn")),
        source_identity=_text(session.get("sourceIdentity")),
        sign_in_session=_sign_in(session, record),
        source_ip=_text(record.get("sourceIPAddress")),
        user_agent=_text(record.get("userAgent")),
        request_id=_text(record.get("requestID")),
        error=_text(record.get("errorCode")),
        read_only=flag if isinstance(flag := record.get("readOnly"), bool) else None,
        principal_id=_text(identity.get("principalId")),
        raw=raw,
    )


def _sign_in(session: dict[str, Any], record: dict[str, Any]) -> str | None:
    """Return the OAuth session's ARN, of the session or of the event that began it."""
    found = _text(session.get("signInSessionArn"))
    return _text(_object(record.get("additionalEventData")).get("signInSessionArn")) if found is None else found


def _value(text: str, name: str) -> bytes:
    """Return the bytes of a member's value, as written; of the last of that name, as parsers do."""
    found = ""
    for member, start in members(text, text.index("{")):
        if member == name:
            found = text[start : DECODER.raw_decode(text, start)[1]]
    return found.encode("utf-8", "surrogateescape")


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    """Return a string that any sink can encode, or None for what is none."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
