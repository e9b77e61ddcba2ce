"""Take in what two people say before what took many agents down is restored: one asks, another agrees.

A function URL with IAM authentication, whose policy lets IAM users through with a second factor that is at most five
minutes old. ``POST /restorations`` records what the first wants and answers the record's digest; ``POST
/restorations/agree`` records that another agrees, and starts the state machine. ``breakGlass`` starts it at once, for
those who were named for it.
Whether it holds is decided again by the function that restores, from the records alone.

Environment: ``PREFIX``, ``EVIDENCE_TABLE``, ``RECORDS_BUCKET``, ``EVIDENCE_KEY``, ``DECISIONS_KEY``, ``STATE_MACHINE``
and ``PEOPLE`` (JSON: a list of ``arn``, ``person`` and ``breakGlass``).
"""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.kms import KmsSigner, KmsVerifier
from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.response.errors import RestoreError
from sudo_mcp_guardrails.response.estate import check_responder
from sudo_mcp_guardrails.response.ledger import chain_of
from sudo_mcp_guardrails.response.requests import RESTORE, Request, read_request
from sudo_mcp_guardrails.response.two_people import (
    AGREED,
    WANTED,
    Signers,
    agreement,
    check_records,
    stated,
    wanted_of,
)
from sudo_mcp_guardrails.state.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.approval.evidence import Record

MAX_BODY: Final = 65_536
ASK: Final = "/restorations"
AGREE: Final = "/restorations/agree"

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


class Refusal(Exception):  # noqa: N818 - it is an answer and not a failure
    """A request that is not taken, with the HTTP status and the reason for the caller."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Desk:
    """What the function works with: boto3's clients, names, and the clock."""

    dynamodb: Any
    s3: Any
    kms: Any
    stepfunctions: Any
    environ: Mapping[str, str]
    clock: Callable[[], float] = time.time
    pause: Callable[[float], None] = field(default=time.sleep)

    @property
    def store(self) -> EvidenceStore:
        """The chains, signed with this function's key."""
        signer = KmsSigner(self.kms, self.environ["DECISIONS_KEY"])
        names = self.environ["EVIDENCE_TABLE"], self.environ["RECORDS_BUCKET"]
        return EvidenceStore(self.dynamodb, self.s3, *names, signer, self.clock, pause=self.pause)

    @property
    def signers(self) -> Signers:
        """The keys that count."""
        return Signers(self.environ["EVIDENCE_KEY"], self.environ["DECISIONS_KEY"], KmsVerifier(self.kms))


def handler(event: dict[str, Any], _context: object, desk: Desk | None = None) -> dict[str, Any]:
    """Answer one request.

    Args:
        event: A function URL's event, payload format 2.0.
        desk: Clients and names; made when left out.
    """
    caller = "unknown"
    try:
        desk = desk or _made()
        caller = _caller(event)
        person = _person(desk, caller)
        path, body = _asked(event)
        answer = _ask(desk, caller, person, body) if path == ASK else _agree(desk, caller, person, body)
    except Refusal as refusal:
        _say("refused", caller=caller, reason=str(refusal))
        return _answer(refusal.status, {"error": str(refusal)})
    _say("taken", caller=caller, path=path)
    return _answer(202, answer)


def _ask(desk: Desk, caller: str, person: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Record what somebody wants restored; by break-glass it begins at once."""
    try:
        request = read_request({**body, "op": RESTORE}, by=caller, at=int(desk.clock()))
        if not request.digest:
            raise RestoreError("the restore record is not named, expected its digest, as the containment said it")
        check_responder(caller, GuardrailNames(desk.environ["PREFIX"]))
        _chain(desk, request.target)
    except GuardrailsError as error:
        raise Refusal(400, str(error)) from None
    if request.break_glass and not person["breakGlass"]:
        raise Refusal(403, f"{caller} may not restore alone, allowed: to ask, and another person agrees")
    record = desk.store.append(chain_of(request.target), WANTED, caller, stated(request, person["person"]))
    answer = {"wanted": record.digest, "incident": request.incident}
    if not request.break_glass:
        return answer
    return answer | _started(desk, caller, record, agreed=record.digest)


def _agree(desk: Desk, caller: str, person: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Record that a second person agrees, and begin."""
    if set(body) != {"target", "wanted"} or not all(isinstance(each, str) for each in body.values()):
        raise Refusal(400, "the body must have target and wanted as texts, and nothing else")
    try:
        target = Target.parse(body["target"])
        records = _chain(desk, target)
        wanted = wanted_of(records, body["wanted"], person["person"], int(desk.clock()))
        if wanted.who == caller:
            raise RestoreError(f"{caller!r} asked for it himself, allowed: another person")
    except GuardrailsError as error:
        raise Refusal(403, str(error)) from None
    record = desk.store.append(chain_of(target), AGREED, caller, agreement(wanted, person["person"]))
    return {"agreed": record.digest} | _started(desk, caller, wanted, agreed=record.digest)


def _chain(desk: Desk, target: Target) -> list[Record]:
    """Return a target's chain, checked; raises RestoreError."""
    chain = chain_of(target)
    records = desk.store.records(chain)
    check_records(chain, records, desk.signers)
    return records


def _started(desk: Desk, caller: str, wanted: Record, *, agreed: str) -> dict[str, Any]:
    body = wanted.body
    request = Request(
        RESTORE,
        Target.parse(body["target"]),
        body["reason"],
        body["incident"],
        caller,
        int(desk.clock()),
        digest=body["digest"],
        drifted=tuple(body["drifted"]),
        agreed=agreed,
        break_glass=body["breakGlass"],
    )
    name = f"{RESTORE}-{int(desk.clock())}-{secrets.token_hex(8)}"
    desk.stepfunctions.start_execution(
        stateMachineArn=desk.environ["STATE_MACHINE"], name=name, input=json.dumps(request.document())
    )
    return {"execution": name, "incident": request.incident}


def _caller(event: dict[str, Any]) -> str:
    """Return the ARN that AWS verified."""
    try:
        return str(event["requestContext"]["authorizer"]["iam"]["userArn"])
    except (KeyError, TypeError):
        raise Refusal(403, "the caller is not authenticated by IAM") from None


def _person(desk: Desk, caller: str) -> Mapping[str, Any]:
    """Return who a caller is; refuses whom nobody named: a role's session tells no person."""
    for entry in json.loads(desk.environ["PEOPLE"]):
        if entry["arn"] == caller:
            found: Mapping[str, Any] = entry
            return found
    raise Refusal(403, f"{caller} is nobody who restores here, allowed: IAM users who were named at deployment")


def _asked(event: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    method = str(event["requestContext"].get("http", {}).get("method", ""))
    path = str(event.get("rawPath", ""))
    if method != "POST" or path not in {ASK, AGREE}:
        raise Refusal(404, f"allowed are POST {ASK} and POST {AGREE}, nothing else")
    text = event.get("body") or ""
    if len(text) > MAX_BODY:
        raise Refusal(413, f"the body has {len(text)} characters, allowed are {MAX_BODY}")
    try:
        body = json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except (ValueError, RecursionError):  # the latter for thousands of open brackets
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(body, dict) or {"by", "at", "op", "agreed"} & set(body):
        raise Refusal(400, "the body is no object without by, at, op and agreed, which nobody but AWS and this says")
    return path, body


def _made() -> Desk:
    import boto3  # noqa: PLC0415 - slow to import

    dynamodb, s3, kms, stepfunctions = (boto3.client(name) for name in ("dynamodb", "s3", "kms", "stepfunctions"))
    return Desk(dynamodb, s3, kms, stepfunctions, os.environ)


def _answer(status: int, body: dict[str, Any]) -> dict[str, Any]:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}


def _say(outcome: str, **fields: str) -> None:
    _log.info(json.dumps({"containmentDecision": outcome, **fields}))
