"""Keys that people enrol, what they prove with them, and what they rule about an agent's trust."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.trust_ledger.facts import Canary
from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Introduced
from tests.approval import signing
from tests.approval.made import PAGE
from tests.handlers.approval.apis import Api
from tests.handlers.approval.works import FINGERPRINT, SETTINGS, Works

if TYPE_CHECKING:
    from pathlib import Path

KEY = signing.make_key(77)
KEY_ID = b"k" * 16
ORIGIN = f"https://{PAGE}"
DAY = 86_400


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
def api(tmp_path: Path) -> Api:
    settings = replace(SETTINGS, trust=TrustPolicy(), relying_party={"id": PAGE, "origins": [ORIGIN]})
    made = Api(Works(tmp_path, settings=settings))
    assert made.works.place.trust
    made.works.place.trust.add("release-bot", Introduced(FINGERPRINT, "alice", "new"), "alice")
    return made


def client_data(kind: str, challenge: str, origin: str = ORIGIN) -> bytes:
    told = {"type": kind, "challenge": text(bytes.fromhex(challenge)), "origin": origin, "crossOrigin": False}
    return json.dumps(told).encode()


def attested(flags: int = 0x45, party: str = PAGE, key: bytes = b"") -> bytes:
    x, y = KEY.public.x.to_bytes(32, "big"), KEY.public.y.to_bytes(32, "big")
    cose = key or bytes.fromhex("a5010203262001215820") + x + bytes.fromhex("225820") + y
    head = hashlib.sha256(party.encode()).digest() + bytes([flags]) + bytes(4)
    return head + bytes(16) + len(KEY_ID).to_bytes(2, "big") + KEY_ID + cose


def enrol(api: Api, who: str = "alice", **changes: Any) -> tuple[int, dict[str, Any]]:
    claims = changes.pop("claims", {})
    offered = api.get(who, "/api/credentials", **claims)[1]
    body = {
        "issued": offered["issued"],
        "clientDataJSON": text(client_data("webauthn.create", offered["challenge"])),
        "authenticatorData": text(attested()),
        "label": "mine",
    }
    return api.post(who, "/api/credentials", {**body, **changes}, **claims)


def assertion(challenge: str, counter: int = 1, key: signing.PrivateKey = KEY) -> dict[str, Any]:
    client = client_data("webauthn.get", challenge)
    data = hashlib.sha256(PAGE.encode()).digest() + bytes([5]) + counter.to_bytes(4, "big")
    signature = signing.sign(key, data + hashlib.sha256(client).digest())
    response = {"clientDataJSON": text(client), "authenticatorData": text(data), "signature": text(signature)}
    return {"rawId": text(KEY_ID), "response": response}


def test_a_fresh_sign_in_enrols_a_key_which_then_proves_a_decision(api: Api) -> None:
    assert enrol(api) == (200, {"id": text(KEY_ID), "label": "mine"})
    approval = api.works.submitted()
    body = api.statement("alice", approval)
    asked = api.post("alice", f"/api/approvals/{approval}/challenge", body)[1]
    assert (asked["factor"], asked["allowCredentials"]) == ("webauthn", [text(KEY_ID)])
    path = f"/api/approvals/{approval}/decision"
    # The assertion proves it, however old the sign-in is, and whatever the identity provider does not say.
    status, answer = api.post("alice", path, {**body, "assertion": assertion(asked["challenge"])}, amr="", auth_time="")
    assert (status, answer["status"]["state"]) == (200, "approved")


def test_an_assertion_for_another_verdict_or_of_a_copied_key_is_refused_and_recorded(api: Api) -> None:
    enrol(api)
    approval = api.works.submitted()
    body = api.statement("alice", approval)
    path = f"/api/approvals/{approval}"
    refusal = api.post("alice", f"{path}/challenge", {**body, "verdict": "refuse"})[1]["challenge"]
    mine = api.post("alice", f"{path}/challenge", body)[1]["challenge"]
    assert api.place.credentials.count("alice", text(KEY_ID), 5)
    for proof, reason in (
        (assertion(refusal, 6), "about something else"),
        (assertion(mine, 5), "copied"),
        (assertion(mine, 6, signing.make_key(78)), "not of the enrolled key"),
        ({"rawId": "AAAA", "response": {}}, "no base64url"),
    ):
        status, answer = api.post("alice", f"{path}/decision", {**body, "assertion": proof})
        assert (status, reason in answer["error"]) == (403, True), answer
    assert api.works.kinds(approval).count("decision-refused") == 4
    assert "decision" not in api.works.kinds(approval)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issued": "2026-11-23T09:00:00Z"}, "seconds ago"),
        ({"authenticatorData": text(attested(flags=0x41))}, "did not verify its user"),
        ({"authenticatorData": text(attested(party="evil.example.com"))}, "another relying party"),
        ({"authenticatorData": text(attested(key=b"\xa4" + bytes(80)))}, "another algorithm"),
        ({"authenticatorData": text(attested() + b"x")}, "length"),
        ({"clientDataJSON": text(client_data("webauthn.get", "00" * 32))}, "another type"),
        ({"clientDataJSON": text(client_data("webauthn.create", "00" * 32))}, "something else"),
        ({"clientDataJSON": "+"}, "base64url"),
    ],
)
def test_a_registration_that_does_not_hold_enrols_nothing(api: Api, changes: dict[str, str], reason: str) -> None:
    status, answer = enrol(api, **changes)
    assert (status, reason in answer["error"]) == (400, True), answer
    assert api.place.credentials.of("alice") == []


def test_where_the_identity_provider_says_no_amr_a_code_of_one_use_enrols(api: Api) -> None:
    claims = {"amr": ""}
    now = int(api.works.time)
    assert enrol(api, claims=claims)[0] == 403
    api.place.credentials.offer_code("alice", "right", by="admin", created=now, ends=now + 600)
    assert enrol(api, claims=claims, code="wrong")[0] == 403
    assert enrol(api, "dave", claims=claims, code="right")[0] == 403
    assert enrol(api, claims=claims, code="right")[0] == 200
    assert enrol(api, claims=claims, code="right")[0] == 403


def test_a_key_is_enrolled_once_and_is_nobody_elses(api: Api) -> None:
    assert [enrol(api)[0], enrol(api)[0]] == [200, 409]
    approval = api.works.submitted()
    body = api.statement("dave", approval)
    asked = api.post("dave", f"/api/approvals/{approval}/challenge", body)[1]
    proof = assertion(asked["challenge"])
    status, answer = api.post("dave", f"/api/approvals/{approval}/decision", {**body, "assertion": proof})
    assert (status, "another key" in answer["error"]) == (403, True)


def rule(api: Api, who: str, action: str, **changes: Any) -> tuple[int, dict[str, Any]]:
    stated = {"action": action, "risk": "R1", "environment": "sandbox", "to": "T1", "reason": "it did well", **changes}
    status, asked = api.post(who, "/api/trust/release-bot/challenge", stated)
    if status != 200:
        return status, asked
    return api.post(
        who, f"/api/trust/release-bot/{action.removesuffix('e')}ions", {**stated, "issued": asked["issued"]}
    )


def introduce(api: Api, who: str) -> tuple[int, dict[str, Any]]:
    stated = {"action": "introduce", "risk": "", "environment": "", "to": "T1", "reason": "a new model"}
    issued = api.post(who, "/api/trust/release-bot/challenge", stated)[1]["issued"]
    return api.post(who, "/api/trust/release-bot/introductions", {**stated, "issued": issued})


def later(api: Api) -> None:
    """Half a month goes by, and the agent passes its sealed tasks."""
    api.works.time += 15 * DAY
    assert api.works.place.trust
    api.works.place.trust.add("release-bot", Canary(FINGERPRINT, "ca" * 32, passed=True), "canary")


def tier(api: Api) -> TrustTier:
    assert api.works.place.trust
    return api.works.place.trust.state("release-bot").cell(RiskClass.R1, "sandbox").tier


def test_one_person_demotes_and_two_promote(api: Api) -> None:
    assert tier(api) is TrustTier.T1
    assert rule(api, "dave", "demote", to="T0") == (200, {"demoted": True, "to": "T0"})
    assert tier(api) is TrustTier.T0
    status, answer = rule(api, "owen", "promote")
    assert (status, "of 14 days" in answer["error"]) == (409, True)
    later(api)
    assert rule(api, "owen", "promote") == (200, {"promoted": False, "waitingFor": "security"})
    assert rule(api, "owen", "promote")[1]["promoted"] is False
    assert tier(api) is TrustTier.T0
    assert rule(api, "bob", "promote", reason="seen its work") == (200, {"promoted": True, "to": "T1"})
    assert tier(api) is TrustTier.T1
    shown = api.get("alice", "/api/trust/release-bot")[1]
    assert (shown["broken"], shown["waiting"]) == ("", [])


def test_who_answers_for_neither_promotes_nothing_and_an_old_promotion_waits_for_nobody(api: Api) -> None:
    rule(api, "dave", "demote", to="T0")
    later(api)
    status, answer = rule(api, "alice", "promote")
    assert (status, "answers neither" in answer["error"]) == (403, True)
    assert rule(api, "owen", "promote")[0] == 200
    api.works.time += DAY + 1
    assert rule(api, "bob", "promote") == (200, {"promoted": False, "waitingFor": "owner"})
    assert tier(api) is TrustTier.T0


def test_a_version_is_introduced_by_who_answers_for_it_and_is_no_way_out_of_t0(api: Api) -> None:
    status, answer = introduce(api, "owen")
    assert (status, "introduced before" in answer["error"]) == (409, True)
    api.works.configure(replace(api.works.settings, fingerprints={"release-bot": "ab" * 32}))
    assert introduce(api, "alice")[0] == 403
    assert introduce(api, "owen") == (200, {"introduced": True, "fingerprint": "ab" * 32})
    assert api.works.place.trust
    assert api.works.place.trust.state("release-bot").fingerprint == "ab" * 32
    assert tier(api) is TrustTier.T1
    rule(api, "dave", "demote", to="T0")
    api.works.configure(replace(api.works.settings, fingerprints={"release-bot": "cd" * 32}))
    assert introduce(api, "bob")[0] == 200
    assert tier(api) is TrustTier.T0
    api.works.configure(replace(api.works.settings, fingerprints={}))
    status, answer = introduce(api, "bob")
    assert (status, "no fingerprint" in answer["error"]) == (409, True)


def test_a_ruling_takes_two_factors_that_are_fresh(api: Api) -> None:
    stated = {"action": "demote", "risk": "", "environment": "", "to": "T0", "reason": "no"}
    issued = api.post("dave", "/api/trust/release-bot/challenge", stated)[1]["issued"]
    path = "/api/trust/release-bot/demotions"
    assert api.post("dave", path, {**stated, "issued": issued}, amr="[otp]")[0] == 403
    assert api.post("dave", path, {**stated, "issued": issued}, auth_time="1795000000")[0] == 403
    assert api.post("dave", path, {**stated, "issued": "2026-11-23T09:00:00Z"})[0] == 403
    assert tier(api) is TrustTier.T1
