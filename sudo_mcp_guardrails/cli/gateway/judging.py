"""What ``mcp-guardrails gateway check`` decides: by the agent's own policies, and by the table of tier and risk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import AgentEnvironment, SensitiveRead
from sudo_mcp_guardrails.approval.risk_rules.context import RiskContext
from sudo_mcp_guardrails.approval.trust_ledger.policy import TABLE, Handling
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.gateway.call import Verdict
from sudo_mcp_guardrails.iam.catalogue import READS
from sudo_mcp_guardrails.iam.evaluate import evaluate
from sudo_mcp_guardrails.iam.properties import CONTEXTS
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.request import Request
from sudo_mcp_guardrails.iam.verdict import Verdict as Proved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.agents import TrustTier
    from sudo_mcp_guardrails.gateway.meaning import Meaning
    from sudo_mcp_guardrails.gateway.meaning.actions import Needed
    from sudo_mcp_guardrails.iam.facts import Facts
    from sudo_mcp_guardrails.iam.properties import Subject

_REGION: Final = "aws:requestedregion"
_HANDLED: Final = {
    Handling.AUTOMATIC: Verdict.ALLOW,
    Handling.AUDITED: Verdict.ALLOW,
    Handling.APPROVAL: Verdict.ASK,
    Handling.REFUSED: Verdict.DENY,
}


@dataclass(frozen=True)
class Judged:
    """What is decided about one action, or all of them.

    Attributes:
        verdict: What becomes of it.
        reason: Why, in one line.
    """

    verdict: Verdict
    reason: str


def subject_of(subjects: Sequence[Subject], agent: str, capability: str, account: str) -> Subject:
    """Return the role that an agent has for a capability; raises InputError where that is not one."""
    found = [each for each in subjects if each.agent == agent and each.capability == capability]
    if account:
        found = [each for each in found if each.facts.principal.account == account]
    if len(found) != 1:
        known = sorted({f"{s.agent} {s.capability} in {s.facts.principal.account}" for s in subjects})
        raise InputError(
            f"agent {agent!r} has {len(found)} roles for {capability!r} in account {account or 'any'!r}, "
            f"expected one of: {', '.join(known) or 'none'}"
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


def judge(meaning: Meaning, tier: TrustTier, asked: Sequence[Judged], *, has_role: bool) -> tuple[Judged, ...]:
    """Return all that decides about a script; the strictest counts.

    Args:
        meaning: Of the script.
        tier: Of the agent.
        asked: What its policies say of each action.
        has_role: Whether any policies were asked.
    """
    found = [Judged(Verdict.DENY, f"line {each.line}: {each.reason}") for each in meaning.undecidable]
    found += [Judged(Verdict.DENY, f"{option} {why}") for _, option, why in meaning.refused]
    found += [each for each in asked if each.verdict is not Verdict.ALLOW]
    handled = _HANDLED[TABLE[tier][meaning.risk]]
    found.append(Judged(handled, f"class {meaning.risk.value} at tier {tier.value}"))
    if meaning.calls and not has_role:
        found.append(Judged(Verdict.ASK, "no agent was named, so no policy was asked"))
    return tuple(sorted(found, key=lambda each: -list(Verdict).index(each.verdict)))


def ask(subject: Subject, need: Needed, resource: str | None, region: str) -> Judged:
    """Ask a role's policies about an action.

    Args:
        subject: The role.
        need: The action.
        resource: What it is about; None where nobody knows, and then every resource is asked about.
        region: Where the call goes; empty for anywhere.
    """
    known = {**subject.facts.known, **CONTEXTS["aws-mcp"], **({_REGION: (region,)} if region else {})}
    facts = replace(subject.facts, known=known)
    if resource is None:
        return _any(subject, facts, need)
    allowed = []
    why = ""
    for values in product(*facts.alternatives.values()):
        keys = dict(zip(facts.alternatives, values, strict=True))
        # What is asked about is one request in every context that the known keys leave.
        request = Request(need.action, resource, facts.principal, keys, **({"region": region} if region else {}))
        decision = evaluate(request, subject.layers)
        allowed.append(decision.allowed)
        why = why if decision.allowed and why else str(decision)
    if all(allowed):
        return Judged(Verdict.ALLOW, why)
    if any(allowed):
        return Judged(Verdict.ASK, f"{need.action} is allowed in some contexts and not in others")
    return Judged(Verdict.DENY, f"{need.action} on {resource}: {why}")


def _any(subject: Subject, facts: Facts, need: Needed) -> Judged:
    """Decide about an action whose resource is known only when it runs."""
    proof = Prover(subject.layers, facts).actions([need.action])[need.action]
    if proof.verdict is Proved.PROVED:
        return Judged(Verdict.DENY, f"{need.action} is allowed on no resource at all")
    if proof.verdict is Proved.WITNESS and need.level in READS:
        # Whichever it is, AWS asks the same policies once more; and it only reads.
        return Judged(Verdict.ALLOW, f"{need.action} reads, and is allowed on some resources")
    return Judged(Verdict.ASK, f"{need.action}: what it is about is known only when it runs")
