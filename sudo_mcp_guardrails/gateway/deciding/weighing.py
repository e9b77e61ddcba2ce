"""What there is to say against a call, by what it means: each objection with its reason, none where there is none.

The table of tier and risk class is the approval workflow's own, so that both always agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from sudo_mcp_guardrails.agents import Capability, RiskClass, SensitiveRead
from sudo_mcp_guardrails.approval.trust_ledger.policy import Handling, TrustPolicy
from sudo_mcp_guardrails.gateway.call import Reason, Verdict
from sudo_mcp_guardrails.gateway.deciding.asking import Judged, about, keys_of
from sudo_mcp_guardrails.gateway.meaning import Effect
from sudo_mcp_guardrails.iam.catalogue import READS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.agents import TrustTier
    from sudo_mcp_guardrails.gateway.deciding.asking import Role
    from sudo_mcp_guardrails.gateway.deciding.manifest import Manifest
    from sudo_mcp_guardrails.gateway.meaning import Meaning
    from sudo_mcp_guardrails.gateway.meaning.actions import Meant, Needed

ASKABLE: Final = frozenset({RiskClass.R1, RiskClass.R2})
"""Classes that a client may ever be asked about. An answer of a host that was taken over proves nothing."""
PREPARING: Final = frozenset({"cloudformation:CreateChangeSet", "iam:PassRole"})
"""What the plan role does to prepare: an approval comes before it is carried out, so none comes before this."""
PROPOSE: Final = (
    "make a change set as the agent's plan role and send it to the proposal function of the approval workflow; a "
    "person decides, and the workflow carries it out"
)
"""What an agent does whose call takes an approval; docs/apply.md says how."""
BY_RULE: Final = frozenset({Handling.AUTOMATIC, Handling.AUDITED})


class Objection(NamedTuple):
    """Something to say against a call."""

    verdict: Verdict
    reason: Reason


@dataclass(frozen=True)
class Standing:
    """What a call is weighed against.

    Attributes:
        capability: Of the credentials behind the guard.
        tier: Of the agent.
        role: Its policies; None where no role is known, and then no call of AWS's API passes.
        policy: The rules of trust; their table decides.
        askable: Classes that the client may be asked about; of R1 and R2.
        account: Where calls go.
        partition: Likewise.
        propose: What an agent does whose call takes an approval.
    """

    capability: Capability
    tier: TrustTier
    role: Role | None
    policy: TrustPolicy = field(default_factory=TrustPolicy)
    askable: frozenset[RiskClass] = frozenset()
    account: str = ""
    partition: str = "aws"
    propose: str = PROPOSE


class Row(NamedTuple):
    """One action of a call on one resource, and what the policies say of it."""

    meant: Meant
    need: Needed | None
    resource: str | None
    judged: Judged | None


def rows(meaning: Meaning, standing: Standing) -> Iterator[Row]:
    """Yield each action of each call on each resource, with what the role's policies say."""
    role = standing.role
    for meant in meaning.calls:
        if not meant.needs:
            call = meant.call
            unknown = Judged(Verdict.ASK, f"nobody knows which IAM actions {call.service} {call.operation} takes")
            yield Row(meant, None, None, unknown if role else None)
        for need in meant.needs:
            for resource in about(need, meant.call, standing.account, meant.region, standing.partition):
                found = role.ask(need, resource, meant.region, keys_of(need.action, meant.call)) if role else None
                yield Row(meant, need, resource, found)


def weigh(
    meaning: Meaning, standing: Standing, found: tuple[Row, ...], manifest: Manifest | None = None, tool: str = ""
) -> list[Objection]:
    """Return all that is to be said against a call, by its meaning alone.

    Args:
        meaning: Of the call.
        standing: What it is weighed against.
        found: From :func:`rows`.
        manifest: Of the SOP that is followed; None where none is.
        tool: As a manifest names it: ``server/tool``.
    """
    against = [*_understood(meaning, standing), *_permitted(meaning, standing, found)]
    if manifest is not None:
        against += _listed(meaning, manifest, found, tool)
    against += _handled(meaning, standing, standing.policy.table[standing.tier][meaning.risk])
    return against


def handling(meaning: Meaning, standing: Standing) -> Handling:
    """Return what the table does with a call."""
    return standing.policy.table[standing.tier][meaning.risk]


def to_person(meaning: Meaning, standing: Standing, what: str, rule: str = "") -> Objection:
    """Return what becomes of a call that takes a person: the client's user where that will do, else the workflow."""
    if meaning.risk in standing.askable & ASKABLE:
        return Objection(Verdict.ASK, Reason("decision.ask", f"{what}: the user has to agree.", rule, person=True))
    if not meaning.known:
        text = f"{what}, and no plan can be proposed for a tool outside AWS; the team's configuration gives it a class."
        return Objection(Verdict.DENY, Reason("decision.approval", text, rule))
    return Objection(Verdict.DENY, Reason("decision.approval", f"{what}: {standing.propose}.", rule))


def prepares(meaning: Meaning, standing: Standing) -> bool:
    """Return whether a call only prepares what an approval is then asked for."""
    changing = [need.action for meant in meaning.calls for need in meant.needs if need.level not in READS]
    return (
        standing.capability is Capability.PLAN
        and meaning.decidable
        and bool(changing)
        and all(meant.needs for meant in meaning.calls)
        and PREPARING.issuperset(changing)
    )


def _understood(meaning: Meaning, standing: Standing) -> Iterator[Objection]:
    for each in meaning.undecidable[:5]:
        text = f"line {each.line}: {each.reason}; write every call with its service, operation and parameters in full."
        yield Objection(Verdict.DENY, Reason("decision.undecidable", text))
    for number, option, why in meaning.refused[:5]:
        yield Objection(
            Verdict.DENY, Reason("decision.refused", f"command {number}: {option} {why}; leave it out.", option)
        )
    if meaning.effect is Effect.UNKNOWN and not meaning.undecidable:
        text = "nobody reviewed what this tool does; a person gives it labels in the lock file."
        yield Objection(Verdict.DENY, Reason("decision.unknown-tool", text))
    kept = standing.role.subject.sensitive_reads if standing.role else ()
    for vended in meaning.vending[:5]:
        if SensitiveRead.CREDENTIAL.value not in kept:
            what = f"{vended.service} {vended.operation} hands out what signs in"
            yield Objection(Verdict.DENY, Reason("decision.vending", f"{what}; the guard has the credentials.", what))


def _permitted(meaning: Meaning, standing: Standing, found: tuple[Row, ...]) -> Iterator[Objection]:
    if meaning.effect in {Effect.WRITE, Effect.VENDING} and standing.capability is Capability.READ:
        text = f"this session only reads, and the call is a {meaning.effect.value}: {standing.propose}."
        yield Objection(Verdict.DENY, Reason("decision.capability", text, standing.capability.value))
    if meaning.calls and standing.role is None:
        yield Objection(
            Verdict.DENY, Reason("decision.no-role", "no policies of this capability are known to the guard.")
        )
    said = set()
    for row in found:
        judged = row.judged
        if judged is None or judged.verdict is Verdict.ALLOW or judged.reason in said:
            continue
        said.add(judged.reason)
        if judged.verdict is Verdict.ASK:
            yield to_person(meaning, standing, judged.reason, judged.rule)
            continue
        action = row.need.action if row.need else row.meant.call.operation
        why = judged.rule or judged.reason
        text = f"{action} is not allowed{_where(row)} ({why}); leave it out, or {standing.propose}."
        yield Objection(Verdict.DENY, Reason("decision.policy", text, judged.rule))


def _listed(meaning: Meaning, manifest: Manifest, found: tuple[Row, ...], tool: str) -> Iterator[Objection]:
    for row in found:
        if row.need is None or not manifest.takes(row.need.action, row.resource):
            action = row.need.action if row.need else row.meant.call.operation
            text = f"the SOP that is followed does not take {action}{_where(row)}; keep to its steps."
            yield Objection(Verdict.DENY, Reason("decision.manifest", text, action))
    if not meaning.known and tool not in manifest.tools:
        text = "the SOP that is followed does not take this tool; keep to its steps."
        yield Objection(Verdict.DENY, Reason("decision.manifest", text))


def _handled(meaning: Meaning, standing: Standing, handled: Handling) -> Iterator[Objection]:
    place = f"class {meaning.risk.value} at tier {standing.tier.value}"
    why = f" ({meaning.reasons[0].text})" if meaning.reasons and meaning.risk is not RiskClass.R0 else ""
    rule = f"{standing.tier.value}/{meaning.risk.value}"
    if prepares(meaning, standing):
        return
    if meaning.risk is RiskClass.R4:
        text = f"{place}{why}: forbidden, and nobody can approve it; do something else."
        yield Objection(Verdict.DENY, Reason("decision.forbidden", text, rule))
    elif handled is Handling.REFUSED:
        yield Objection(
            Verdict.DENY, Reason("decision.tier", f"{place}{why} is refused at this tier; only read.", rule)
        )
    elif handled is Handling.APPROVAL:
        yield to_person(meaning, standing, f"{place}{why} takes a person", rule)
    elif handled is Handling.AUDITED:
        yield Objection(Verdict.ALLOW, Reason("decision.audited", f"{place}: done by rule, and looked at later.", rule))


def _where(row: Row) -> str:
    return f" on {row.resource[:200]}" if row.resource else ""
