"""Check, when somebody decides, that he is there himself."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.authentication.freshness import check_fresh, jwt_factor
from sudo_mcp_guardrails.approval.authentication.stated import LIFE, Proved
from sudo_mcp_guardrails.approval.authentication.webauthn import Assertion, Credential, verify_assertion
from sudo_mcp_guardrails.approval.deciding.decision import Factor, FactorKind
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import moment
from sudo_mcp_guardrails.handlers.approval_api_request import Refusal

if TYPE_CHECKING:
    from sudo_mcp_guardrails.handlers.approval_api_place import ApiPlace, Caller

_ACCOUNT: Final = re.compile(r"arn:[a-z-]+:iam::(\d{12}):user/")


def proved(place: ApiPlace, caller: Caller, challenge: str, assertion: object) -> Factor:
    """Return the proof that came with a statement.

    Args:
        place: to work at.
        caller: who states it.
        challenge: of what is stated, 64 hexadecimal digits.
        assertion: of WebAuthn, as the browser gives it; None where the token or the session is the proof.

    Raises:
        DecisionError: it proves nothing, with the reason.
    """
    if assertion is not None:
        return _asserted(place, caller, challenge, assertion)
    if caller.identity.claims:
        return jwt_factor(caller.identity.claims, challenge=challenge)
    found = _ACCOUNT.match(caller.identity.name)
    if found is None:
        raise DecisionError(f"{caller.identity.name!r} is no IAM user")
    # Nobody tells a function aws:MultiFactorAuthAge. The policy of this path lets none through that is older.
    seconds = place.environ.get("MFA_SECONDS", "")
    return Factor(FactorKind.MFA, found[1], mfa_age=int(seconds) if seconds.isdigit() else None)


def proved_ruling(place: ApiPlace, caller: Caller, challenge: str, issued: str, assertion: object) -> Proved:
    """Return the proof of what is no decision about an approval, for its record: a ruling about trust, or a delegation.

    Args:
        place: to work at.
        caller: who states it.
        challenge: of what is stated, which covers when it was begun.
        issued: when that was.
        assertion: as for :func:`proved`.

    Raises:
        Refusal: it proves nothing, or one factor alone.
    """
    now = place.now()
    try:
        _check_age(now - moment(issued))
        factor = proved(place, caller, challenge, assertion)
        two = check_fresh(factor, challenge, now, 0, place.settings.policy.freshness)
    except DecisionError as error:
        raise Refusal(403, str(error)) from None
    if not two:
        raise Refusal(403, "it takes two factors, the proof shows one")
    return Proved(factor, now)


def offered(place: ApiPlace, caller: Caller, challenge: str) -> dict[str, Any]:
    """Return how somebody can prove something here, the strongest first.

    Raises:
        Refusal: he can prove nothing.
    """
    found = factors(place, caller)
    if not found:
        raise Refusal(403, "nothing that you can prove is taken here: enrol a key first")
    keys = allowed_keys(place, caller) if FactorKind.WEBAUTHN in found else []
    return {
        "challenge": challenge,
        "factor": found[0].value,
        "factors": [kind.value for kind in found],
        "allowCredentials": keys,
        "relyingParty": place.party.id if place.party and keys else None,
    }


def factors(place: ApiPlace, caller: Caller) -> tuple[FactorKind, ...]:
    """Return the proofs that somebody can give here, the strongest first."""
    if not caller.identity.claims:
        return (FactorKind.MFA,)
    believed = {(issuer.kind, issuer.name) for issuer in place.settings.policy.freshness.issuers}
    found = []
    if place.party and (FactorKind.WEBAUTHN, place.party.id) in believed and place.credentials.of(caller.person):
        found.append(FactorKind.WEBAUTHN)
    if (FactorKind.JWT, str(caller.identity.claims.get("iss"))) in believed:
        found.append(FactorKind.JWT)
    return tuple(found)


def allowed_keys(place: ApiPlace, caller: Caller) -> list[str]:
    """Return the ids of somebody's keys, base64url."""
    return [each.id for each in place.credentials.of(caller.person)]


def _check_age(age: int) -> None:
    if not 0 <= age <= LIFE:
        raise DecisionError(f"it was begun {age} seconds ago, allowed are 0 to {LIFE}")


def _asserted(place: ApiPlace, caller: Caller, challenge: str, document: object) -> Factor:
    if place.party is None:
        raise DecisionError("no assertions are taken here: the settings name no relying party")
    if not isinstance(document, dict):
        raise DecisionError("the assertion is no object")
    given: dict[str, Any] = document
    assertion = Assertion.from_document(given)
    key = base64.urlsafe_b64encode(assertion.credential_id).rstrip(b"=").decode()
    stored = place.credentials.get(caller.person, key)
    if stored is None:
        raise DecisionError(f"the assertion is of another key than one of {caller.person!r}")
    known = Credential(assertion.credential_id, caller.person, stored.public_key, stored.counter)
    verified = verify_assertion(
        assertion, challenge=challenge, credential=known, approver=caller.person, party=place.party
    )
    # Two assertions of one counter at once: the store lets one through.
    if not place.credentials.count(caller.person, key, verified.counter):
        raise DecisionError("the authenticator's counter did not grow: the key may have been copied, or is gone")
    return verified.factor
