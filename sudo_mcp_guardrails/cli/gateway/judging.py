"""What ``mcp-guardrails gateway check`` decides: as the gateway does, by the agent's own policies and the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import AgentEnvironment, Capability, SensitiveRead
from sudo_mcp_guardrails.approval.risk_rules.context import RiskContext
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.gateway.call import Verdict
from sudo_mcp_guardrails.gateway.deciding.asking import Judged, Role
from sudo_mcp_guardrails.gateway.deciding.weighing import ASKABLE, Standing, weigh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.agents import TrustTier
    from sudo_mcp_guardrails.gateway.deciding.weighing import Row
    from sudo_mcp_guardrails.gateway.meaning import Meaning
    from sudo_mcp_guardrails.iam.properties import Subject

_PERSON: Final = frozenset({"decision.approval", "decision.ask", "decision.no-role"})
"""Objections that a person settles: by the client, by the workflow, or by naming the agent."""


def subject_of(subjects: Sequence[Subject], agent: str, capability: str, account: str) -> Subject:
    """Return the role that an agent has for a capability; raises InputError where that is not one."""
    found = [each for each in subjects if each.agent == agent and each.capability == capability]
    if account:
        found = [each for each in found if each.facts.principal.account == account]
    if len(found) != 1:
        known = sorted({f"{s.agent} {s.capability} in {s.facts.principal.account}" for s in subjects})
        place = f" in account {account!r}" if account else ""
        raise InputError(
            f"agent {agent!r} has {len(found)} roles for {capability!r}{place}, expected one of: "
            f"{', '.join(known) or 'none'}"
        )
    return found[0]


def risk_context(subject: Subject | None, account: str, region: str, *, production: bool) -> RiskContext:
    """Return what a script is judged against; without a role and an account, as if the agent worked nowhere."""
    if subject is None:
        accounts, regions = ((account,) if account else ()), ((region,) if region else ())
        environments = (AgentEnvironment("given", accounts, regions, is_production=production),) if accounts else ()
        return RiskContext(environments, account, region)
    own = subject.facts.principal.account or ""
    return RiskContext(
        (AgentEnvironment("given", subject.accounts or (own,), subject.regions, is_production=production),),
        own,
        region or next(iter(subject.regions), ""),
        own=subject.own,
        sensitive_reads=tuple(SensitiveRead(kind) for kind in subject.sensitive_reads),
    )


def standing(subject: Subject | None, capability: Capability, tier: TrustTier, *, production: bool) -> Standing:
    """Return what a script is weighed against."""
    return Standing(
        capability=capability,
        tier=tier,
        role=Role(subject) if subject else None,
        askable=frozenset() if production else ASKABLE,
        account=subject.facts.principal.account if subject else "",
        partition=subject.facts.partition if subject else "aws",
    )


def judge(meaning: Meaning, against: Standing, found: tuple[Row, ...]) -> tuple[Judged, ...]:
    """Return all that decides about a script, the strictest first.

    Args:
        meaning: Of the script.
        against: From :func:`standing`.
        found: What its policies say of each action.
    """
    said = []
    for each in weigh(meaning, against, found):
        if each.reason.id == "decision.capability" and against.role is None:
            continue  # without an agent, that it reads is nobody's word
        verdict = Verdict.ASK if each.reason.id in _PERSON else each.verdict
        said.append(Judged(verdict, each.reason.text, each.reason.rule))
    said = said or [Judged(Verdict.ALLOW, f"class {meaning.risk.value} at tier {against.tier.value}")]
    return tuple(sorted(said, key=lambda each: -list(Verdict).index(each.verdict)))
