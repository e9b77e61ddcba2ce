"""Take a decision in: record it, see whether it counts, and wake the workflow where something follows from it.

What counts is told by the evidence, replayed with the decision in it, and never by what this function believed before:
two approvers at once, a double click and a decision that comes while the approval ends all come out the same for
whoever replays the chain. Waking the workflow decides nothing either; it looks by itself every five minutes.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.deciding.decision import Decision, Statement, Verdict
from sudo_mcp_guardrails.approval.deciding.events import Withdrawal
from sudo_mcp_guardrails.approval.deciding.status import State
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.store.aws import code_of
from sudo_mcp_guardrails.handlers.approval_api_delegating import proxy_of
from sudo_mcp_guardrails.handlers.approval_api_proving import offered, proved
from sudo_mcp_guardrails.handlers.approval_api_reading import status_of, token_id
from sudo_mcp_guardrails.handlers.approval_api_request import Refusal, text_in, truth_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.deciding.status import Status
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.handlers.approval_api_place import ApiPlace, Caller

STATED: Final = frozenset(
    {"verdict", "comment", "token", "breakGlass", "onBehalfOf", "approvalDigest", "planDigest", "assertion"}
)
"""What a body of a decision may have."""
DECISION: Final = "decision"
NOT_TAKEN: Final = "decision-refused"
"""Kind of the record of what never became a decision, such as one with an assertion that does not hold."""
WITHDRAWAL: Final = "withdrawal"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_OVER: Final = frozenset({"TaskTimedOut", "InvalidToken", "TaskDoesNotExist"})

_log = logging.getLogger(__name__)


def challenge(place: ApiPlace, caller: Caller, approval: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is to be signed, or signed in for, so that just this decision is proved; raises Refusal."""
    case = place.asked_case(approval, caller)
    _check_open(case, case.status(place.settings.policy, place.now()))
    stated = _statement(case, caller, body)
    return {
        **offered(place, caller, stated.challenge),
        "approvalDigest": case.digest,
        "planDigest": case.request.plan_digest,
    }


def decide(place: ApiPlace, caller: Caller, approval: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Record a decision, and return where the approval stands then.

    Raises:
        Refusal: it does not count; that is on record too.
    """
    case = place.asked_case(approval, caller)
    stated = _statement(case, caller, body)
    before = _same(case, stated)
    if before is None:
        place.check_room(case)
        now = place.now()
        try:
            factor = proved(place, caller, stated.challenge, body.get("assertion"))
            made = Decision(stated, caller.groups, now, factor, proxy_of(place, caller, stated.on_behalf_of))
        except DecisionError as error:
            _record_refusal(place, caller, stated, str(error))
            raise Refusal(403, str(error)) from None
        place.decisions.append(approval, DECISION, caller.identity.name, made.document())
        case = place.case(approval)
    status = case.status(place.settings.policy, place.now())
    made, number, event = _found(case, stated)
    if status.state is not State.PENDING:
        _wake(place, approval, made.digest, number)
    for one in status.uncounted:
        if one.number == event:
            _answer_no(status, one.reason)
    return {"status": status_of(place, case, status), "counted": True}


def withdraw(place: ApiPlace, caller: Caller, approval: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Take a request back, for the person or the owner behind it. It stops something, and so takes no fresh sign-in.

    Raises:
        Refusal: he did not ask, or it is over.
    """
    case = place.asked_case(approval, caller)
    _check_open(case, case.status(place.settings.policy, place.now()))
    if not place.behind(case, caller):
        raise Refusal(403, f"{caller.identity.name!r} did not ask, and cannot take it back")
    place.check_room(case)
    made = Withdrawal(approval, caller.identity.name, _comment(body, "reason"), place.now())
    record = place.decisions.append(approval, WITHDRAWAL, caller.identity.name, made.document())
    case = place.case(approval)
    status = case.status(place.settings.policy, place.now())
    _wake(place, approval, record.digest, record.number)
    if status.state is not State.WITHDRAWN:
        raise Refusal(409, f"it is {status.state.value}: {status.because or 'decided'}")
    return {"status": status_of(place, case, status)}


def _statement(case: Case, caller: Caller, body: Mapping[str, Any]) -> Statement:
    """Return what somebody states, about what he was shown; raises Refusal."""
    for name, mine in (("approvalDigest", case.digest), ("planDigest", case.request.plan_digest)):
        if name in body and body[name] != mine:
            raise Refusal(409, f"{name} is another one than this approval's: load it again")
    token, verdict = text_in(body, "token", most=64), text_in(body, "verdict", most=20)
    if not _TOKEN.fullmatch(token):
        raise Refusal(400, "the token is none of this page")
    if verdict not in {one.value for one in Verdict}:
        raise Refusal(400, f"verdict {verdict!r} is none, allowed are approve and refuse")
    try:
        return Statement(
            case.request.id,
            case.digest,
            case.request.plan_digest,
            caller.identity.name,
            Verdict(verdict),
            token_id(token),
            _comment(body, "comment"),
            on_behalf_of=text_in(body, "onBehalfOf", most=100),
            break_glass=truth_in(body, "breakGlass"),
        )
    except DecisionError as error:
        raise Refusal(400, str(error)) from None


def _comment(body: Mapping[str, Any], name: str) -> str:
    # Browsers send both ends of a line; one text has one form.
    return text_in(body, name).replace("\r\n", "\n").strip()


def _check_open(case: Case, status: Status) -> None:
    if status.state is State.EXPIRED:
        raise Refusal(410, f"approval {case.request.id!r} has expired: ask for a new one")
    if status.state not in {State.PENDING, State.APPROVED}:
        raise Refusal(409, f"it is {status.state.value}: {status.because or 'decided'}")


def _same(case: Case, stated: Statement) -> Decision | None:
    """Return the decision that says just this already: a double click, or a second try after a lost answer."""
    return next((one for one in case.events if isinstance(one, Decision) and one.statement == stated), None)


def _found(case: Case, stated: Statement) -> tuple[Decision, int, int]:
    """Return the recorded decision, the number of its record, and its place among the events."""
    made = _same(case, stated)
    if made is None:
        raise Refusal(500, f"the decision is not in the chain of {case.request.id!r}")
    body = made.document()
    number = next(one.number for one in case.records if one.kind == DECISION and one.body == body)
    return made, number, case.events.index(made)


def _answer_no(status: Status, reason: str) -> None:
    if status.state is State.EXPIRED:
        raise Refusal(410, f"it came too late and does not count: {status.because}")
    if status.state not in {State.PENDING, State.APPROVED}:
        raise Refusal(409, f"it does not count: {reason}")
    raise Refusal(403, f"it is on record and does not count: {reason}")


def _record_refusal(place: ApiPlace, caller: Caller, stated: Statement, reason: str) -> None:
    """Record that somebody tried, and why it was not taken."""
    body = {
        "verdict": stated.verdict.value,
        "approvalDigest": stated.approval_digest,
        "planDigest": stated.plan_digest,
        "reason": reason[:2_000],
    }
    place.decisions.append(stated.approval_id, NOT_TAKEN, caller.identity.name, body)


def _wake(place: ApiPlace, approval: str, digest: str, number: int) -> None:
    """End the workflow's wait, where it waits; the token is deleted last, so that a crash loses nothing.

    Args:
        place: to work at.
        approval: its id.
        digest: of the decision, or of a withdrawal's record: what is signed, and what the workflow verifies.
        number: of the record.
    """
    token = place.tokens.get(approval)
    if token is None:
        return
    signature = place.decision_signer.sign(bytes.fromhex(digest))
    told = {
        "approval": approval,
        "decision": digest,
        "number": number,
        "signature": base64.b64encode(signature).decode(),
    }
    try:
        place.clients.stepfunctions.send_task_success(taskToken=token.value, output=json.dumps(told))
    except Exception as error:  # noqa: BLE001 - whatever it is, the decision is recorded
        if code_of(error) not in _OVER:
            # The decision is recorded and stands: the workflow finds it at its next look.
            _log.exception("the workflow of %s could not be woken", approval)
            return
    place.tokens.delete(approval, token)
