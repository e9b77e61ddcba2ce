"""Look at an approval again: after a callback, after a while, after the calendar opened.

What the callback says decides nothing. It must be signed by the decision key over a decision, or a withdrawal, that is
in the chain, or by the kill switch's over its own withdrawal; one that is not, such as a bare ``SendTaskSuccess``, is
recorded as forged. Either way the chain is verified and replayed, and it alone says what is next.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.canonical import canonical
from sudo_mcp_guardrails.approval.deciding.decision import Decision
from sudo_mcp_guardrails.approval.deciding.events import CONTAINMENT, KINDS, Notified, event_of
from sudo_mcp_guardrails.approval.errors import ApprovalError
from sudo_mcp_guardrails.approval.store.case import REFUSED
from sudo_mcp_guardrails.approval.store.signers import KINDS_OF_DECISION_KEY, KINDS_OF_RESPONDER_KEY
from sudo_mcp_guardrails.approval.store.steps import answer, line
from sudo_mcp_guardrails.handlers.approval_settings import workplace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.approval.store.case import Case
    from sudo_mcp_guardrails.handlers.approval_settings import Workplace

WHO: Final = "approval-recheck"
FORGED: Final = "forged-callback"
MAX_ROUNDS: Final = 200
_MAX_NOTIFIED: Final = 100
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = frozenset({"approval", "decision", "number", "signature"})


def handler(event: dict[str, Any], _context: object, clients: Workplace | None = None) -> dict[str, Any]:
    """Look at one approval.

    Args:
        event: ``{"approval", "callback": <what came, or null>, "notified": [ids], "round": n}``.
        clients: settings and stores; made when left out.

    Returns:
        What :func:`~sudo_mcp_guardrails.approval.store.steps.answer` gives, with ``forged``.

    Raises:
        EvidenceError: there is no such approval, or its chain is not whole.
        Exception: what AWS answers; the state is tried again.
    """
    place = workplace(clients)
    approval, number = str(event["approval"]), int(event["round"])
    case = place.case(approval)
    note_told(place, case, event.get("notified", ()))
    callback = event.get("callback")
    because = "" if callback is None else forgery(place, case, callback)
    if because:
        _record_forgery(place, case, callback, because, number)
    if number >= MAX_ROUNDS and not case.of_kind(REFUSED) and case.started is None:
        place.evidence.append(
            approval, REFUSED, WHO, {"reason": f"it was looked at {number} times, and is not decided"}
        )
    case = place.case(approval)
    now = place.now()
    status = case.status(place.settings.policy, now)
    place.index.settle(approval, status.state.value, final=status.state.final)
    return {**answer(case.request, status, now, digest=case.digest), "forged": bool(because)}


def note_told(place: Workplace, case: Case, notified: Iterable[object]) -> None:
    """Record the notices that went out, each once."""
    told = {event.notice for event in case.events if isinstance(event, Notified)}
    for notice in [str(each) for each in notified if isinstance(each, str)][:_MAX_NOTIFIED]:
        if notice not in told:
            told.add(notice)
            event = Notified(case.request.id, notice, place.evidence.now())
            place.evidence.append(case.request.id, "notified", WHO, event.document())


def forgery(place: Workplace, case: Case, callback: object) -> str:
    """Return why a callback is none that the API function sent; empty for one that it did."""
    if not isinstance(callback, dict) or set(callback) != _FIELDS:
        return f"it does not have {', '.join(sorted(_FIELDS))}, and nothing else"
    decision, signature = callback["decision"], callback["signature"]
    if callback["approval"] != case.request.id:
        return "it is about another approval"
    if not isinstance(decision, str) or not _DIGEST.fullmatch(decision) or not isinstance(signature, str):
        return "its decision is no digest, or its signature no text"
    try:
        signed = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return "its signature is not base64"
    known = _decided(case, callback["number"])
    key = place.keys.responder if decision in known.get(CONTAINMENT, ()) else place.keys.decision
    if not place.verifier.verify(key, bytes.fromhex(decision), signed):
        return "the decision key did not sign it"
    return "" if any(decision in each for each in known.values()) else "the chain has no such decision under its number"


def _decided(case: Case, number: object) -> dict[str, set[str]]:
    """Return by its kind the digest of the decision that a record holds; of a withdrawal, the record's own."""
    for record in case.records:
        decides = record.kind in KINDS_OF_DECISION_KEY | KINDS_OF_RESPONDER_KEY
        if type(number) is int and record.number == number and decides:
            event = event_of(record.kind, record.body) if record.kind in KINDS else None
            return {record.kind: {event.digest if isinstance(event, Decision) else record.digest}}
    return {}


def _record_forgery(place: Workplace, case: Case, callback: object, because: str, number: int) -> None:
    """Record a forged callback; once for each round and content, however often the state is tried again."""
    try:
        text = canonical(callback)
    except ApprovalError:
        text = json.dumps(callback, default=str).encode("utf-8", "replace")
    body = {
        "reason": because,
        "round": number,
        "callback": hashlib.sha256(text).hexdigest(),
        "bytes": len(text),
        "shown": line(sorted(map(str, callback)) if isinstance(callback, dict) else type(callback).__name__),
    }
    if not any(record.body == body for record in case.of_kind(FORGED)):
        place.evidence.append(case.request.id, FORGED, WHO, body)
        # What a metric filter counts.
        print(json.dumps({"approval": case.request.id, "event": FORGED, "reason": because}))  # noqa: T201 - to the log
