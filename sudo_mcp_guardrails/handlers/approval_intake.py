"""Take in what agents propose: the only way into the approval workflow.

A function URL with IAM authentication: AWS checks the signature and puts the caller's ARN into the event. It is the
session of a plan role, whose name gives the agent, and whose session name gives the run; the registry of runs gives the
person and the ticket behind it. ``POST /approvals`` proposes, ``GET /approvals/<id>`` tells where it stands,
``POST /approvals/<id>/withdraw`` takes it back.

Proposing again with the same ``token`` gives the same approval: whoever did not get the answer asks again.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.canonical import canonical, parsed
from sudo_mcp_guardrails.approval.deciding.events import Withdrawal
from sudo_mcp_guardrails.approval.errors import ApprovalError
from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.approval.store.steps import line
from sudo_mcp_guardrails.handlers.approval_proposal import Caller, Refusal, proposed
from sudo_mcp_guardrails.handlers.approval_settings import workplace
from sudo_mcp_guardrails.state.runs import RunRegistry

if TYPE_CHECKING:
    from sudo_mcp_guardrails.handlers.approval_settings import Workplace

MAX_BODY: Final = 6 * 1024 * 1024
"""A function URL takes 6 MiB."""
PATH: Final = re.compile(r"/approvals(?:/(?P<approval>apr-[0-9A-HJKMNP-TV-Z]{26})(?P<withdraw>/withdraw)?)?/?")
_MAX_REFUSALS: Final = 100

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


def handler(event: dict[str, Any], _context: object, clients: Workplace | None = None) -> dict[str, Any]:
    """Answer one request.

    Args:
        event: a function URL's event, payload format 2.0.
        clients: settings and stores; made when left out.
    """
    place = workplace(clients)
    name = "unknown"
    try:
        name, agent, run = _session(event, place)
        method, approval, withdraw = _route(event)
        caller = _caller(place, agent, run)
        if method == "GET":
            status, answer = 200, _shown(place, caller, approval)
        elif withdraw:
            status, answer = 200, _withdrawn(place, caller, approval, _body(event))
        else:
            status, answer = 202, proposed(place, caller, _body(event))
    except Refusal as refusal:
        _say("refused", caller=name, reason=str(refusal))
        _record_refusal(place, name, str(refusal))
        return _answer(refusal.status, {"error": str(refusal)})
    _say("answered", caller=name, approval=str(answer["approval"]), method=method)
    return _answer(status, answer)


def _session(event: dict[str, Any], place: Workplace) -> tuple[str, str, str]:
    """Return the ARN that AWS verified, and the agent and the run in it."""
    try:
        arn = str(event["requestContext"]["authorizer"]["iam"]["userArn"])
    except (KeyError, TypeError):
        raise Refusal(403, "the caller is not authenticated by IAM") from None
    names = place.environ
    head = f"arn:{names['PARTITION']}:sts::{names['ACCOUNT']}:assumed-role/{names['PREFIX']}-"
    role, _, run = arn.removeprefix(head).rpartition("/")
    if not arn.startswith(head) or not role.endswith("-plan"):
        raise Refusal(403, "the caller is no plan session of an agent")
    return arn, role.removesuffix("-plan"), run


def _route(event: dict[str, Any]) -> tuple[str, str, bool]:
    method = str(event["requestContext"].get("http", {}).get("method", ""))
    found = PATH.fullmatch(str(event.get("rawPath", "")))
    approval = (found["approval"] or "") if found else ""
    withdraw = bool(found and found["withdraw"])
    if found is None or method not in {"GET", "POST"} or (method == "GET") != (bool(approval) and not withdraw):
        raise Refusal(
            404, "allowed are POST /approvals, GET /approvals/<id> and POST /approvals/<id>/withdraw, nothing else"
        )
    return method, approval, withdraw


def _caller(place: Workplace, agent: str, run: str) -> Caller:
    """Return who is behind a session; refuses where that cannot be told."""
    settings = place.settings.agents.get(agent)
    if settings is None:
        raise Refusal(403, f"agent {agent[:80]!r} is not known here")
    verdict = place.allows(agent)
    if not verdict.allowed:
        _say("contained", agent=agent, reason=verdict.reason, incident=verdict.incident)
        raise Refusal(403, f"agent {agent!r} proposes nothing now")
    found = RunRegistry(place.clients.dynamodb, place.environ["RUNS_TABLE"]).find(run)
    if found is None or found.agent != agent or found.capability != "plan":
        raise Refusal(403, f"run {run[:80]!r} is no plan run of {agent!r} that the broker wrote down")
    if place.now() > found.ends:
        raise Refusal(403, f"run {run!r} ended {written(found.ends)}")
    if place.settings.policy.people.of(found.caller) is None:
        raise Refusal(403, f"caller {found.caller!r} behind run {run!r} is nobody that the approval policy knows")
    return Caller(found, settings)


def _shown(place: Workplace, caller: Caller, approval: str) -> dict[str, Any]:
    """Tell the agent where its approval stands: nothing of who decides, and no token."""
    row = place.index.get(approval)
    if row is None or row.agent != caller.run.agent:
        raise Refusal(404, f"agent {caller.run.agent!r} has no approval {approval!r}")
    if not row.document:
        return {"approval": approval, "state": row.state, "because": ""}
    case = place.case(approval)
    status = case.status(place.settings.policy, place.now())
    return {
        "approval": approval,
        "state": status.state.value,
        # An agent is not told who refused: it could turn to the others.
        "because": "people refused it" if case.refusers(status) else line(status.because),
        "missing": list(status.missing),
        "risk": case.request.risk.value,
        "reasons": list(case.request.reasons),
        "planDigest": case.request.plan_digest,
        "expires": written(case.request.expires),
    }


def _withdrawn(place: Workplace, caller: Caller, approval: str, body: dict[str, Any]) -> dict[str, Any]:
    """Take a request back, for the run that made it."""
    reason = body.get("reason", "")
    if set(body) - {"reason"} or not isinstance(reason, str):
        raise Refusal(400, "the body must have the reason as text, and nothing else")
    row = place.index.get(approval)
    if row is None or row.agent != caller.run.agent:
        raise Refusal(404, f"agent {caller.run.agent!r} has no approval {approval!r}")
    if not row.document:
        raise Refusal(409, f"approval {approval!r} is not classified yet, ask again in a moment")
    case = place.case(approval)
    if case.request.requester.run != caller.run.id:
        raise Refusal(403, f"approval {approval!r} was asked for by another run")
    if not any(isinstance(event, Withdrawal) and event.by == caller.run.id for event in case.events):
        event = Withdrawal(approval, caller.run.id, line(reason), place.evidence.now())
        place.evidence.append(approval, "withdrawal", caller.run.id, event.document())
    status = place.case(approval).status(place.settings.policy, place.now())
    return {"approval": approval, "state": status.state.value, "because": line(status.because)}


def _body(event: dict[str, Any]) -> dict[str, Any]:
    text = event.get("body") or ""
    try:
        data = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
        if len(data) > MAX_BODY:
            raise Refusal(413, f"the body has {len(data)} bytes, allowed are {MAX_BODY}")
        found = parsed(data, "the body")
        canonical(found)
    except ApprovalError as error:
        raise Refusal(400, line(error)) from None
    except ValueError:
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(found, dict):
        raise Refusal(400, "the body must be an object")
    return found


def _record_refusal(place: Workplace, caller: str, reason: str) -> None:
    """Record a refusal on the run's own chain, as long as there are not too many of them."""
    run = caller.rpartition("/")[2]
    if not re.fullmatch(r"run-[0-9A-HJKMNP-TV-Z]{26}", run):
        return
    chain = f"intake/{run}"
    last = place.evidence.last(chain)
    if last is None or last.number < _MAX_REFUSALS:
        place.evidence.append(chain, "refused", caller, {"reason": line(reason)})


def _answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}


def _say(outcome: str, **fields: str) -> None:
    """Write one line of the log; never what was proposed."""
    _log.info(json.dumps({"intake": outcome, **{name: line(value) for name, value in fields.items()}}))
