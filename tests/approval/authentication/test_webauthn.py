from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from sudo_mcp_guardrails.approval.authentication.webauthn import (
    Assertion,
    Credential,
    RelyingParty,
    verify_assertion,
    verify_es256,
)
from sudo_mcp_guardrails.approval.deciding.decision import Factor, FactorKind
from sudo_mcp_guardrails.approval.errors import DecisionError
from tests.approval.made import IDP, POLICY, START, asked, decided, status, viewed
from tests.approval.signing import make_key, sign

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.authentication.webauthn import Verified
    from sudo_mcp_guardrails.approval.deciding.events import Event

KEY: Final = make_key(77)
CREDENTIAL: Final = Credential(b"credential-1", "alice", KEY.public.der(), counter=4)
PARTY: Final = RelyingParty("approvals.example.com", ("https://approvals.example.com", "http://localhost:8080"))
CHALLENGE: Final = "5a" * 32
PRESENT_AND_VERIFIED: Final = 0x05


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def client_data(over: str = CHALLENGE, /, **changes: Any) -> bytes:
    made = {
        "type": "webauthn.get",
        "challenge": base64url(bytes.fromhex(over)),
        "origin": "https://approvals.example.com",
        "crossOrigin": False,
        **changes,
    }
    return json.dumps({name: value for name, value in made.items() if value is not ...}).encode()


def authenticator_data(
    flags: int = PRESENT_AND_VERIFIED, counter: int = 5, party: str = "approvals.example.com", rest: bytes = b""
) -> bytes:
    return hashlib.sha256(party.encode()).digest() + bytes([flags]) + counter.to_bytes(4, "big") + rest


def signed(client: bytes | None = None, data: bytes | None = None, *, key: int = 77) -> Assertion:
    client, data = client or client_data(), authenticator_data() if data is None else data
    return Assertion(CREDENTIAL.id, client, data, sign(make_key(key), data + hashlib.sha256(client).digest()))


def verified(assertion: Assertion, **changes: Any) -> Verified:
    wanted = {"challenge": CHALLENGE, "credential": CREDENTIAL, "approver": "alice", "party": PARTY, **changes}
    return verify_assertion(assertion, **wanted)


def test_an_assertion_over_the_challenge_holds() -> None:
    found = verified(signed())
    assert found.counter == 5
    assert (found.factor.kind, found.factor.issuer) == (FactorKind.WEBAUTHN, PARTY.id)
    assert (found.factor.bound_digest, found.factor.user_verified) == (CHALLENGE, True)
    assert not verified(signed(data=authenticator_data(0x01))).factor.user_verified


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "webauthn.create"}, "of type 'webauthn.create'"),
        ({"type": ...}, "of type 'None'"),
        ({"challenge": base64url(bytes.fromhex("5b" * 32))}, "about something else"),
        ({"challenge": base64url(bytes.fromhex(CHALLENGE)) + "="}, "about something else"),
        ({"challenge": CHALLENGE}, "about something else"),
        ({"challenge": ...}, "about something else"),
        ({"challenge": 5}, "about something else"),
        ({"origin": "https://approvals.example.com.evil.example"}, "is from 'https://approvals.example.com.evil"),
        ({"origin": "https://evil.approvals.example.com"}, "is from"),
        ({"origin": "http://approvals.example.com"}, "is from"),
        ({"origin": ...}, "is from 'None'"),
        ({"origin": ["https://approvals.example.com"]}, "is from"),
        ({"crossOrigin": True}, "inside of another page"),
        ({"crossOrigin": "false"}, "inside of another page"),
        ({"topOrigin": "https://evil.example"}, "inside of another page"),
        ({"tokenBinding": {"status": "present", "id": "x"}}, "bound to a TLS connection"),
        ({"tokenBinding": "supported"}, "bound to a TLS connection"),
    ],
)
def test_what_the_browser_says_is_checked(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        verified(signed(client_data(**changes)))


@pytest.mark.parametrize("changes", [{"crossOrigin": ...}, {"tokenBinding": {"status": "supported"}}, {"new": 1}])
def test_what_a_browser_may_leave_out_or_add_is_no_error(changes: dict[str, Any]) -> None:
    assert verified(signed(client_data(**changes))).counter == 5


@pytest.mark.parametrize(
    ("client", "reason"),
    [
        (b"{", "is not JSON"),
        (b"[]", "is no object"),
        (b"\xff" + client_data(), "is not UTF-8"),
        (b"\xef\xbb\xbf" + client_data(), "is not JSON"),
        (client_data()[:-1] + b', "challenge": "x"}', "names 'challenge' twice"),
        (b"[" * 5000, "is not JSON"),
        (b" " * 9000, "too large"),
    ],
)
def test_client_data_that_is_none_is_refused(client: bytes, reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        verified(signed(client))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "has 0 bytes"),
        (authenticator_data()[:36], "has 36 bytes"),
        (authenticator_data(party="evil.example"), "for another relying party"),
        (authenticator_data(0x04), "nobody touched"),
        (authenticator_data(0x00), "nobody touched"),
        (authenticator_data(0x15), "backed up that cannot be"),
        (authenticator_data(0x45), "not the length"),
        (authenticator_data(0x85), "not the length"),
        (authenticator_data(rest=b"\xa0"), "not the length"),
        (authenticator_data(counter=4), "counts 4, allowed are more than 4"),
        (authenticator_data(counter=0), "counts 0, allowed are more than 4"),
        (authenticator_data(rest=b"x" * 9000), "too large"),
    ],
)
def test_what_the_authenticator_says_is_checked(data: bytes, reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        verified(signed(data=data))


def test_an_authenticator_that_does_not_count_a_synced_key_and_extensions_are_taken() -> None:
    uncounted = replace(CREDENTIAL, counter=0)
    assert verified(signed(data=authenticator_data(counter=0)), credential=uncounted).counter == 0
    assert verified(signed(data=authenticator_data(0x1D))).counter == 5
    assert verified(signed(data=authenticator_data(0x85, rest=b"\xa0"))).counter == 5


def test_the_signature_is_checked_over_both_parts() -> None:
    good = signed()
    assert good.signature != signed(key=78).signature
    for wrong in (
        signed(key=78),
        replace(good, signature=b""),
        replace(good, client_data=client_data(new=1)),
        replace(good, authenticator_data=authenticator_data(counter=6)),
    ):
        with pytest.raises(DecisionError, match="not of the enrolled key"):
            verified(wrong)
    with pytest.raises(DecisionError, match="not of the enrolled key"):
        verified(good, credential=replace(CREDENTIAL, public_key=b"none"))


def test_a_counter_is_believed_only_once_the_signature_holds() -> None:
    with pytest.raises(DecisionError, match="not of the enrolled key"):
        verified(replace(signed(), authenticator_data=authenticator_data(counter=1)))


def test_another_persons_key_is_not_taken() -> None:
    for changes in ({"approver": "bob"}, {"credential": replace(CREDENTIAL, id=b"credential-2")}):
        with pytest.raises(DecisionError, match="of another key"):
            verified(signed(), **changes)


def test_a_recorded_decision_is_verified_again() -> None:
    factor = verified(signed()).factor
    assert verified(Assertion.of(factor)).factor == factor
    with pytest.raises(DecisionError, match="keeps no assertion"):
        Assertion.of(Factor(FactorKind.JWT, IDP))
    with pytest.raises(DecisionError, match="keeps no assertion"):
        Assertion.of(replace(factor, proof=factor.proof[:2]))


def answer() -> dict[str, Any]:
    good = signed()
    return {
        "rawId": base64url(good.credential_id),
        "response": {
            "clientDataJSON": base64url(good.client_data),
            "authenticatorData": base64url(good.authenticator_data),
            "signature": base64url(good.signature),
        },
    }


def test_the_browsers_answer_is_read() -> None:
    assert Assertion.from_document(answer()) == signed()


@pytest.mark.parametrize("wrong", [None, 5, "AA==", "A", "AB", "A+/A", "AA\n", "é", "A" * 20_000])
def test_what_is_no_base64url_is_refused(wrong: Any) -> None:
    with pytest.raises(DecisionError, match="signature of the assertion is no base64url"):
        Assertion.from_document({**answer(), "response": {**answer()["response"], "signature": wrong}})
    with pytest.raises(DecisionError, match="rawId of the assertion is no base64url"):
        Assertion.from_document({**answer(), "rawId": wrong})


def test_an_answer_without_a_response_is_refused() -> None:
    with pytest.raises(DecisionError, match="has no response"):
        Assertion.from_document({"rawId": "AA", "response": None})


@pytest.mark.parametrize(
    "origin",
    [
        "http://approvals.example.com",
        "https://",
        "https://a/b",
        "http://localhost.evil",
        "http://evillocalhost",
        "http://a.localhost.evil",
        "",
    ],
)
def test_an_origin_without_tls_is_no_origin(origin: str) -> None:
    with pytest.raises(DecisionError, match="origin"):
        RelyingParty("example.com", (origin,))
    with pytest.raises(DecisionError, match="no id or no origin"):
        RelyingParty("example.com", ())


def test_an_independent_verifier_agrees() -> None:
    pytest.importorskip("cryptography", reason="cryptography, the second opinion, is not installed")
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def by_library(public_key: bytes, signature: bytes, message: bytes) -> bool:
        key = serialization.load_der_public_key(public_key)
        assert isinstance(key, ec.EllipticCurvePublicKey)
        try:
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    assert verified(signed(), verify=by_library) == verified(signed())
    for assertion in (signed(key=78), replace(signed(), signature=signed().signature[:-1])):
        with pytest.raises(DecisionError, match="not of the enrolled key"):
            verified(assertion, verify=by_library)
        assert not verify_es256(CREDENTIAL.public_key, assertion.signature, b"x")


def test_an_assertion_counts_for_the_decision_that_it_was_made_for_and_for_no_other() -> None:
    request = asked()
    stated = decided(request, "alice").statement
    assertion = signed(client_data(stated.challenge))
    factor = verified(assertion, challenge=stated.challenge).factor
    events: list[Event] = [viewed(request, "alice"), decided(request, "alice", factor=factor)]
    assert status(request, events).approvers == ("alice",)
    for changes in ({"comment": "other words"}, {"break_glass": True, "comment": "x" * 30, "groups": ("security",)}):
        other = decided(request, "alice", factor=factor, **changes)
        found = status(request, [viewed(request, "alice"), other])
        assert [each.reason for each in found.uncounted] == ["the proof is about something else than this decision"]


def test_a_key_that_did_not_verify_its_user_is_not_enough() -> None:
    request = asked(policy=POLICY)
    challenge = decided(request, "alice").statement.challenge
    assertion = signed(client_data(challenge), authenticator_data(0x01))
    factor = verified(assertion, challenge=challenge).factor
    found = status(request, [viewed(request, "alice"), decided(request, "alice", factor=factor)], now=START + 300)
    assert "did not verify its user" in found.uncounted[0].reason


@pytest.mark.parametrize("origin", ["http://localhost", "http://approvals.localhost:8080", "https://a.example"])
def test_an_origin_that_browsers_take_for_secure_is_taken(origin: str) -> None:
    assert RelyingParty("a", (origin,)).origins == (origin,)
