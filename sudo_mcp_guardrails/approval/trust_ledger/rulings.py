"""What people rule about an agent: its version, its tiers, its incidents. Statistics only unlock what they may do."""

from __future__ import annotations

from dataclasses import dataclass

# The codec reads both at run time, from the annotations.
from sudo_mcp_guardrails.agents import RiskClass, TrustTier  # noqa: TC001
from sudo_mcp_guardrails.approval.bounds import check_digest, check_name, check_text


@dataclass(frozen=True)
class Introduced:
    """The agent has this fingerprint from now on: its model, prompts, tools or guardrails changed, or it is new.

    Attributes:
        fingerprint: see :func:`fingerprint`.
        by: who changed it.
        reason: why.
    """

    fingerprint: str
    by: str
    reason: str

    def __post_init__(self) -> None:
        """Validate; raises ApprovalError."""
        check_digest("fingerprint", self.fingerprint)
        check_name("who introduced it", self.by)
        check_text("reason", self.reason, empty=False)


@dataclass(frozen=True)
class Promotion:
    """Two people lift one cell by one tier.

    Attributes:
        fingerprint: of the agent that they lift.
        risk: class of work.
        environment: where.
        to: the tier, one above the present one.
        owner: the person who answers for the agent.
        security: the person who answers for security.
        reason: why.
    """

    fingerprint: str
    risk: RiskClass
    environment: str
    to: TrustTier
    owner: str
    security: str
    reason: str

    def __post_init__(self) -> None:
        """Validate; raises ApprovalError."""
        check_digest("fingerprint", self.fingerprint)
        check_name("environment", self.environment)
        check_name("owner", self.owner)
        check_name("security", self.security)
        check_text("reason", self.reason, empty=False)


@dataclass(frozen=True)
class Demotion:
    """A person lowers one cell, or all of them. One person is enough, and no number has to agree.

    Attributes:
        to: the tier; cells that are there or below stay.
        by: who.
        reason: why.
        risk: class of work; None for all classes.
        environment: where; empty for everywhere.
    """

    to: TrustTier
    by: str
    reason: str
    risk: RiskClass | None = None
    environment: str = ""

    def __post_init__(self) -> None:
        """Validate; raises ApprovalError."""
        check_name("who demotes", self.by)
        check_text("reason", self.reason, empty=False)
        check_name("environment", self.environment, empty=True)


@dataclass(frozen=True)
class Resolved:
    """People closed a critical incident.

    Attributes:
        item: id of the approval that caused it.
        by: who closed it.
        reason: what was done.
    """

    item: str
    by: str
    reason: str

    def __post_init__(self) -> None:
        """Validate; raises ApprovalError."""
        check_name("item", self.item)
        check_name("who resolved it", self.by)
        check_text("reason", self.reason, empty=False)
