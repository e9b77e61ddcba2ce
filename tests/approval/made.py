"""A policy, a request and the decisions of some people, for tests."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.authentication.freshness import Freshness, Issuer
from sudo_mcp_guardrails.approval.deciding.approval_digest import approval_digest
from sudo_mcp_guardrails.approval.deciding.decision import Decision, Factor, FactorKind, Statement, Verdict
from sudo_mcp_guardrails.approval.deciding.delegation import Delegation, Proxy
from sudo_mcp_guardrails.approval.deciding.evaluate import evaluate
from sudo_mcp_guardrails.approval.deciding.events import ExecutionEnded, ExecutionStarted, Outcome, Viewed
from sudo_mcp_guardrails.approval.deciding.people import People, Person
from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy, BreakGlass, Group, Step
from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest, Requester
from sudo_mcp_guardrails.approval.moments import moment

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.events import Event
    from sudo_mcp_guardrails.approval.deciding.status import Status

START: Final = moment("2026-11-23T10:00:00Z")
MINUTE: Final = 60
IDP: Final = "https://idp.example.com"
PAGE: Final = "approvals.example.com"
PLAN: Final = "ab" * 32

GROUPS: Final[dict[str, tuple[str, ...]]] = {
    "alice": ("sre",),
    "bob": ("security",),
    "carol": ("sre", "security"),
    "dave": ("sre",),
    "erin": ("managers",),
    "rita": ("sre", "security"),
    "owen": ("sre",),
}
"""Who is in which groups; rita asks, and owen owns the agent."""

POLICY: Final = ApprovalPolicy(
    people=People(
        (
            *(Person(name, (f"{IDP}#{name}", f"{name}@example.com")) for name in GROUPS if name != "rita"),
            Person("rita", (f"{IDP}#rita", "arn:aws:iam::111111111111:user/Rita")),
        )
    ),
    groups=(Group("sre"), Group("security"), Group("managers"), Group("platform", aliases=("platform@example.com",))),
    escalation=(Step(0, ("sre", "security")), Step(30 * MINUTE, ("managers",))),
    freshness=Freshness((Issuer(FactorKind.JWT, IDP), Issuer(FactorKind.WEBAUTHN, PAGE))),
    break_glass=BreakGlass(("security",)),
)
REQUESTER: Final = Requester("release-bot", "run-1", "arn:aws:iam::111111111111:user/Rita", "owen@example.com")


def asked(risk: RiskClass = RiskClass.R2, policy: ApprovalPolicy = POLICY, **changes: Any) -> ApprovalRequest:
    """A request for production, that lives an hour."""
    made = ApprovalRequest(
        id="approval-0001",
        plan_digest=PLAN,
        risk=risk,
        reasons=("it changes production",),
        requester=REQUESTER,
        environment="production",
        account="222222222222",
        region="eu-central-1",
        ticket="OPS-1",
        created=START,
        expires=START + 60 * MINUTE,
        nonce="0f" * 16,
        policy_version=policy.version,
        services=("s3",),
    )
    return replace(made, **changes)


def token(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def viewed(request: ApprovalRequest, who: str, *, at: int = START + MINUTE, token_name: str = "") -> Viewed:
    return Viewed(request.id, approval_digest(request), f"{IDP}#{who}", token(token_name or who), at)


def jwt(at: int, *amr: str) -> Factor:
    return Factor(FactorKind.JWT, IDP, auth_time=at, amr=amr or ("pwd", "mfa"))


def decided(request: ApprovalRequest, who: str, **changes: Any) -> Decision:
    """A decision of somebody who signed in half a minute ago, with other parts of it or of its statement."""
    at = changes.pop("at", START + 2 * MINUTE)
    decision = {name: changes.pop(name) for name in ("groups", "factor", "proxy") if name in changes}
    statement = Statement(
        request.id, approval_digest(request), request.plan_digest, f"{IDP}#{who}", Verdict.APPROVE, token(who)
    )
    proxy = decision.get("proxy")
    if proxy is not None:
        changes.setdefault("on_behalf_of", proxy.delegation.id)
    return replace(
        Decision(statement, GROUPS.get(who, ()), at, jwt(at - 30)),
        statement=replace(statement, **changes),
        **decision,
    )


def approvals(request: ApprovalRequest, *people: str) -> list[Event]:
    """Each of some people looks and approves."""
    return [event for who in people for event in (viewed(request, who), decided(request, who))]


def stand_in(delegator: str, delegate: str, /, **changes: Any) -> Proxy:
    made = Delegation(
        "delegation-1",
        f"{IDP}#{delegator}",
        f"{IDP}#{delegate}",
        f"{IDP}#{delegator}",
        START,
        START,
        START + 86_400,
        "leave",
    )
    groups = changes.pop("lent", GROUPS[delegator])
    return Proxy(replace(made, **changes), groups)


def started(request: ApprovalRequest, *, at: int = START + 10 * MINUTE, **changes: Any) -> ExecutionStarted:
    made = ExecutionStarted(request.id, approval_digest(request), request.plan_digest, "execution-1", at)
    return replace(made, **changes)


def ended(request: ApprovalRequest, outcome: Outcome = Outcome.EXECUTED) -> ExecutionEnded:
    return ExecutionEnded(request.id, "execution-1", outcome, "", START + 11 * MINUTE)


def status(
    request: ApprovalRequest,
    events: list[Event],
    *,
    policy: ApprovalPolicy = POLICY,
    now: int = START + 5 * MINUTE,
) -> Status:
    return evaluate(request, events, policy, now)


def reasons(found: Status) -> list[str]:
    return [each.reason for each in found.uncounted]
