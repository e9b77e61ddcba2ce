"""What is kept of an event of CloudTrail while contained principals are looked for, and CloudTrail's times."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Final, NamedTuple

_MINTING: Final = frozenset({"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"})


class Seen(NamedTuple):
    """What is kept of an event."""

    id: str
    time: str
    action: str
    type: str
    refused: bool
    principal: str
    role: str
    key: str
    identity: str
    oauth: str
    minted: tuple[str, ...]


def seen_in(document: dict[str, Any]) -> Seen:
    """Return what is kept of an event; fields of another kind than CloudTrail writes are empty.

    Args:
        document: The event.
    """
    identity = an_object(document.get("userIdentity"))
    session = an_object(identity.get("sessionContext"))
    answer = an_object(document.get("responseElements"))
    minted: list[str] = []
    if document.get("eventName") in _MINTING:
        minted += [a_text(an_object(answer.get("credentials")).get("accessKeyId"))]
        minted += [a_text(an_object(answer.get("assumedRoleUser")).get("arn"))]
    return Seen(
        id=a_text(document.get("eventID")),
        time=_checked(a_text(document.get("eventTime"))),
        action=f"{a_text(document.get('eventSource'))}:{a_text(document.get('eventName'))}",
        type=a_text(document.get("eventType")),
        refused=bool(document.get("errorCode") or document.get("errorMessage")),
        principal=a_text(identity.get("arn")),
        role=a_text(an_object(session.get("sessionIssuer")).get("arn")),
        key=a_text(identity.get("accessKeyId")),
        identity=a_text(session.get("sourceIdentity")),
        oauth=a_text(
            session.get("signInSessionArn") or an_object(document.get("additionalEventData")).get("signInSessionArn")
        ),
        minted=tuple(text for text in minted if text),
    )


def _checked(text: str) -> str:
    """Return a time in the one form that sorts as text; empty for what is no time, which then counts as after."""
    try:
        return parsed(text).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return ""


def parsed(text: str) -> datetime:
    """Return a time as CloudTrail writes it, to the second; raises ValueError."""
    return datetime.strptime(text[:19] + text[-1:], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def written(seconds: int) -> str:
    """Return a time as CloudTrail writes it."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def moved(text: str, seconds: int) -> str:
    """Return a time some seconds later."""
    return (parsed(text) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def an_object(value: object) -> dict[str, Any]:
    """Return an object, or an empty one."""
    return value if isinstance(value, dict) else {}


def a_text(value: object) -> str:
    """Return a text, or an empty one."""
    return value if isinstance(value, str) else ""
