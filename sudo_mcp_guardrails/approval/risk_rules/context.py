"""What a plan is judged against: whose it is, where it may go, and what the same agent did before."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.graph import touched
from sudo_mcp_guardrails.approval.risk_rules.levels import catalogue_levels
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from datetime import datetime

    from sudo_mcp_guardrails.agents import AgentEnvironment, RiskClass, SensitiveRead
    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.approval.risk_rules.levels import ActionLevels

MAX_RECENT: Final = 1_000
"""Earlier plans that are looked at; more than these within the window are themselves a reason."""


@dataclass(frozen=True)
class Recent:
    """An earlier plan of the same agent, in as much as later ones are judged by it.

    Attributes:
        at: when it was applied, or approved where it is not applied yet; with a time zone.
        digest: of the plan.
        risk: that it had.
        changes: how many it had.
        touched: keys of what it touched; see :func:`~sudo_mcp_guardrails.approval.graph.touched`.
        actions: that it took.
    """

    at: datetime
    digest: str
    risk: RiskClass
    changes: int
    touched: frozenset[str]
    actions: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Raises PlanError for a time without a zone."""
        if self.at.tzinfo is None:
            raise PlanError(f"time {self.at.isoformat()} of an earlier plan has no zone, expected one")

    @classmethod
    def of(cls, plan: Plan, risk: RiskClass, at: datetime) -> Recent:
        """Return what is to be remembered of a plan."""
        actions = frozenset(action for change in plan.changes for action in change.actions)
        return cls(at, plan.digest, risk, len(plan.changes), touched(plan), actions)


@dataclass(frozen=True)
class RiskLimits:
    """From how many on something counts as more dangerous.

    Attributes:
        several: changes, or dependents of what changes, that make a plan R2.
        many: changes, or dependents, that make it R3.
        plans: earlier plans on connected things within the window that, with this one, make it R2; three times as many
            make it R3.
        instances: machines of one change that make it R3.
        window: how long earlier plans count.
    """

    several: int = 10
    many: int = 100
    plans: int = 5
    instances: int = 20
    window: timedelta = timedelta(hours=24)

    def __post_init__(self) -> None:
        """Raises PlanError for limits out of order."""
        if not 1 <= self.several <= self.many or self.plans < 2 or self.instances < 1:  # noqa: PLR2004
            raise PlanError(
                f"limits of risk {self} are out of order, expected 1 <= several <= many, plans of 2 or more"
            )
        if self.window <= timedelta(0):
            raise PlanError(f"window of {self.window} is not allowed, expected more than none")


@dataclass(frozen=True)
class RiskContext:
    """What a plan is judged against.

    Attributes:
        environments: where the agent works; a change anywhere else is R3.
        account: where the plan is carried out, for changes that do not say; empty where that is not known either,
            which is R3.
        region: likewise.
        names: of the guardrails' own resources.
        protected: ARN patterns of what is theirs under another name: their trail, their log archive.
        own: ARN patterns of what the agent owns, as its scope declares them; empty where nobody said, and then nothing
            is excused by it.
        sensitive_reads: classes of sensitive reads that the agent opted into.
        recent: its earlier plans, in any order.
        now: the time; None takes none of the earlier plans as too old.
        limits: see :class:`RiskLimits`.
        classified: tag values, in lower case, that mark data as needing care.
        levels: of actions. Default: the catalogue's.
    """

    environments: tuple[AgentEnvironment, ...]
    account: str = ""
    region: str = ""
    names: GuardrailNames = field(default_factory=GuardrailNames)
    protected: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    sensitive_reads: tuple[SensitiveRead, ...] = ()
    recent: tuple[Recent, ...] = ()
    now: datetime | None = None
    limits: RiskLimits = field(default_factory=RiskLimits)
    classified: frozenset[str] = frozenset(
        {
            *("confidential", "customer", "financial", "gdpr", "health", "hipaa", "highly-confidential", "pci"),
            *("pci-dss", "personal", "phi", "pii", "restricted", "secret", "sensitive", "top-secret"),
        }
    )
    levels: ActionLevels = field(default_factory=catalogue_levels)

    def __post_init__(self) -> None:
        """Raises PlanError for a time without a zone."""
        if self.now is not None and self.now.tzinfo is None:
            raise PlanError(f"time {self.now.isoformat()} has no zone, expected one")
