"""A recorded decision's assertion is verified from the evidence alone, and every way to put another in its place."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from sudo_mcp_guardrails.approval.authentication.again import verify_again
from sudo_mcp_guardrails.approval.authentication.registration import Registration
from sudo_mcp_guardrails.approval.authentication.webauthn import RelyingParty
from sudo_mcp_guardrails.approval.deciding.approval_digest import approval_digest
from sudo_mcp_guardrails.approval.deciding.decision import Verdict
from sudo_mcp_guardrails.approval.errors import DecisionError
from tests.approval.authentication.test_webauthn import (
    CREDENTIAL,
    KEY,
    PARTY,
    authenticator_data,
    base64url,
    client_data,
    signed,
    verified,
)
from tests.approval.made import START, asked, decided
from tests.approval.signing import make_key

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.authentication.webauthn import Assertion
    from sudo_mcp_guardrails.approval.deciding.decision import Decision

REQUEST: Final = asked()
REGISTRATION: Final = Registration.of(base64url(CREDENTIAL.id), KEY.public.der(), "alice", "a fresh sign-in", "")


def decision(assertion: Assertion | None = None, **changes: Any) -> Decision:
    """A decision of alice, with an assertion over it."""
    stated = decided(REQUEST, "alice").statement
    factor = verified(assertion or signed(client_data(stated.challenge)), challenge=stated.challenge).factor
    return decided(REQUEST, "alice", factor=replace(factor, **changes))


def again(made: Decision, **changes: Any) -> None:
    wanted: dict[str, Any] = {
        "request": REQUEST,
        "registration": REGISTRATION,
        "enrolled": START,
        "parties": {PARTY.id: PARTY},
        **changes,
    }
    request, registration = wanted.pop("request"), wanted.pop("registration")
    verify_again(made, request, approval_digest(request), registration, **wanted)


def flipped(made: Decision, part: int) -> Decision:
    """The same, with one bit of its proof turned around."""
    proof = list(made.factor.proof)
    data = bytearray(base64.urlsafe_b64decode(proof[part] + "=" * (-len(proof[part]) % 4)))
    data[-2] ^= 1
    proof[part] = base64url(bytes(data))
    return replace(made, factor=replace(made.factor, proof=tuple(proof)))


@pytest.mark.parametrize("parties", [{PARTY.id: PARTY}, {}])
def test_an_assertion_holds_again(parties: dict[str, RelyingParty]) -> None:
    again(decision(), parties=parties)


@pytest.mark.parametrize(
    ("part", "reason"),
    [(0, "clientDataJSON|another page|signature"), (1, "signature"), (2, "signature")],
)
def test_a_bit_that_was_turned_around_shows(part: int, reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        again(flipped(decision(), part))


def test_an_assertion_that_is_missing_shows() -> None:
    with pytest.raises(DecisionError, match="keeps no assertion"):
        again(decision(proof=()))
    with pytest.raises(DecisionError, match="proved by 'jwt'"):
        again(decided(REQUEST, "alice"))


def test_an_assertion_over_something_else_shows() -> None:
    made = decision()
    refused = replace(made, statement=replace(made.statement, verdict=Verdict.REFUSE))
    with pytest.raises(DecisionError, match="about something else"):
        again(refused)
    with pytest.raises(DecisionError, match="says something else of the proof"):
        again(decision(bound_digest="5b" * 32))


def test_another_approvals_decision_shows() -> None:
    """The assertion holds for what it is over: another request, or this one as it was not asked for."""
    for other in (asked(id="approval-0002"), asked(plan_digest="cd" * 32), asked(nonce="1e" * 16)):
        with pytest.raises(DecisionError, match="as it is not asked for here"):
            again(decision(), request=other)


def test_another_key_or_one_that_came_later_shows() -> None:
    other = Registration.of(REGISTRATION.credential, make_key(78).public.der(), "alice", "a code", "")
    with pytest.raises(DecisionError, match="not of the enrolled key"):
        again(decision(), registration=other)
    with pytest.raises(DecisionError, match="after the decision"):
        again(decision(), enrolled=START + 3600)


def test_a_user_who_was_not_verified_shows() -> None:
    challenge = decided(REQUEST, "alice").statement.challenge
    touched = signed(client_data(challenge), authenticator_data(0x01))
    with pytest.raises(DecisionError, match="did not verify its user"):
        again(decision(touched))
    with pytest.raises(DecisionError, match="did not verify its user"):
        again(decision(touched, user_verified=True))


def test_another_page_shows() -> None:
    elsewhere = RelyingParty(PARTY.id, ("https://other.example.com",))
    with pytest.raises(DecisionError, match=r"allowed are https://other\.example\.com"):
        again(decision(), parties={PARTY.id: elsewhere})
    with pytest.raises(DecisionError, match="for relying party"):
        again(decision(), parties={"other.example.com": RelyingParty("other.example.com", elsewhere.origins)})


@pytest.mark.parametrize(
    ("origin", "good"),
    [
        ("https://approvals.example.com:8443", True),
        ("https://eu.approvals.example.com", True),
        ("https://evil-approvals.example.com", False),
        ("https://approvals.example.com.evil.example", False),
        ("https://evil.example/.approvals.example.com", False),
        ("http://approvals.example.com", False),
        ("http://localhost", False),
        (5, False),
    ],
)
def test_without_settings_an_origin_is_of_the_relying_party(origin: object, good: bool) -> None:  # noqa: FBT001 - data
    challenge = decided(REQUEST, "alice").statement.challenge
    assertion = signed(client_data(challenge, origin=origin))
    proof = tuple(map(base64url, (assertion.client_data, assertion.authenticator_data, assertion.signature)))
    made = decision(proof=proof)
    if good:
        again(made, parties={})
    else:
        with pytest.raises(DecisionError, match="no page of"):
            again(made, parties={})
