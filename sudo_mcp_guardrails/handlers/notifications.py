"""What a message says that there is to read: objects in S3, or events that it brings along itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus

from sudo_mcp_guardrails.errors import GuardrailsError

_SHOWN: Final = 120
_MAX_WRAPPINGS: Final = 3
"""SNS in SQS is one; a topic that another topic's subscriber feeds is two."""


class NotificationError(GuardrailsError):
    """A message in no form that is known; it stays in the queue, and ends in the dead letter queue."""


@dataclass(frozen=True, slots=True)
class NotifiedObject:
    """One object that was created.

    Attributes:
        bucket: its bucket.
        key: its key, as S3 has it: decoded.
        size: bytes; None where the message does not say.
        version: id of its version; None in a bucket without versions, or where the message does not say.
    """

    bucket: str
    key: str
    size: int | None = None
    version: str | None = None

    @property
    def name(self) -> str:
        """The name by which the ledger knows it."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Notification:
    """What one message tells of. All empty for a test message, or one about a deletion: there is nothing to do.

    Attributes:
        objects: objects that were created.
        events: CloudTrail events that came whole, as JSON.
    """

    objects: tuple[NotifiedObject, ...] = ()
    events: tuple[bytes, ...] = ()


def read_notification(body: object) -> Notification:
    """Read one message: a queue's body, or an event that Lambda was called with.

    Known forms: S3's own event notification and its ``s3:TestEvent``; S3 through EventBridge; CloudTrail's own
    notification to SNS (``s3Bucket``, ``s3ObjectKey``); a CloudTrail event through EventBridge; each of them also in
    the envelope of SNS. Sources: S3 user guide, "Event message structure" and "EventBridge event message structure"
    (where keys are not URL-encoded); CloudTrail user guide, "Configuring Amazon SNS notifications".

    Args:
        body: text with JSON, or what was parsed from it.

    Raises:
        NotificationError: For anything else; nothing is skipped.
    """
    for _ in range(_MAX_WRAPPINGS):
        message = _parsed(body)
        if message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
            body = message["Message"]  # SNS without raw delivery
            continue
        if isinstance(message.get("Sns"), dict):
            body = message["Sns"].get("Message")  # a record of a function that SNS called itself
            continue
        return _read(message)
    raise NotificationError(f"message {_shown(body)} is wrapped more than {_MAX_WRAPPINGS - 1} times")


def _read(message: dict[str, Any]) -> Notification:
    """Read a message without envelopes."""
    if message.get("Event") == "s3:TestEvent":
        return Notification()
    detail = message.get("detail")
    try:
        if isinstance(message.get("Records"), list):
            return _joined([_of_s3(record) for record in message["Records"]])
        if isinstance(message.get("s3ObjectKey"), list):  # keys are as S3 has them
            bucket = _text(message["s3Bucket"])
            return Notification(tuple(NotifiedObject(bucket, _text(key)) for key in message["s3ObjectKey"]))
        if isinstance(detail, dict):
            if message.get("source") == "aws.s3" and message.get("detail-type") == "Object Created":
                thing = detail["object"]
                found = NotifiedObject(
                    _text(detail["bucket"]["name"]), _text(thing["key"]), _size(thing), thing.get("version-id")
                )
                return Notification((found,))
            if message.get("source") == "aws.s3" and "eventID" not in detail:
                return Notification()  # a deletion, a restoration, a change of tags
            if isinstance(detail.get("eventID"), str):
                if not str(message.get("source")).startswith("aws."):  # only AWS's own events have such a source
                    raise NotificationError(f"message {_shown(message)} is no event of AWS's, expected source aws.*")
                return Notification(events=(json.dumps(detail, separators=(",", ":")).encode(),))
    except (KeyError, TypeError, AttributeError) as error:
        raise NotificationError(f"message {_shown(message)} lacks {error}") from None
    raise NotificationError(
        f"message {_shown(message)} is in no known form, expected S3's, CloudTrail's or EventBridge's, plain or by SNS"
    )


def _of_s3(record: dict[str, Any]) -> Notification:
    """Read one record of S3's own event notification."""
    if isinstance(record.get("Sns"), dict):
        return read_notification(record)
    if not _text(record["eventName"]).removeprefix("s3:").startswith("ObjectCreated:"):
        return Notification()
    thing = record["s3"]["object"]
    key = unquote_plus(_text(thing["key"]))
    return Notification(
        (NotifiedObject(_text(record["s3"]["bucket"]["name"]), key, _size(thing), thing.get("versionId")),)
    )


def _joined(parts: list[Notification]) -> Notification:
    return Notification(
        tuple(found for part in parts for found in part.objects),
        tuple(event for part in parts for event in part.events),
    )


def _parsed(body: object) -> dict[str, Any]:
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):  # the latter for thousands of open brackets
            raise NotificationError(f"message {_shown(body)} is not JSON") from None
    if not isinstance(body, dict):
        raise NotificationError(f"message {_shown(body)} is no JSON object")
    return body


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"text, but {_shown(value)}")
    return value


def _size(thing: dict[str, Any]) -> int | None:
    size = thing.get("size")
    return size if isinstance(size, int) and size >= 0 else None


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
