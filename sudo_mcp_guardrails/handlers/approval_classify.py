"""Judge a plan: the state of the workflow that begins an approval's chain.

It reads the bundle that the broker made, assesses the risk against the agent's earlier plans, and writes the first
record: what is asked for, by whom, until when, and why it is as dangerous as it is. Where the agent has earned it, a
rule decides; the ledger of trust says so first. Called again it goes on where it stopped: the first record stays.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.deciding.approval_digest import approval_digest
from sudo_mcp_guardrails.approval.deciding.events import RuleDecision
from sudo_mcp_guardrails.approval.deciding.status import State
from sudo_mcp_guardrails.approval.errors import ApprovalError
from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.approval.store.case import ENDED_UNASKED, REFUSED
from sudo_mcp_guardrails.approval.store.evidence_store import Lost
from sudo_mcp_guardrails.approval.store.idle_cost import idle_cost
from sudo_mcp_guardrails.approval.store.steps import answer, line
from sudo_mcp_guardrails.approval.trust import Item
from sudo_mcp_guardrails.approval.trust_ledger.facts import HardTrigger, Trigger
from sudo_mcp_guardrails.handlers.approval_judging import WHO, Refused, begin, bundled_plan
from sudo_mcp_guardrails.handlers.approval_settings import workplace

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.handlers.approval_settings import Workplace

_NO_FINGERPRINT: Final = "0" * 64


def handler(event: dict[str, Any], _context: object, clients: Workplace | None = None) -> dict[str, Any]:
    """Judge one plan.

    Args:
        event: ``{"input", "bundle": {"key", "version", "digest"}, "planDigest"}``.
        clients: settings and stores; made when left out.

    Returns:
        What :func:`~sudo_mcp_guardrails.approval.store.steps.answer` gives, with ``next`` as ``people``, ``rule`` or
        ``refused``, the risk, and what a scanner gets.

    Raises:
        EvidenceError: the chain is not whole.
        Exception: what AWS answers; the state is tried again.
    """
    place = workplace(clients)
    asked = event["input"]
    approval = str(asked["approval"])
    records = place.evidence.checked(approval, place.verifier, place.keys)
    if records and records[0].kind in ENDED_UNASKED:
        return _refusal(approval, str(event.get("planDigest", "")), str(records[0].body.get("reason", "")))
    try:
        plan = bundled_plan(place, event)
        if not records:
            begin(place, event, plan)
    except (Refused, ApprovalError) as error:
        if isinstance(error, Lost):
            raise
        reason = line(error)
        body = {"reason": reason, "requester": _shown(asked), "planDigest": str(event.get("planDigest", ""))[:64]}
        place.evidence.append_if(approval, None, REFUSED, WHO, body)
        place.index.settle(approval, State.REFUSED.value, final=True)
        return _refusal(approval, str(event.get("planDigest", "")), reason)
    _mistrust(place, place.case(approval))
    _decide_by_rule(place, plan, place.case(approval))
    return _answered(place, place.case(approval))


def _mistrust(place: Workplace, case: Case) -> None:
    """Record what takes an agent's trust away at once."""
    if place.trust is None:
        return
    for rule in case.asked.triggers:
        what = HardTrigger.SUPPRESSION if rule == "suppression" else HardTrigger.FORBIDDEN
        place.trust.add(case.request.requester.agent, Trigger(what, case.request.id), WHO)


def _decide_by_rule(place: Workplace, plan: Plan, case: Case) -> None:
    """Let a rule decide, where the agent has earned it; refuse what its tier does not even ask for."""
    request, policy = case.request, place.settings.policy
    status = case.status(policy, place.now())
    if place.trust is None or status.state is not State.PENDING or request.risk is RiskClass.R0:
        return
    agent = request.requester.agent
    # A version that nobody knows is none that was introduced.
    item = Item(request.id, case.asked.fingerprint or _NO_FINGERPRINT, plan.digest, idle_cost(plan), len(plan.changes))
    quorum = policy.quorum(request)
    decision = place.trust.claim(agent, request.risk, request.environment, item, WHO, by_rule=quorum.rule)
    if not decision.allowed:
        place.evidence.append(request.id, REFUSED, WHO, {"reason": line(decision.reason)})
    elif decision.automatic and quorum.rule:
        rule = f"{decision.tier.value} in {request.environment}"
        reason = line(decision.reason)
        event = RuleDecision(request.id, approval_digest(request), request.plan_digest, rule, reason, place.now())
        place.evidence.append(request.id, "rule-decision", WHO, event.document())


def _answered(place: Workplace, case: Case) -> dict[str, Any]:
    now, request = place.now(), case.request
    status = case.status(place.settings.policy, now)
    place.index.classified(
        request.id,
        document=json.dumps(request.document(), sort_keys=True),
        risk=request.risk.value,
        expires=request.expires,
        bundle=case.asked.bundle,
    )
    place.index.settle(request.id, status.state.value, final=status.state.final)
    found = answer(request, status, now, digest=case.digest)
    people = {State.PENDING: "people", State.APPROVED: "rule", State.EXECUTING: "rule"}
    return {
        **found,
        "next": people.get(status.state, "refused"),
        "risk": request.risk.value,
        "environment": request.environment,
        "expires": written(request.expires),
        "scan": {
            "approval": request.id,
            "planDigest": request.plan_digest,
            "bundle": {"bucket": place.bucket, **case.asked.bundle.document()},
            "risk": request.risk.value,
            "environment": request.environment,
        },
    }


def _refusal(approval: str, plan_digest: str, reason: str) -> dict[str, Any]:
    """Return the answer for what could not become a request."""
    return {
        "approval": approval,
        "approvalDigest": "",
        "planDigest": plan_digest,
        "risk": "",
        "environment": "",
        "expires": "",
        "next": "refused",
        "state": State.REFUSED.value,
        "because": reason,
        "waitSeconds": 1,
        "opens": "",
        "notices": [],
        "scan": {},
    }


def _shown(asked: dict[str, Any]) -> dict[str, str]:
    requester = asked.get("requester")
    return {str(name): line(value) for name, value in requester.items()} if isinstance(requester, dict) else {}
