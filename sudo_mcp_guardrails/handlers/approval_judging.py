"""Judge a plan, and write the first record of its approval: what is asked for, and why it is as dangerous as it is."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest, Requester
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import moment
from sudo_mcp_guardrails.approval.risk import RiskContext, assess
from sudo_mcp_guardrails.approval.risk_rules.context import Recent
from sudo_mcp_guardrails.approval.session.limits import limits
from sudo_mcp_guardrails.approval.store.asked import MAX_LIMITS, SCAN_NONE, SCAN_WANTED, Asked, BundleRef
from sudo_mcp_guardrails.approval.store.bundle import MAX_BUNDLE, Bundle
from sudo_mcp_guardrails.approval.store.evidence_store import Lost
from sudo_mcp_guardrails.approval.store.steps import line
from sudo_mcp_guardrails.approval.store.work import operation_of
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.approval.risk import RiskAssessment
    from sudo_mcp_guardrails.handlers.approval_settings import Workplace

WHO: Final = "approval-classify"
MAX_REASONS: Final = 100
"""Most reasons of a request; how many more there are stands in the last one."""
_LINE: Final = 600
_MAX_SERVICES: Final = 100
_FORBIDDEN_LIFE: Final = 60


class Refused(Exception):  # noqa: N818 - it is an answer and not a failure
    """What is asked for is refused before it can be a request, with the reason."""


def bundled_plan(place: Workplace, event: dict[str, Any]) -> Plan:
    """Read the bundle by its version, and check that it is the one, and its plan the one that the broker read.

    Args:
        place: settings and stores.
        event: of the state.

    Raises:
        Refused: it is another bundle, or another plan.
        ApprovalError: what is there is none.
    """
    reference = BundleRef.from_document(event["bundle"])
    found = place.clients.s3.get_object(Bucket=place.bucket, Key=reference.key, VersionId=reference.version)
    text = found["Body"].read(MAX_BUNDLE + 1)
    if hashlib.sha256(text).hexdigest() != reference.digest:
        raise Refused(f"bundle {reference.key!r} is not the one that was read")
    plan = Bundle.from_json(text).plan()
    if plan.digest != event["planDigest"]:
        raise Refused(f"the bundle's plan has digest {plan.digest}, the broker read {str(event['planDigest'])[:64]!r}")
    return plan


def begin(place: Workplace, event: dict[str, Any], plan: Plan) -> None:
    """Write the first record of an approval.

    Args:
        place: settings and stores.
        event: of the state.
        plan: that is asked for.

    Raises:
        Refused: it is about no environment of the agent's.
        ApprovalError: it cannot be a request.
    """
    asked = event["input"]
    approval = str(asked["approval"])
    assessment = _assessed(place, asked, plan)
    request = _request(place, asked, plan, assessment)
    bound = [line(each, _LINE) for each in limits(plan)]
    body = Asked(
        form=plan.form,
        target=line(plan.target, _LINE),
        artifact=line(plan.artifact, 1_000),
        changes=len(plan.changes),
        bundle=BundleRef.from_document(event["bundle"]),
        limits=_listed(bound, MAX_LIMITS),
        fingerprint=place.settings.fingerprints.get(request.requester.agent, ""),
        operation=operation_of(plan),
        scan=SCAN_WANTED if place.environ.get("SCANNER") else SCAN_NONE,
        triggers=assessment.triggers,
    ).body(request)
    try:
        place.evidence.append_if(approval, None, "request", WHO, body)
    except Lost:
        # Called twice at once: the other's record is the first, with its own nonce.
        return


def _assessed(place: Workplace, asked: dict[str, Any], plan: Plan) -> RiskAssessment:
    """Assess the risk, with what the agent proposed before; this plan is remembered before the others are read."""
    agent, settings = str(asked["requester"]["agent"]), place.settings
    known = settings.agents.get(agent)
    environment = known.environment(str(asked["environment"])) if known else None
    if known is None or environment is None:
        raise Refused(f"agent {agent[:80]!r} has no environment {str(asked['environment'])[:40]!r}")
    if asked["account"] not in environment.accounts or asked["region"] not in environment.regions:
        raise Refused(f"account and Region are none of environment {environment.name!r}")
    now = datetime.fromtimestamp(place.now(), timezone.utc)
    context = RiskContext(
        # One environment: the plan is decided by the rules of the one that it is proposed for.
        environments=(environment,),
        account=str(asked["account"]),
        region=str(asked["region"]),
        names=GuardrailNames(settings.prefix),
        own=known.own,
        sensitive_reads=known.sensitive_reads,
        now=now,
        levels=place.levels,
    )
    created = datetime.fromtimestamp(moment(str(asked["created"])), timezone.utc)
    # R3 until it is judged: what was not judged to its end counts as dangerous.
    place.recent.put(agent, str(asked["approval"]), Recent.of(plan, RiskClass.R3, created))
    window = context.limits.window + timedelta(minutes=5)
    recent = place.recent.of(agent, int((now - window).timestamp()))
    assessment = assess(plan, replace(context, recent=recent))
    place.recent.put(agent, str(asked["approval"]), Recent.of(plan, assessment.risk, created))
    return assessment


def _request(place: Workplace, asked: dict[str, Any], plan: Plan, assessment: RiskAssessment) -> ApprovalRequest:
    now, policy = place.evidence.now(), place.settings.policy
    reasons = [
        line(f"{each.risk.value} {each.rule}{f' ({each.where})' if each.where else ''}: {each.text}", _LINE)
        for each in assessment.reasons[: MAX_REASONS + 1]
    ]
    request = ApprovalRequest(
        id=str(asked["approval"]),
        plan_digest=plan.digest,
        risk=assessment.risk,
        reasons=_listed(reasons, MAX_REASONS, len(assessment.reasons)),
        requester=Requester(**{name: str(asked["requester"][name]) for name in ("agent", "run", "person", "owner")}),
        environment=str(asked["environment"]),
        account=str(asked["account"]),
        region=str(asked["region"]),
        ticket=str(asked["ticket"]),
        created=now,
        expires=now + _FORBIDDEN_LIFE,
        nonce=secrets.token_hex(16),
        policy_version=policy.version,
        services=_services(plan),
    )
    try:
        life = policy.quorum(request).expires_after
    except DecisionError:
        return request  # nobody can approve it, as its first look says
    return replace(request, expires=now + life)


def _services(plan: Plan) -> tuple[str, ...]:
    """Return the services of a plan; none where that cannot be told of every change."""
    if any(not change.actions for change in plan.changes):
        return ()
    found = {action.partition(":")[0].lower() for change in plan.changes for action in change.actions}
    return tuple(sorted(found)) if len(found) <= _MAX_SERVICES and "*" not in found else ()


def _listed(lines: list[str], most: int, total: int = 0) -> tuple[str, ...]:
    """Return the first lines, each once, and how many more there are."""
    unique = list(dict.fromkeys(lines))
    more = max(len(unique), total) - most
    if more <= 0:
        return tuple(unique)
    return (*unique[: most - 1], f"and {more + 1} more")
