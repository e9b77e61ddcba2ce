"""Record how the states of the workflow ended: the scan, an execution, a refusal, a failure of the workflow itself.

Each operation is safe to do again. What becomes of an item goes into the agent's ledger of trust: a clean execution as
such; a refusal by people, a scan that was not passed, an execution that failed or deviated as a failure. What expired,
was withdrawn, or was refused for a policy that changed, says nothing about the agent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.deciding.events import ExecutionEnded, Outcome
from sudo_mcp_guardrails.approval.deciding.status import State
from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.store.asked import SCAN_NONE
from sudo_mcp_guardrails.approval.store.case import ENDED_UNASKED, REFUSED, SCAN
from sudo_mcp_guardrails.approval.store.steps import line, notices
from sudo_mcp_guardrails.approval.trust_ledger.facts import HardTrigger, Result, Trigger
from sudo_mcp_guardrails.approval.trust_ledger.facts import Outcome as TrustOutcome
from sudo_mcp_guardrails.handlers.approval_recheck import note_told
from sudo_mcp_guardrails.handlers.approval_settings import workplace

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.approval.deciding.status import Status
    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.handlers.approval_settings import Workplace

WHO: Final = "approval-record"
DEVIATIONS: Final = "deviations"
UNKNOWN_RESULT: Final = "the execution began and its result is not known: look at"
MAX_FINDINGS: Final = 100
MAX_DEVIATIONS: Final = 200
_DETAIL: Final = 1_800
_FAILED: Final = "failed"


def handler(event: dict[str, Any], _context: object, clients: Workplace | None = None) -> dict[str, Any]:
    """Do one operation.

    Args:
        event: ``op`` as one of ``scanned``, ``ended``, ``refused`` and ``failed``, ``approval``, and what it takes.
        clients: settings and stores; made when left out.

    Raises:
        EvidenceError: the operation is not known, or the chain is not whole.
        Exception: what AWS answers; the state is tried again.
    """
    operations: dict[str, Callable[[Workplace, dict[str, Any]], dict[str, Any]]] = {
        "scanned": _scanned,
        "ended": _ended,
        "refused": _refused,
        "failed": _failed,
    }
    operation = operations.get(str(event.get("op")))
    if operation is None:
        raise EvidenceError(f"operation {line(event.get('op'), 40)!r} is not known, allowed: {', '.join(operations)}")
    return operation(workplace(clients), event)


def _scanned(place: Workplace, event: dict[str, Any]) -> dict[str, Any]:
    """Record what the scanner says, or that there is none. What is no verdict is not passed."""
    approval = str(event["approval"])
    case = place.case(approval)
    done = case.of_kind(SCAN)
    body = dict(done[0].body) if done else _verdict(case, event.get("scan"))
    if not done:
        place.evidence.append(approval, SCAN, WHO, body)
        case = place.case(approval)
    status = _settled(place, case)
    if body["passed"] is not True:
        _earn(place, case, status, Result.FAILURE)
    return {
        "approval": approval,
        "passed": body["passed"] is True,
        "because": "" if body["passed"] is True else line(status.because),
        "next": "people" if body["passed"] is True else "refused",
        "notices": notices(status.notices),
    }


def _verdict(case: Case, scan: object) -> dict[str, Any]:
    if case.asked.scan == SCAN_NONE:
        return {"passed": True, "scanner": "none", "findings": []}
    if not isinstance(scan, dict) or set(scan) != {"passed", "findings"}:
        return {
            "passed": False,
            "scanner": "given",
            "findings": ["the scanner did not answer with passed and findings"],
        }
    passed, findings = scan["passed"], scan["findings"]
    if type(passed) is not bool or not isinstance(findings, list):
        return {"passed": False, "scanner": "given", "findings": ["the scanner's answer is no verdict"]}
    listed = [line(each) for each in findings[:MAX_FINDINGS]]
    return {"passed": passed, "scanner": "given", "findings": listed, "count": len(findings)}


def _ended(place: Workplace, event: dict[str, Any]) -> dict[str, Any]:
    """Record how an execution ended, and what of it was not as planned."""
    approval, execution = str(event["approval"]), str(event["execution"])
    case = place.case(approval)
    note_told(place, case, event.get("notified", ()))
    if case.started is None or case.started.execution != execution:
        raise EvidenceError(f"execution {line(execution, 80)!r} of approval {approval!r} never began")
    found = event.get("deviations") or []
    deviations = [line(each) for each in found[:MAX_DEVIATIONS]]
    if case.ended is None:
        if deviations and not case.of_kind(DEVIATIONS):
            body = {"execution": execution, "deviations": deviations, "count": len(found)}
            place.evidence.append(approval, DEVIATIONS, WHO, body)
        outcome = Outcome(event["outcome"])
        detail = line(event.get("detail", ""), _DETAIL)
        if deviations:
            detail = line(f"{detail} {len(found)} deviations: {'; '.join(deviations)}", _DETAIL)
        ended = ExecutionEnded(approval, execution, outcome, detail, place.evidence.now())
        place.evidence.append(approval, "outcome", WHO, ended.document())
    case = place.case(approval)
    status = _settled(place, case)
    clean = status.state is State.EXECUTED and not case.of_kind(DEVIATIONS)
    _earn(place, case, status, Result.CLEAN if clean else Result.FAILURE)
    return _told(case, status)


def _refused(place: Workplace, event: dict[str, Any]) -> dict[str, Any]:
    """Record that it ends here without having been carried out."""
    approval = str(event["approval"])
    if not place.evidence.records(approval):
        place.evidence.append(approval, REFUSED, WHO, {"reason": line(event.get("because") or "it was refused")})
    case, refused = _case(place, approval)
    if case is None:
        place.index.settle(approval, State.REFUSED.value, final=True)
        return {"approval": approval, "state": State.REFUSED.value, "because": refused, "notices": []}
    note_told(place, case, event.get("notified", ()))
    status = case.status(place.settings.policy, place.now())
    if status.state in {State.PENDING, State.APPROVED}:
        reason = line(event.get("because") or "the workflow ended")
        place.evidence.append(approval, REFUSED, WHO, {"reason": reason})
    elif status.state is State.EXECUTING:
        # It cannot be refused any more: something began, and how it ended nobody says.
        _unknown_result(place, case, line(event.get("because", "")))
    case = place.case(approval)
    status = _settled(place, case)
    if status.state is State.FAILED or case.refusers(status):
        _earn(place, case, status, Result.FAILURE)
    return _told(case, status)


def _failed(place: Workplace, event: dict[str, Any]) -> dict[str, Any]:
    """Record that the workflow failed. What may have begun is recorded as such: never as nothing."""
    approval = str(event["approval"])
    names = {name: line(event.get(name, "")) for name in ("error", "cause", "state")}
    reason = f"the workflow failed in {names['state'] or 'a state'}: {names['error']}"
    try:
        case, _ = _case(place, approval)
    except EvidenceError as error:
        return _broken(place, approval, reason, names, line(error))
    if case is None:
        if not place.evidence.records(approval):
            place.evidence.append(approval, REFUSED, WHO, {"reason": reason, **names})
        place.index.settle(approval, _FAILED, final=True)
        return {"approval": approval, "state": _FAILED, "because": reason, "notices": []}
    status = case.status(place.settings.policy, place.now())
    if case.started is not None and status.state is State.EXECUTING:
        _unknown_result(place, case, f"{reason} {names['cause']}")
    elif not status.state.final:
        place.evidence.append(approval, REFUSED, WHO, {"reason": reason, **names})
    case = place.case(approval)
    status = _settled(place, case)
    if status.state is State.FAILED:
        _earn(place, case, status, Result.FAILURE)
    return _told(case, status)


def _case(place: Workplace, approval: str) -> tuple[Case | None, str]:
    """Return an approval, or None and why where it was refused before it was asked for, or is not there at all."""
    records = place.evidence.checked(approval, place.verifier, place.keys)
    if not records or records[0].kind in ENDED_UNASKED:
        return None, line(records[0].body.get("reason", "")) if records else ""
    return place.case(approval), ""


def _broken(place: Workplace, approval: str, reason: str, names: dict[str, str], problem: str) -> dict[str, Any]:
    """Record, as far as that goes, that a chain is not whole; the agent that it is about is not believed any more."""
    row = place.index.get(approval)
    if row is not None and place.trust is not None:
        place.trust.add(row.agent, Trigger(HardTrigger.LEDGER_BREAK, approval), WHO)
    last = place.evidence.last(approval)
    if last is None or last.kind != _FAILED:
        place.evidence.append(approval, _FAILED, WHO, {"reason": reason, "problem": problem, **names})
    place.index.settle(approval, _FAILED, final=True)
    return {"approval": approval, "state": _FAILED, "because": problem, "notices": []}


def _unknown_result(place: Workplace, case: Case, because: str) -> None:
    if case.started is None or case.ended is not None:
        return
    where = case.asked.artifact or case.asked.target or f"account {case.request.account}, {case.request.region}"
    detail = line(f"{UNKNOWN_RESULT} {where}. {because}", _DETAIL)
    ended = ExecutionEnded(case.request.id, case.started.execution, Outcome.FAILED, detail, place.evidence.now())
    place.evidence.append(case.request.id, "outcome", WHO, ended.document())


def _settled(place: Workplace, case: Case) -> Status:
    status = case.status(place.settings.policy, place.now())
    place.index.settle(case.request.id, status.state.value, final=status.state.final)
    return status


def _earn(place: Workplace, case: Case, status: Status, result: Result) -> None:
    """Record what an item was worth, where the agent's version is known; of R4 the attempt is recorded, and no item."""
    request = case.request
    if place.trust is None or not case.asked.fingerprint or request.risk is RiskClass.R4:
        return
    fact = TrustOutcome(
        item=request.id,
        fingerprint=case.asked.fingerprint,
        risk=request.risk,
        environment=request.environment,
        result=result,
        operation=case.asked.operation,
        requester=place.settings.policy.people.of(request.requester.person) or request.requester.person,
        approvers=status.approvers,
    )
    place.trust.add(request.requester.agent, fact, WHO)


def _told(case: Case, status: Status) -> dict[str, Any]:
    return {
        "approval": case.request.id,
        "state": status.state.value,
        "because": line(status.because),
        "notices": notices(status.notices),
    }
