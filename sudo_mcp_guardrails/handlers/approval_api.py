"""The approval page and its HTTP API: the only function that signs what people decide.

An HTTP API with a JWT authorizer on all of ``/api``, and a function URL with IAM authentication for IAM users, whose
policy limits ``aws:MultiFactorAuthAge``. There are no cookies, and nothing is decided by ``GET``. What identifies
people in the event was put there by AWS; the body and all other headers are whatever somebody sent.
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.store.evidence_store import Lost
from sudo_mcp_guardrails.handlers import approval_api_deciding as deciding
from sudo_mcp_guardrails.handlers import approval_api_delegating as delegating
from sudo_mcp_guardrails.handlers import approval_api_enrolment as enrolment
from sudo_mcp_guardrails.handlers import approval_api_reading as reading
from sudo_mcp_guardrails.handlers import approval_api_sessions as sessions
from sudo_mcp_guardrails.handlers import approval_api_trust as trust
from sudo_mcp_guardrails.handlers.approval_api_page import served
from sudo_mcp_guardrails.handlers.approval_api_place import ApiPlace, made_api_clients
from sudo_mcp_guardrails.handlers.approval_api_request import Refusal, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.handlers.approval_api_place import Caller

_APPROVAL: Final = r"(?P<name>[A-Za-z0-9][A-Za-z0-9_-]{7,63})"
_DELEGATION: Final = r"(?P<name>[0-9a-f]{32}\.[0-9a-f]{16})"
_AGENT: Final = r"(?P<name>[a-z0-9][a-z0-9-]{0,62})"
_READS: Final[dict[str, Callable[[ApiPlace, Caller, str, Request], dict[str, Any]]]] = {
    r"/api/me": lambda place, caller, _, __: reading.me(place, caller),
    r"/api/approvals": lambda place, caller, _, request: reading.listed(place, caller, request),
    rf"/api/approvals/{_APPROVAL}": lambda place, caller, name, _: reading.shown(place, caller, name),
    rf"/api/approvals/{_APPROVAL}/changes": reading.changes,
    rf"/api/approvals/{_APPROVAL}/sessions": sessions.sessions,
    r"/api/delegations": lambda place, caller, _, __: delegating.listed(place, caller),
    r"/api/delegations/lent": lambda place, caller, _, __: delegating.lent_by(place, caller),
    r"/api/credentials": lambda place, caller, _, __: enrolment.keys(place, caller),
    rf"/api/trust/{_AGENT}": lambda place, caller, name, _: trust.shown(place, caller, name),
}
_WRITES: Final[dict[str, tuple[frozenset[str], Callable[[ApiPlace, Caller, str, dict[str, Any]], dict[str, Any]]]]] = {
    rf"/api/approvals/{_APPROVAL}/challenge": (deciding.STATED, deciding.challenge),
    rf"/api/approvals/{_APPROVAL}/decision": (deciding.STATED, deciding.decide),
    rf"/api/approvals/{_APPROVAL}/withdraw": (frozenset({"reason"}), deciding.withdraw),
    r"/api/credentials": (enrolment.ENROLLED, lambda place, caller, _, body: enrolment.enrol(place, caller, body)),
    r"/api/delegations/challenge": (delegating.DELEGATED, lambda p, c, _, body: delegating.challenge(p, c, body)),
    r"/api/delegations": (delegating.DELEGATED, lambda place, c, _, body: delegating.delegate(place, c, body)),
    rf"/api/delegations/{_DELEGATION}/end": (frozenset(), lambda place, c, name, _: delegating.end(place, c, name)),
    rf"/api/trust/{_AGENT}/challenge": (trust.RULED, trust.challenge),
    rf"/api/trust/{_AGENT}/introductions": (trust.RULED, trust.introduce),
    rf"/api/trust/{_AGENT}/promotions": (trust.RULED, trust.promote),
    rf"/api/trust/{_AGENT}/demotions": (trust.RULED, trust.demote),
}
_HEADERS: Final = {
    "content-type": "application/json",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)
_places: list[ApiPlace] = []


def handler(event: dict[str, Any], _context: object, clients: ApiPlace | None = None) -> dict[str, Any]:
    """Answer one request.

    Args:
        event: of an HTTP API or a function URL, payload format 2.0.
        clients: what to work with. Default: the process's own, made once.
    """
    place = clients or _own()
    try:
        request = Request.read(event)
        if not request.path.startswith("/api/"):
            return served(place, request)
        return _json(200, _answer(place, request))
    except Refusal as refusal:
        _log.info(json.dumps({"api": "refused", "status": refusal.status, "reason": str(refusal)}))
        return _json(refusal.status, {"error": str(refusal)})
    except Lost:
        return _json(409, {"error": "others decided at the same time: load the page again"})
    except EvidenceError as error:
        _log.exception("evidence")
        return _json(409, {"error": f"nothing is decided here: {error}"})


def _answer(place: ApiPlace, request: Request) -> dict[str, Any]:
    """Find who answers, and who asks; raises Refusal."""
    if request.method == "GET":
        for pattern, read in _READS.items():
            found = re.fullmatch(pattern, request.path)
            if found:
                return read(place, place.caller(request), found.groupdict().get("name", ""), request)
    elif request.method == "POST":
        for pattern, (allowed, write) in _WRITES.items():
            found = re.fullmatch(pattern, request.path)
            if found:
                caller = place.caller(request)
                body = request.document(allowed, page=place.page)
                _log.info(json.dumps({"api": request.path, "who": caller.identity.name}))
                return write(place, caller, found.groupdict().get("name", ""), body)
    else:
        raise Refusal(405, f"{request.method[:20]} is not allowed here, allowed are GET and POST")
    raise Refusal(404, f"{request.method} {request.path[:200]!r} is not here")


def _own() -> ApiPlace:
    if not _places:
        _places.append(ApiPlace(made_api_clients()))
    return _places[0]


def _json(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": _HEADERS, "body": json.dumps(body, ensure_ascii=False)}
