"""Verify a recorded assertion a second time: offline, from the evidence alone.

What was verified when a decision, a delegation or a ruling came in is done again, with the key that the evidence of the
enrolment has. The counter is not compared: the order of decisions of several approvals is in none of their chains.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.approval.authentication.freshness import MAX_SKEW
from sudo_mcp_guardrails.approval.authentication.webauthn import (
    Assertion,
    Credential,
    RelyingParty,
    verify_assertion,
    verify_es256,
)
from sudo_mcp_guardrails.approval.canonical import parsed
from sudo_mcp_guardrails.approval.deciding.decision import FactorKind
from sudo_mcp_guardrails.approval.errors import DecisionError, PlanError
from sudo_mcp_guardrails.approval.moments import written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.authentication.registration import Registration
    from sudo_mcp_guardrails.approval.authentication.webauthn import SignatureVerifier
    from sudo_mcp_guardrails.approval.deciding.decision import Decision, Factor
    from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest


def verify_again(
    decision: Decision,
    request: ApprovalRequest,
    approval_digest: str,
    registration: Registration,
    *,
    enrolled: int,
    parties: Mapping[str, RelyingParty],
    verify: SignatureVerifier = verify_es256,
) -> None:
    """Verify that the owner of an enrolled key decided just this, from what the evidence keeps.

    Args:
        decision: as it is recorded.
        request: of the chain that it is recorded in.
        approval_digest: of that request, computed anew.
        registration: of the key that the decision names, by its person.
        enrolled: when that was.
        parties: the pages that assertions are taken of, by their ids. Default where none is given: the one that the
            decision names, from any origin that WebAuthn lets a browser ask for it at.
        verify: of signatures. Default: in Python.

    Raises:
        DecisionError: it does not hold, with the first reason.
    """
    stated, factor = decision.statement, decision.factor
    if factor.kind is not FactorKind.WEBAUTHN:
        raise DecisionError(f"the decision was proved by {factor.kind.value!r}, and keeps no assertion")
    assertion = Assertion.of(factor)
    if (stated.approval_id, stated.approval_digest, stated.plan_digest) != (
        request.id,
        approval_digest,
        request.plan_digest,
    ):
        raise DecisionError(f"the assertion is about approval {stated.approval_id!r} as it is not asked for here")
    _check(assertion, factor, stated.challenge, decision.time, registration, enrolled, parties, verify)


def verify_factor_again(
    factor: Factor,
    challenge: str,
    time: int,
    registration: Registration,
    *,
    enrolled: int,
    parties: Mapping[str, RelyingParty],
    verify: SignatureVerifier = verify_es256,
) -> None:
    """Verify that the owner of an enrolled key stated something else than a decision: a delegation, or a ruling.

    Args:
        factor: as it is recorded.
        challenge: digest over what is stated, computed anew.
        time: when it was proved.
        registration: as for :func:`verify_again`, like the others.
        enrolled: as there.
        parties: as there.
        verify: as there.

    Raises:
        DecisionError: it does not hold, with the first reason.
    """
    _check(Assertion.of(factor), factor, challenge, time, registration, enrolled, parties, verify)


def _check(  # noqa: PLR0917 - all that an assertion is verified by
    assertion: Assertion,
    factor: Factor,
    challenge: str,
    time: int,
    registration: Registration,
    enrolled: int,
    parties: Mapping[str, RelyingParty],
    verify: SignatureVerifier,
) -> None:
    # Clocks of two processes may differ a little: who enrols a key and decides at once has done nothing wrong.
    if enrolled > time + MAX_SKEW:
        raise DecisionError(f"its key was enrolled {written(enrolled)}, after the decision of {written(time)}")
    found = verify_assertion(
        assertion,
        challenge=challenge,
        credential=Credential(assertion.credential_id, registration.person, registration.key),
        approver=registration.person,
        party=_party(assertion, factor.issuer, parties),
        verify=verify,
    )
    if not found.factor.user_verified:
        raise DecisionError("the authenticator did not verify its user, allowed: with a finger, a face or a PIN")
    if found.factor != factor:
        raise DecisionError("the record says something else of the proof than the assertion itself")


def _party(assertion: Assertion, name: str, parties: Mapping[str, RelyingParty]) -> RelyingParty:
    """Return the page that an assertion was to be made at.

    Web Authentication, section 5.1.4.1, step 8: a browser asks for a relying party from its domain or one below alone.
    """
    if parties:
        if name not in parties:
            allowed = ", ".join(sorted(parties))
            raise DecisionError(f"the assertion is for relying party {name!r}, allowed are {allowed}")
        return parties[name]
    try:
        client = parsed(assertion.client_data.decode(), "clientDataJSON")
    except (UnicodeDecodeError, PlanError):
        raise DecisionError("clientDataJSON is no JSON") from None
    origin = client.get("origin") if isinstance(client, dict) else None
    pages = rf"https://(?:[^/\s:]+\.)?{re.escape(name)}(?::\d+)?"
    if name == "localhost":
        pages += r"|http://localhost(?::\d+)?"
    if not isinstance(origin, str) or not re.fullmatch(pages, origin):
        raise DecisionError(f"the assertion is from {str(origin)[:80]!r}, which is no page of {name!r}")
    return RelyingParty(name, (origin,))
