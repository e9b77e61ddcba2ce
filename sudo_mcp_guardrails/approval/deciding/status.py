"""Where an approval stands: what :func:`~sudo_mcp_guardrails.approval.deciding.evaluate.evaluate` tells."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.approval import codec
from sudo_mcp_guardrails.approval.moments import Time  # noqa: TC001 - the codec reads it at run time

if TYPE_CHECKING:
    from collections.abc import Iterable


class State(str, Enum):
    """Where an approval stands."""

    PENDING = "pending"
    APPROVED = "approved"
    """By enough people, and not carried out yet; a refusal, a withdrawal and the end still stop it."""
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    EXECUTING = "executing"
    EXECUTED = "executed"
    FAILED = "failed"
    """The execution failed or was rolled back."""

    @property
    def final(self) -> bool:
        """Whether nothing follows."""
        return self not in (State.PENDING, State.APPROVED, State.EXECUTING)


class About(str, Enum):
    """What a notice tells."""

    REQUESTED = "requested"
    ESCALATED = "escalated"
    APPROVED = "approved"
    BREAK_GLASS = "break-glass"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    EXECUTED = "executed"
    FAILED = "failed"


@dataclass(frozen=True)
class Notice:
    """A notice that is due.

    Attributes:
        id: the same for the same notice, however often it is asked for; a ``Notified`` record with it settles it.
        about: what it tells.
        groups: whose members are told.
        text: one line; what decides is on the page, never in a notice.
        requester: whether the person and the owner behind the request are told.
    """

    id: str
    about: About
    groups: tuple[str, ...]
    text: str
    requester: bool = True


@dataclass(frozen=True)
class Uncounted:
    """An event that did not count; it stays on record.

    Attributes:
        number: of the event, from 0 in the order of the chain.
        kind: of its record.
        who: identity behind it, or empty.
        reason: why it did not.
    """

    number: int
    kind: str
    who: str
    reason: str


@dataclass(frozen=True)
class Status(codec.Documented):
    """Where an approval stands.

    Attributes:
        state: in one word.
        because: what brought it there, where that is not plain.
        missing: what is still needed, in words; empty where nothing is.
        executable: whether it may be carried out now: approved, not at its end, and the calendar is open.
        approvers: people whose approval counts, in the form that people are compared by.
        rule: what approved instead of people, or empty.
        break_glass: whether somebody approved alone; then it is to be audited.
        next_escalation: when further groups may decide; None where none follow, or nothing is to be decided.
        opens: when the calendar lets it be carried out, where it is approved; None where not before its end.
        notices: that are due.
        uncounted: events that did not count.
        time: the moment that this is about: now, or that of the last event where its clock was ahead.
    """

    state: State
    because: str
    missing: tuple[str, ...]
    executable: bool
    approvers: tuple[str, ...]
    rule: str
    break_glass: bool
    next_escalation: Time | None
    opens: Time | None
    notices: tuple[Notice, ...]
    uncounted: tuple[Uncounted, ...]
    time: Time


def due(notices: Iterable[Notice], settled: Iterable[str]) -> tuple[Notice, ...]:
    """Return the notices that nobody sent yet."""
    sent = set(settled)
    return tuple(notice for notice in notices if notice.id not in sent)
