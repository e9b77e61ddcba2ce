"""One CloudTrail event: what is searched and attributed by, and the bytes that CloudTrail wrote."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

UNDATED: Final = "undated"
"""The day of an event whose time is absent or no time: it is kept, and found, under this name."""

_TIME: Final = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z"
)


_parse: Callable[[bytes], object] = json.loads
_ERRORS: tuple[type[Exception], ...] = (ValueError, RecursionError)
with suppress(ImportError):
    import msgspec

    _parse = msgspec.json.Decoder().decode
    _ERRORS = (*_ERRORS, msgspec.MsgspecError)


class Event(NamedTuple):
    """One event. Fields are ``None`` where the event has no such field, or one of another kind.

    A tuple, since the reader makes hundreds of thousands a second, and one takes a third of the time of a dataclass.

    Attributes:
        event_id: CloudTrail's ``eventID``, never empty. With :attr:`day` it identifies the event everywhere.
        event_time: ``eventTime`` as written, ``2026-11-23T10:00:05Z``; None where it is absent or no time.
        source: ``eventSource``, such as ``s3.amazonaws.com``.
        name: ``eventName``.
        type: ``eventType``, such as ``AwsApiCall`` or ``AwsMcpEvent``.
        category: ``eventCategory``.
        region: ``awsRegion``.
        account: ``recipientAccountId``, else the identity's account.
        identity_type: ``userIdentity.type``.
        principal_arn: ``userIdentity.arn``.
        access_key: ``userIdentity.accessKeyId``.
        user_name: ``userIdentity.userName``, else the session issuer's.
        invoked_by: ``userIdentity.invokedBy``.
        role_arn: ``userIdentity.sessionContext.sessionIssuer.arn``: with its path, which the ARN of a session lacks.
        source_identity: ``userIdentity.sessionContext.sourceIdentity``.
        sign_in_session: ``signInSessionArn`` of the session context, else of ``additionalEventData``.
        source_ip: ``sourceIPAddress``; a service's name as often as an address.
        user_agent: ``userAgent``.
        request_id: ``requestID``.
        error: ``errorCode``.
        read_only: ``readOnly``.
        principal_id: ``userIdentity.principalId``.
        raw: the event's JSON, the bytes as CloudTrail wrote them.
    """

    event_id: str
    event_time: str | None
    source: str | None
    name: str | None
    type: str | None
    category: str | None
    region: str | None
    account: str | None
    identity_type: str | None
    principal_arn: str | None
    access_key: str | None
    user_name: str | None
    invoked_by: str | None
    role_arn: str | None
    source_identity: str | None
    sign_in_session: str | None
    source_ip: str | None
    user_agent: str | None
    request_id: str | None
    error: str | None
    read_only: bool | None
    principal_id: str | None
    raw: bytes

    @property
    def day(self) -> str:
        """The day that the event is kept under, ``2026-11-23``, or :data:`UNDATED`."""
        return self.event_time[:10] if self.event_time else UNDATED

    def document(self) -> dict[str, Any]:
        """Return the whole event, parsed from :attr:`raw`; takes some ten microseconds.

        Empty for one that is nested deeper than Python parses, or has numbers of thousands of digits: it is kept like
        any other, and what would be read from here is not known of it.
        """
        try:
            parsed = _parse(self.raw)
        except _ERRORS:
            try:
                parsed = json.loads(self.text)
            except (ValueError, RecursionError):
                return {}
        return parsed if isinstance(parsed, dict) else {}

    @property
    def text(self) -> str:
        """:attr:`raw` as text; bytes that are no UTF-8 come as U+FFFD."""
        return self.raw.decode("utf-8", "replace")


def is_event_time(text: str) -> bool:
    """Tell whether a text is a time as CloudTrail writes it: UTC, to the second or finer, on a day that exists."""
    if _TIME.fullmatch(text) is None:
        return False
    try:
        date.fromisoformat(text[:10])
    except ValueError:
        return False
    return True
