"""What a ledger of trust learns from outside: how work came out, what was allowed by rule, and what was found out.

The unit of evidence is one change set with an outcome that others decided: a person's verdict, a check, a rollback or
an incident. It is never an API call, and never what the agent says of itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.bounds import check_digest, check_name, check_names
from sudo_mcp_guardrails.approval.errors import TrustError

MAX_COST: Final = 10**12


class Result(str, Enum):
    """How an item came out, from good to bad."""

    CLEAN = "clean"
    FAILURE = "failure"
    """Refused by the person, failed in a check, or rolled back."""
    MINOR = "minor"
    """A failure with a minor incident."""
    CRITICAL = "critical"
    """A failure with a critical incident, which is open until people close it."""


SEVERITY: Final = {result: number for number, result in enumerate(Result)}


class HardTrigger(str, Enum):
    """What takes an agent to T0 at once, in everything."""

    FORBIDDEN = "r4-attempt"
    """It tried what is R4."""
    HONEYTOKEN = "honeytoken"
    """It touched something that nobody has a reason to touch."""
    LEDGER_BREAK = "ledger-break"
    """A chain of evidence about it is broken."""
    REPLAY = "approval-replay"
    """It used an approval again, or for something else."""
    SUPPRESSION = "suppression"
    """Its template switches off the rules that check it."""
    INJECTION = "injection"
    """It was seen to follow instructions that were injected."""


@dataclass(frozen=True)
class Outcome:
    """How one item came out. A worse outcome of the same item may follow; a better one does not count.

    Attributes:
        item: id of the approval.
        fingerprint: of the agent, as the server saw it.
        risk: class of the plan.
        environment: name of the agent's environment.
        result: how it came out.
        operation: see :func:`operation_digest`; identical work earns once.
        requester: the person behind the request.
        approvers: people who approved it; none where a rule did.
    """

    item: str
    fingerprint: str
    risk: RiskClass
    environment: str
    result: Result
    operation: str
    requester: str
    approvers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate; raises ApprovalError."""
        check_name("item", self.item)
        check_digest("fingerprint", self.fingerprint)
        check_name("environment", self.environment)
        check_digest("operation", self.operation)
        check_name("requester", self.requester)
        check_names("approvers", self.approvers)
        if self.risk is RiskClass.R4:
            raise TrustError(f"outcome of {self.item!r} is of class R4, allowed: the hard trigger of an attempt")


@dataclass(frozen=True)
class Automatic:
    """An item that was allowed without a person: it uses up the budget.

    Attributes:
        item: id of the approval.
        fingerprint: of the agent.
        risk: class of the plan.
        environment: name of the agent's environment.
        cost: a month, in cents of a US dollar.
        resources: number of resources that change.
        audit: whether a person looks at it afterwards.
    """

    item: str
    fingerprint: str
    risk: RiskClass
    environment: str
    cost: int
    resources: int
    audit: bool

    def __post_init__(self) -> None:
        """Validate; raises ApprovalError."""
        check_name("item", self.item)
        check_digest("fingerprint", self.fingerprint)
        check_name("environment", self.environment)
        for name in ("cost", "resources"):
            if not 0 <= getattr(self, name) <= MAX_COST:
                raise TrustError(f"{name} {getattr(self, name)} of {self.item!r} is none, allowed: 0 to {MAX_COST}")


@dataclass(frozen=True)
class Trigger:
    """A hard trigger.

    Attributes:
        what: it is.
        where: the approval, the run or the event that shows it.
    """

    what: HardTrigger
    where: str

    def __post_init__(self) -> None:
        """Validate; raises ApprovalError."""
        check_name("where of a trigger", self.where)


@dataclass(frozen=True)
class Canary:
    """The sealed suite of tasks was run against the agent.

    Attributes:
        fingerprint: of the agent.
        suite: digest of the suite.
        passed: whether it passed all of it.
    """

    fingerprint: str
    suite: str
    passed: bool

    def __post_init__(self) -> None:
        """Validate; raises ApprovalError."""
        check_digest("fingerprint", self.fingerprint)
        check_digest("suite", self.suite)


@dataclass(frozen=True)
class ReviewTest:
    """A known-bad change set was put before an approver: 93 of 100 prompts are approved unread.

    Attributes:
        approver: who did not know.
        caught: whether he refused it.
    """

    approver: str
    caught: bool

    def __post_init__(self) -> None:
        """Validate; raises ApprovalError."""
        check_name("approver", self.approver)
