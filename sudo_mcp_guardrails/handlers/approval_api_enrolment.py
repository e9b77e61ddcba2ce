"""Enrol a passkey or a security key: by a fresh, strong sign-in, or by a code that an administrator handed out.

W3C's "Web Authentication", section 7.1, as far as it applies: type, challenge, origin, relying party, presence,
verification of the user, algorithm. Attestation is asked for as ``none``, which says nothing of the authenticator's
make; what a registration proves is that who signed in holds the key. So all hangs on that sign-in: where the identity
provider does not say how it was made, as Amazon Cognito's user pools, a code of one use is asked for besides.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.authentication.freshness import check_fresh, jwt_factor
from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey
from sudo_mcp_guardrails.approval.authentication.registration import REGISTRATION, Registration, credential_chain
from sudo_mcp_guardrails.approval.canonical import digest, parsed
from sudo_mcp_guardrails.approval.errors import ApprovalError, DecisionError, PlanError
from sudo_mcp_guardrails.approval.moments import moment, written
from sudo_mcp_guardrails.approval.store.credentials import StoredCredential
from sudo_mcp_guardrails.handlers.approval_api_request import Refusal, text_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.authentication.webauthn import RelyingParty
    from sudo_mcp_guardrails.handlers.approval_api_place import ApiPlace, Caller

ENROLLED: Final = frozenset({"issued", "clientDataJSON", "authenticatorData", "label", "code"})
"""What a body of an enrolment may have."""
ENROLMENT_KIND: Final = "enrolment-challenge/1"
_LIFE: Final = 300
_MAX_PART: Final = 8_192
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_HEADER: Final = 37
_FLAGS: Final = 0x01 | 0x04 | 0x40  # somebody was there, was verified, and a key is attached
_KEY_HEAD: Final = bytes.fromhex("a5010203262001215820")
"""A COSE key of EC2, ES256 and P-256, up to x: CTAP2's canonical CBOR has one form of it."""
_KEY_MIDDLE: Final = bytes.fromhex("225820")


def keys(place: ApiPlace, caller: Caller) -> dict[str, Any]:
    """Return somebody's keys, and what a browser needs to make another one."""
    issued = written(place.now())
    party = place.party
    return {
        "keys": [
            {"id": each.id, "label": each.label, "created": written(each.created)}
            for each in place.credentials.of(caller.person)
        ],
        "relyingParty": party.id if party else None,
        "issued": issued,
        "challenge": enrolment_challenge(caller, issued),
        "user": base64.urlsafe_b64encode(hashlib.sha256(caller.person.encode()).digest()).rstrip(b"=").decode(),
        "name": caller.person,
        "codeNeeded": _sign_in_problem(place, caller) or None,
    }


def enrol(place: ApiPlace, caller: Caller, body: Mapping[str, Any]) -> dict[str, Any]:
    """Store a new key; raises Refusal."""
    if place.party is None:
        raise Refusal(409, "no keys are enrolled here: the settings name no relying party")
    issued = text_in(body, "issued", most=20)
    try:
        _check_begun(issued, place.now())
        _check_client_data(_bytes(body, "clientDataJSON"), enrolment_challenge(caller, issued), place.party)
        key, public_key, counter = read_attested(_bytes(body, "authenticatorData"), place.party)
        made = StoredCredential(
            caller.person,
            key,
            public_key,
            counter,
            place.now(),
            caller.identity.name,
            text_in(body, "label", most=100).strip(),
        )
    except DecisionError as error:
        raise Refusal(400, str(error)) from None
    how = _allow(place, caller, text_in(body, "code", most=200).strip())
    # The record comes first: no key is there that nobody knows how it came.
    told = Registration.of(made.id, made.public_key, caller.person, how, made.label)
    place.decisions.append(credential_chain(caller.person), REGISTRATION, caller.identity.name, told.document())
    try:
        if not place.credentials.add(made):
            raise Refusal(409, "this key is enrolled already")
    except DecisionError as error:
        raise Refusal(409, str(error)) from None
    return {"id": made.id, "label": made.label}


def enrolment_challenge(caller: Caller, issued: str) -> str:
    """Return what a new key's browser is asked with: made of who enrols and when, 64 hexadecimal digits."""
    return digest(ENROLMENT_KIND, {"approver": caller.identity.name, "issued": issued})


def read_attested(data: bytes, party: RelyingParty) -> tuple[str, bytes, int]:
    """Return the id, the public key in DER and the counter that authenticatorData of a registration has.

    Raises:
        DecisionError: it is of another relying party, nobody was verified, or the key is none of ES256 on P-256.
    """
    if len(data) < _HEADER + 18 or data[:32] != hashlib.sha256(party.id.encode()).digest():
        raise DecisionError(f"the registration is for another relying party than {party.id!r}")
    if data[32] & _FLAGS != _FLAGS:
        raise DecisionError("the authenticator did not verify its user, allowed: with a finger, a face or a PIN")
    length = int.from_bytes(data[53:55], "big")
    key, rest = data[55 : 55 + length], data[55 + length :]
    middle = len(_KEY_HEAD) + 32
    end = middle + len(_KEY_MIDDLE) + 32
    if not 1 <= length <= 1_023 or len(key) != length:  # noqa: PLR2004 - WebAuthn, section 6.5.1
        raise DecisionError(f"a credential id of {length} bytes is none, allowed are 1 to 1023")
    if rest[: len(_KEY_HEAD)] != _KEY_HEAD or rest[middle : middle + len(_KEY_MIDDLE)] != _KEY_MIDDLE:
        raise DecisionError("the key is of another algorithm, allowed is ES256 on P-256")
    if len(rest) != end and not data[32] & 0x80:
        raise DecisionError("authenticatorData has not the length that its flags say")
    x, y = rest[len(_KEY_HEAD) : middle], rest[middle + len(_KEY_MIDDLE) : end]
    try:
        public_key = P256PublicKey.from_point(b"\x04" + x + y).der()
    except ValueError as error:
        raise DecisionError(f"the key is none: {error}") from None
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode(), public_key, int.from_bytes(data[33:37], "big")


def _allow(place: ApiPlace, caller: Caller, code: str) -> str:
    """Return what lets somebody enrol a key; raises Refusal."""
    problem = _sign_in_problem(place, caller)
    if not problem:
        return "a fresh sign-in by two factors"
    if code and place.credentials.use_code(caller.person, code, place.now()):
        return "an administrator's code"
    more = "the code is not known, was used, or is over" if code else "ask an administrator for a code"
    raise Refusal(403, f"{problem}; {more}")


def _sign_in_problem(place: ApiPlace, caller: Caller) -> str:
    """Return why the sign-in alone does not let somebody enrol a key; empty where it does."""
    if not caller.identity.claims:
        return "IAM users enrol no keys by themselves"
    try:
        factor = jwt_factor(caller.identity.claims)
        two = check_fresh(factor, "", place.now(), 0, place.settings.policy.freshness)
    except DecisionError as error:
        return str(error)
    return "" if two else "the sign-in shows one factor, and a key takes two"


def _check_begun(issued: str, now: int) -> None:
    age = now - moment(issued)
    if not 0 <= age <= _LIFE:
        raise DecisionError(f"the enrolment began {age} seconds ago, allowed are 0 to {_LIFE}")


def _check_client_data(data: bytes, challenge: str, party: RelyingParty) -> None:
    try:
        client = parsed(data.decode(), "clientDataJSON")
    except (UnicodeDecodeError, PlanError, ApprovalError):
        raise DecisionError("clientDataJSON is no JSON") from None
    if not isinstance(client, dict) or client.get("type") != "webauthn.create":
        raise DecisionError("the registration is of another type than 'webauthn.create'")
    expected = base64.urlsafe_b64encode(bytes.fromhex(challenge)).rstrip(b"=").decode()
    if client.get("challenge") != expected:
        raise DecisionError("the registration is about something else than this enrolment")
    if client.get("origin") not in party.origins:
        raise DecisionError(f"the registration is from {str(client.get('origin'))[:80]!r}")
    if client.get("crossOrigin", False) is not False or "topOrigin" in client:
        raise DecisionError("the registration was made inside of another page")


def _bytes(body: Mapping[str, Any], name: str) -> bytes:
    text = text_in(body, name, most=2 * _MAX_PART)
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1 or not text:
        raise DecisionError(f"{name} is no base64url")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
