"""What happens to an approval, besides decisions: each is one record of its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sudo_mcp_guardrails.approval import codec
from sudo_mcp_guardrails.approval.bounds import check_digest, check_name, check_text
from sudo_mcp_guardrails.approval.deciding.decision import Decision
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import Time, check_time  # noqa: TC001 - the codec reads it at run time


@dataclass(frozen=True)
class Viewed(codec.Documented):
    """Somebody was shown the request, and was given a token for one decision.

    Attributes:
        approval_id: of the request.
        approval_digest: of what he was shown.
        approver: identity that he signed in by.
        token_id: hash of the token.
        time: when.
    """

    approval_id: str
    approval_digest: str
    approver: str
    token_id: str
    time: Time

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_name("approval id", self.approval_id)
        check_digest("approval digest", self.approval_digest)
        check_name("approver", self.approver)
        check_digest("token id", self.token_id)
        check_time("time", self.time)


@dataclass(frozen=True)
class RuleDecision(codec.Documented):
    """A rule approves, where the agent has earned it.

    Attributes:
        approval_id: of the request.
        approval_digest: of the request.
        plan_digest: of the plan.
        rule: what decided, such as ``T1 in sandbox``.
        reason: what it rests on.
        time: when.
    """

    approval_id: str
    approval_digest: str
    plan_digest: str
    rule: str
    reason: str
    time: Time

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_name("approval id", self.approval_id)
        check_digest("approval digest", self.approval_digest)
        check_digest("plan digest", self.plan_digest)
        check_name("rule", self.rule)
        check_text("reason", self.reason, empty=False)
        check_time("time", self.time)


@dataclass(frozen=True)
class Withdrawal(codec.Documented):
    """The requester takes the request back.

    Attributes:
        approval_id: of the request.
        by: identity of the person or the owner, or the id of the run.
        reason: why; may be empty.
        time: when.
    """

    approval_id: str
    by: str
    reason: str
    time: Time

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_name("approval id", self.approval_id)
        check_name("who withdraws", self.by)
        check_text("reason", self.reason)
        check_time("time", self.time)


@dataclass(frozen=True)
class ContainmentWithdrawal(codec.Documented):
    """Whoever contains the agent takes its request back. It says nothing of whether the plan was good.

    Attributes:
        approval_id: of the request.
        by: ARN of who contains.
        reason: why.
        containment: id of the incident, by which the restore record and the containment's own chain are found.
        time: when.
    """

    approval_id: str
    by: str
    reason: str
    containment: str
    time: Time

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_name("approval id", self.approval_id)
        check_name("who withdraws", self.by)
        check_text("reason", self.reason, empty=False)
        check_name("containment", self.containment)
        check_time("time", self.time)


@dataclass(frozen=True)
class ExecutionStarted(codec.Documented):
    """The broker read the plan again and is about to carry it out.

    Attributes:
        approval_id: of the request.
        approval_digest: of the request.
        plan_digest: of what the broker read, computed anew.
        execution: id of the execution; an approval has one.
        time: when.
    """

    approval_id: str
    approval_digest: str
    plan_digest: str
    execution: str
    time: Time

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_name("approval id", self.approval_id)
        check_digest("approval digest", self.approval_digest)
        check_digest("plan digest", self.plan_digest)
        check_name("execution", self.execution)
        check_time("time", self.time)


class Outcome(str, Enum):
    """How an execution ended."""

    EXECUTED = "executed"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"


@dataclass(frozen=True)
class ExecutionEnded(codec.Documented):
    """What came of it.

    Attributes:
        approval_id: of the request.
        execution: id of the execution.
        outcome: how it ended.
        detail: deviations, errors; without secrets.
        time: when.
    """

    approval_id: str
    execution: str
    outcome: Outcome
    detail: str
    time: Time

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_name("approval id", self.approval_id)
        check_name("execution", self.execution)
        check_text("detail", self.detail)
        check_time("time", self.time)


@dataclass(frozen=True)
class Notified(codec.Documented):
    """A notice went out. One that was lost has no such record, and is due again.

    Attributes:
        approval_id: of the request.
        notice: id of the notice.
        time: when.
    """

    approval_id: str
    notice: str
    time: Time

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_name("approval id", self.approval_id)
        check_name("notice", self.notice)
        check_time("time", self.time)


Event = (
    Viewed | Decision | RuleDecision | Withdrawal | ContainmentWithdrawal | ExecutionStarted | ExecutionEnded | Notified
)
CONTAINMENT: Final = "containment-withdrawal"
"""Kind of the record with which whoever contains an agent takes its request back."""
KINDS: Final[dict[str, type[Any]]] = {
    "view": Viewed,
    "decision": Decision,
    "rule-decision": RuleDecision,
    "withdrawal": Withdrawal,
    CONTAINMENT: ContainmentWithdrawal,
    "execution": ExecutionStarted,
    "outcome": ExecutionEnded,
    "notified": Notified,
}
"""Kinds of records, and what each holds."""


def kind_of(event: Event) -> str:
    """Return the kind of record that an event is."""
    return next(kind for kind, known in KINDS.items() if type(event) is known)


def event_of(kind: str, document: object) -> Event:
    """Read an event from its record.

    Args:
        kind: one of :data:`KINDS`.
        document: the record's body.

    Raises:
        DecisionError: the kind is not known, or the body is none of it.
    """
    if kind not in KINDS:
        raise DecisionError(f"event {kind[:40]!r} is not known, allowed are {', '.join(KINDS)}")
    found: Event = codec.read(KINDS[kind], document, kind)
    return found


def approval_of(event: Event) -> str:
    """Return the id of the approval that an event is about."""
    return event.statement.approval_id if isinstance(event, Decision) else event.approval_id
