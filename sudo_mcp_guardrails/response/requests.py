"""What somebody wants contained or restored, as it is asked for: by a person, by a finding, by a runbook."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.response.errors import ResponseError
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.state.targets import Target, TargetError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTAIN: Final = "contain"
RESTORE: Final = "restore"
OPERATIONS: Final = (CONTAIN, RESTORE)
MAX_REASON: Final = 900
"""Characters of a reason, so that it stays below the switch's limit with what is put before it."""
MAX_GRACE: Final = 3_600
GRACE: Final = 300
"""Seconds between a containment and the look at what the contained did since, by default."""
MAX_DRIFTED: Final = 200
_INCIDENT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/=+@-]{0,127}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}|")
_FIELDS: Final = frozenset(
    {"op", "target", "level", "reason", "incident", "digest", "drifted", "rehearsal", "graceSeconds", "by", "at"}
    | {"agreed", "breakGlass"}
)


class RequestError(ResponseError):
    """A request to contain or restore that is none; the message says what is allowed."""


@dataclass(frozen=True)
class Request:
    """One request.

    Args:
        op: :data:`CONTAIN` or :data:`RESTORE`.
        target: Whom.
        reason: Why, 1 to 900 characters.
        incident: Id of the incident.
        by: ARN of who asks, as AWS verified it.
        at: Seconds since 1970.
        level: How hard; None for a restoration.
        digest: Of the restore record that is meant; empty for the newest. Of a restoration.
        drifted: Ids of steps that are restored though the place was changed meanwhile. Of a restoration.
        agreed: Digest of the signed record by which a restoration that takes two people is agreed to; empty for none.
        break_glass: Whether that record is one person's alone, in an emergency.
        rehearsal: Whether this is a drill: what cannot be undone is left out. Default: no.
        grace: Seconds until the containment is verified, 0 to 3,600. Default: 300.

    Raises:
        RequestError: A value is out of bounds, or of the other operation.
    """

    op: str
    target: Target
    reason: str
    incident: str
    by: str
    at: int
    level: Level | None = None
    digest: str = ""
    drifted: tuple[str, ...] = ()
    rehearsal: bool = False
    grace: int = GRACE
    agreed: str = ""
    break_glass: bool = False

    def __post_init__(self) -> None:
        """Validate."""
        if self.op not in OPERATIONS:
            raise RequestError(f"operation {self.op[:40]!r} is none, allowed are {', '.join(OPERATIONS)}")
        if (self.level is None) != (self.op == RESTORE):
            raise RequestError(f"level of a request to {self.op} is wrong, allowed: one to contain, none to restore")
        if self.op == CONTAIN and (self.digest or self.drifted or self.agreed or self.break_glass):
            raise RequestError(
                "digest, drifted steps and what was agreed are of a restoration, allowed to contain: none"
            )
        if not (self.reason.strip() and len(self.reason) <= MAX_REASON):
            raise RequestError(f"reason has {len(self.reason)} characters, allowed are 1 to {MAX_REASON}")
        if not _INCIDENT.fullmatch(self.incident):
            raise RequestError(f"incident {self.incident[:80]!r} is no id, allowed: 1 to 128 letters, digits, _.:/=+@-")
        for digest in (self.digest, self.agreed):
            if not _DIGEST.fullmatch(digest):
                raise RequestError(f"digest {digest[:80]!r} is none, allowed: 64 hexadecimal digits")
        if len(self.drifted) > MAX_DRIFTED:
            raise RequestError(f"{len(self.drifted)} drifted steps are named, allowed are {MAX_DRIFTED}")
        if not 0 <= self.grace <= MAX_GRACE:
            raise RequestError(f"grace of {self.grace} s is not allowed, expected 0 to {MAX_GRACE}")

    def document(self) -> dict[str, Any]:
        """Return it as JSON, which :func:`read_request` reads."""
        return {
            "op": self.op,
            "target": self.target.key,
            "level": self.level.value if self.level else "",
            "reason": self.reason,
            "incident": self.incident,
            "by": self.by,
            "at": self.at,
            "digest": self.digest,
            "drifted": list(self.drifted),
            "rehearsal": self.rehearsal,
            "graceSeconds": self.grace,
            "agreed": self.agreed,
            "breakGlass": self.break_glass,
        }


def read_request(document: object, *, by: str = "", at: int = 0) -> Request:
    """Read a request.

    Args:
        document: JSON: ``op``, ``target``, ``reason``, ``incident``, and what else it needs.
        by: Who asks, as AWS verified it; what the document says of that then counts for nothing. Default: what it says.
        at: When; likewise.

    Raises:
        RequestError: It is none.
    """
    if not isinstance(document, dict) or not set(document) <= _FIELDS:
        names = ", ".join(sorted(map(str, document))[:12]) if isinstance(document, dict) else type(document).__name__
        raise RequestError(f"request with {names[:200]} is none, allowed are {', '.join(sorted(_FIELDS))}")
    level = _text(document, "level")
    if level and level not in {each.value for each in Level}:
        raise RequestError(f"level {level[:40]!r} is not known, allowed are {', '.join(each.value for each in Level)}")
    drifted = document.get("drifted", [])
    if not isinstance(drifted, list) or not all(isinstance(each, str) for each in drifted):
        raise RequestError("drifted steps are no list of texts, allowed: ids of steps")
    try:
        target = Target.parse(_text(document, "target"))
    except TargetError as error:
        raise RequestError(str(error)) from None
    return Request(
        op=_text(document, "op"),
        target=target,
        reason=_text(document, "reason"),
        incident=_text(document, "incident"),
        by=by or _text(document, "by"),
        at=at or _number(document, "at", 0),
        level=Level(level) if level else None,
        digest=_text(document, "digest"),
        drifted=tuple(drifted),
        rehearsal=_truth(document, "rehearsal"),
        grace=_number(document, "graceSeconds", GRACE),
        agreed=_text(document, "agreed"),
        break_glass=_truth(document, "breakGlass"),
    )


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str):
        raise RequestError(f"{name} of a request is a {type(value).__name__}, allowed: text")
    return value


def _truth(document: Mapping[str, Any], name: str) -> bool:
    value = document.get(name, False)
    if type(value) is not bool:
        raise RequestError(f"{name} {str(value)[:40]!r} is not allowed, expected true or false")
    return value


def _number(document: Mapping[str, Any], name: str, default: int) -> int:
    value = document.get(name, default)
    if type(value) is not int:
        raise RequestError(f"{name} of a request is a {type(value).__name__}, allowed: a whole number")
    return value
