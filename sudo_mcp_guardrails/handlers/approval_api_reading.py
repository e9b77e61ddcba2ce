"""What the page shows: who you are, what is to be decided, and one approval with all that speaks for and against it."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.chain.rows import audit_rows
from sudo_mcp_guardrails.approval.deciding.events import Viewed
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.handlers.approval_api_plan import shown_plan
from sudo_mcp_guardrails.handlers.approval_api_proving import factors
from sudo_mcp_guardrails.handlers.approval_api_request import Refusal

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.status import Status
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.handlers.approval_api_place import ApiPlace, Caller
    from sudo_mcp_guardrails.handlers.approval_api_request import Request

VIEW: Final = "view"
_HISTORY: Final = 300
_LISTED: Final = 200


def me(place: ApiPlace, caller: Caller) -> dict[str, Any]:
    """Return who asks, his groups now, and how he can prove to be there."""
    return {
        "identity": caller.identity.name,
        "person": caller.person,
        "groups": list(caller.groups),
        "keys": len(place.credentials.of(caller.person)),
        "factors": [kind.value for kind in factors(place, caller)],
        "decides": place.may_read(caller),
    }


def listed(place: ApiPlace, caller: Caller, request: Request) -> dict[str, Any]:
    """Return the approvals, the newest first: those that are open, or all. An index: each one's evidence decides."""
    if not place.may_read(caller):
        raise Refusal(403, f"{caller.identity.name!r} is in no group that decides here")
    state = request.query.get("state", "open")
    if state not in {"open", "all"}:
        raise Refusal(400, f"state {state[:40]!r} is none, allowed are open and all")
    rows = place.index.listed(only_open=state == "open", limit=_LISTED)
    now = place.now()
    return {
        "now": written(now),
        "approvals": [
            {
                "approval": row.approval,
                "state": "expired" if row.is_open and row.risk and row.expires <= now else row.state,
                "agent": row.agent,
                "environment": row.environment,
                "risk": row.risk,
                "created": written(row.created),
                "expires": written(row.expires) if row.expires else None,
                "summary": row.summary,
            }
            for row in rows
        ],
        "more": len(rows) == _LISTED,
    }


def shown(place: ApiPlace, caller: Caller, approval: str) -> dict[str, Any]:
    """Return one approval, record that it was shown, and give a token for one decision about just this.

    The record comes first: nobody sees what he could not be shown to have seen. What is final gives no token.

    Raises:
        Refusal: there is none, or nothing that could be decided about.
    """
    case = place.asked_case(approval, caller)
    plan = shown_plan(place, case)
    status = case.status(place.settings.policy, place.now())
    token = ""
    if not status.state.final:
        place.check_room(case)
        token = secrets.token_urlsafe(32)
        view = Viewed(approval, case.digest, caller.identity.name, token_id(token), place.now())
        place.decisions.append(approval, VIEW, caller.identity.name, view.document())
        case = place.case(approval)
        status = case.status(place.settings.policy, place.now())
    return {
        "approval": approval,
        "now": written(place.now()),
        "request": case.request.document(),
        "approvalDigest": case.digest,
        "planDigest": case.request.plan_digest,
        "status": status_of(place, case, status),
        "plan": plan.summary(),
        "changes": plan.changes(offset=0, find="", operation=""),
        "limits": list(case.asked.limits),
        "history": _history(case),
        "proof": {
            "records": len(case.records),
            "head": case.last.digest,
            "planDigest": plan.plan.digest,
            "bundle": case.asked.bundle.document(),
            "scan": _scan(case),
        },
        "token": token,
        "tokenSeconds": place.settings.policy.freshness.max_age,
        "you": {
            "identity": caller.identity.name,
            "requester": place.behind(case, caller),
            "mayDecide": _may(place, case, caller, status),
            "mayBreakGlass": bool(set(place.settings.policy.breaking(case.request)).intersection(caller.groups)),
            "factors": [kind.value for kind in factors(place, caller)],
        },
    }


def changes(place: ApiPlace, caller: Caller, approval: str, request: Request) -> dict[str, Any]:
    """Return further changes of a plan, or one with all its properties; raises Refusal."""
    plan = shown_plan(place, place.asked_case(approval, caller))
    query = request.query
    if "id" in query:
        return plan.change(query["id"])
    offset = query.get("offset", "0")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 6):  # noqa: PLR2004 - a plan has up to 20,000
        raise Refusal(400, f"offset {offset[:40]!r} is no number of up to five digits")
    return plan.changes(offset=int(offset), find=query.get("find", "")[:200], operation=query.get("operation", "")[:20])


def status_of(place: ApiPlace, case: Case, status: Status) -> dict[str, Any]:
    """Return where an approval stands, for the page."""
    policy = place.settings.policy
    left = max(0, case.request.expires - place.now())
    return {
        "state": status.state.value,
        "final": status.state.final,
        "because": status.because,
        "missing": list(status.missing),
        "approvers": list(status.approvers),
        "rule": status.rule,
        "breakGlass": status.break_glass,
        "opens": written(status.opens) if status.opens is not None else None,
        "nextEscalation": written(status.next_escalation) if status.next_escalation is not None else None,
        "secondsLeft": left,
        "deciding": list(policy.deciding(case.request, place.now())),
        "uncounted": [{"kind": one.kind, "who": one.who, "reason": one.reason} for one in status.uncounted[-50:]],
    }


def token_id(token: str) -> str:
    """Return what is kept of a token: its SHA-256."""
    return hashlib.sha256(token.encode()).hexdigest()


def _may(place: ApiPlace, case: Case, caller: Caller, status: Status) -> bool:
    """Return whether it makes sense to offer a decision; whether one counts is told when it is made."""
    policy = place.settings.policy
    if status.state.final or status.state.value == "executing":
        return False
    try:
        people, teams = policy.excluded(case.request.requester)
    except DecisionError:
        return False
    if caller.person in people or teams.intersection(caller.groups):
        return False
    return bool(set(policy.deciding(case.request, place.now())).intersection(caller.groups))


def _history(case: Case) -> list[dict[str, Any]]:
    names = ("number", "when", "who", "kind", "what", "why", "on_behalf_of", "proof")
    rows = list(audit_rows(case.records))[-_HISTORY:]
    return [{name: getattr(row, name) for name in names} for row in rows]


def _scan(case: Case) -> str:
    found = case.of_kind("scan")
    if found:
        return "passed" if found[-1].body.get("passed") is True else "not passed"
    return case.asked.scan
