"""What the decision is set up with: who the agent is, what it may do, and what limits it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.deciding.calendar import Calendar
from sudo_mcp_guardrails.approval.risk_rules.context import RiskContext
from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
from sudo_mcp_guardrails.gateway.deciding.asking import VIA
from sudo_mcp_guardrails.gateway.deciding.budgets import Amount
from sudo_mcp_guardrails.gateway.deciding.errors import DecidingError
from sudo_mcp_guardrails.gateway.deciding.weighing import ASKABLE, PROPOSE
from sudo_mcp_guardrails.gateway.pins.labels import UNREVIEWED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.agents import AgentEnvironment, Capability, TrustTier
    from sudo_mcp_guardrails.gateway.call import Session, ToolCall
    from sudo_mcp_guardrails.gateway.deciding.budgets import Budget
    from sudo_mcp_guardrails.gateway.deciding.manifest import Manifest
    from sudo_mcp_guardrails.gateway.meaning import Meaning
    from sudo_mcp_guardrails.gateway.pins.labels import Labels
    from sudo_mcp_guardrails.iam.properties import Subject

MOST_CENTS: Final = 10**9


class Approvals(Protocol):
    """Where it is known which approvals stand. It is asked in the decision, so it must not block."""

    def stands(self, session: Session, call: ToolCall, meaning: Meaning) -> bool:
        """Return whether a person approved just this call; raises where that cannot be told, which denies."""
        ...


@dataclass(frozen=True)
class Prices:
    """What calls cost, as the team says; nobody else knows before they are made.

    Attributes:
        cents: ``service:Action`` or ``server/tool`` to cents of a US dollar, for one call.
        others: For a call that changes something and is not named; None where nobody knows. A read costs nothing that
            is not named.

    Raises:
        DecidingError: A price is out of bounds.
    """

    cents: Mapping[str, int] = field(default_factory=dict, hash=False)
    others: int | None = None

    def __post_init__(self) -> None:
        """Validate."""
        for name, price in (*self.cents.items(), ("others", self.others)):
            if price is not None and not 0 <= price <= MOST_CENTS:
                raise DecidingError(f"price {price} of {name!r} is out of bounds, allowed: 0 to {MOST_CENTS} cents")


@dataclass(frozen=True)
class Settings:
    """What a decision rests on.

    Attributes:
        agent: Name of the agent; a session of another is denied.
        capability: Of the credentials behind the guard; a session of another is denied.
        tier: Of the agent.
        environment: That it works in.
        role: Its role for the capability, with all layers; None denies every call of AWS's API.
        risk: What the risk of calls is told by.
        policy: The rules of trust, which the approval workflow follows too.
        aws: AWS's own MCP servers, whose tools' arguments are read, to how calls come: ``aws-mcp`` or ``direct``.
        labels: Of a server's tool, as a person reviewed it.
        risks: Class of a tool outside AWS that is labelled as one that writes. Default: R3.
        askable: Classes that the client may be asked about. Default: R1 and R2 outside production, else none.
        manifests: SOPs by name. A session that follows an SOP which is not here is denied.
        budgets: What limits it.
        prices: What calls cost.
        calendar: Freezes, and windows in which changes may be made.
        approvals: Where approvals are known; None where there are none.
        profile: Name of the profile that servers of several are told to use; empty for servers of one.
        region: Of the session.
        propose: What an agent does whose call takes an approval.

    Raises:
        DecidingError: Values that do not go together.
    """

    agent: str
    capability: Capability
    tier: TrustTier
    environment: AgentEnvironment
    role: Subject | None = None
    risk: RiskContext | None = None
    policy: TrustPolicy = field(default_factory=TrustPolicy)
    aws: Mapping[str, str] = field(default_factory=dict)
    labels: Callable[[str, str], Labels] = lambda _server, _tool: UNREVIEWED
    risks: Mapping[tuple[str, str], RiskClass] = field(default_factory=dict)
    askable: frozenset[RiskClass] | None = None
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    budgets: tuple[Budget, ...] = ()
    prices: Prices = field(default_factory=Prices)
    calendar: Calendar = field(default_factory=Calendar)
    approvals: Approvals | None = None
    profile: str = ""
    region: str = ""
    propose: str = PROPOSE

    def __post_init__(self) -> None:
        """Validate."""
        wrong = sorted(risk.value for risk in (self.askable or frozenset()) - ASKABLE)
        if wrong:
            raise DecidingError(f"class {wrong[0]} is not for a client to answer, allowed: R1 and R2")
        for server, via in self.aws.items():
            if via not in VIA:
                raise DecidingError(f"AWS server {server!r} is {via!r}, allowed: {' or '.join(VIA)}")
        if len(set(self.aws.values())) > 1:
            raise DecidingError("AWS servers behind one guard come to AWS in several ways, expected one way")
        for (server, tool), risk in self.risks.items():
            if server in self.aws or risk is RiskClass.R0:
                raise DecidingError(
                    f"class {risk.value} of {server}/{tool} is not allowed, expected R1 to R4 outside AWS"
                )
        role = self.role
        if role is not None and (role.agent, role.capability) != (self.agent, self.capability.value):
            raise DecidingError(
                f"the role is that of {role.agent} for {role.capability!r}, expected {self.agent} for "
                f"{self.capability.value!r}"
            )
        if any(each.what is Amount.CENTS for each in self.budgets) and self.prices.others is None:
            raise DecidingError("a budget of cents takes prices.others: what a change costs that has no price")

    @property
    def account(self) -> str:
        """Account that calls go to; empty where none is known."""
        return self.role.facts.principal.account if self.role else ""

    @property
    def client_answers(self) -> frozenset[RiskClass]:
        """Classes that the client may be asked about."""
        if self.askable is not None:
            return self.askable
        return frozenset() if self.environment.is_production else ASKABLE

    def context(self) -> RiskContext:
        """Return what the risk of calls is told by."""
        return self.risk or RiskContext((self.environment,), self.account, self.region)
