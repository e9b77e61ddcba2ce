"""What the workflow does next with an approval, from where it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.deciding.status import State
from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.approval.secret_names import without_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest
    from sudo_mcp_guardrails.approval.deciding.status import Notice, Status

LONGEST_WAIT: Final = 300
"""Seconds of one wait for people: a callback that was lost costs no more."""
MAX_NOTICES: Final = 50
_MAX_LINE: Final = 500


def next_of(status: Status) -> str:
    """Return the next step: ``apply``, ``calendar``, ``wait`` or ``ended``."""
    if status.executable or status.state is State.EXECUTING:
        # An execution that began is the broker's to find out about; it never begins a second one.
        return "apply"
    if status.state is State.APPROVED and status.opens is not None:
        return "calendar"
    return "wait" if status.state in {State.PENDING, State.APPROVED} else "ended"


def wait_seconds(request: ApprovalRequest, status: Status, now: int) -> int:
    """Return how long to wait for people: until something changes by itself, five minutes at most, one second at least.

    Args:
        request: what is asked for.
        status: where it stands.
        now: seconds since 1970.
    """
    ends = [now + LONGEST_WAIT, request.expires]
    if status.next_escalation is not None:
        ends.append(status.next_escalation)
    return max(1, min(ends) - now)


def answer(request: ApprovalRequest, status: Status, now: int, *, digest: str) -> dict[str, Any]:
    """Return what a function answers the state machine.

    Args:
        request: what is asked for.
        status: where it stands.
        now: seconds since 1970.
        digest: the approval digest.
    """
    return {
        "approval": request.id,
        "approvalDigest": digest,
        "planDigest": request.plan_digest,
        "next": next_of(status),
        "state": status.state.value,
        "because": line(status.because),
        "waitSeconds": wait_seconds(request, status, now),
        "opens": written(status.opens) if status.opens is not None else "",
        "notices": notices(status.notices),
    }


def notices(found: Sequence[Notice]) -> list[dict[str, Any]]:
    """Return notices as the state machine sends them."""
    return [
        {
            "id": one.id,
            "about": one.about.value,
            "groups": list(one.groups),
            "text": line(one.text),
            "requester": one.requester,
        }
        for one in found[:MAX_NOTICES]
    ]


def line(text: object, most: int = _MAX_LINE) -> str:
    """Return a text in one line that may be shown and recorded: no control characters, no secrets, bounded."""
    shown = without_secrets(" ".join(str(text).encode("utf-8", "replace").decode().split()))
    shown = "".join(letter if letter.isprintable() else "?" for letter in shown)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"
