from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.authentication.freshness import Freshness, Issuer, check_fresh, jwt_factor
from sudo_mcp_guardrails.approval.deciding.decision import Factor, FactorKind
from sudo_mcp_guardrails.approval.errors import DecisionError
from tests.approval.made import IDP, START

CHALLENGE = "5a" * 32
MFA_ISSUER = "111111111111"
PAGE = "approvals.example.com"
RULES = Freshness(
    (Issuer(FactorKind.JWT, IDP), Issuer(FactorKind.MFA, MFA_ISSUER), Issuer(FactorKind.WEBAUTHN, PAGE)), skew=60
)
NOW = START + 1000
TOKEN = Factor(FactorKind.JWT, IDP, auth_time=NOW - 30, amr=("pwd", "mfa"))
SESSION = Factor(FactorKind.MFA, MFA_ISSUER, mfa_age=100)
ASSERTION = Factor(FactorKind.WEBAUTHN, PAGE, bound_digest=CHALLENGE, user_verified=True)


def fresh(factor: Factor, rules: Freshness = RULES) -> bool:
    return check_fresh(factor, CHALLENGE, NOW, START, rules)


@pytest.mark.parametrize(
    ("factor", "two"),
    [
        (TOKEN, True),
        (replace(TOKEN, amr=("MFA",)), True),
        (replace(TOKEN, amr=("pwd", "otp")), True),
        (replace(TOKEN, amr=("otp",)), False),
        (replace(TOKEN, amr=("hwk",)), False),
        (replace(TOKEN, amr=("fido",)), False),
        (replace(TOKEN, amr=("webauthn", "pin")), True),
        (replace(TOKEN, bound_digest=CHALLENGE), True),
        (replace(TOKEN, auth_time=NOW - 300), True),
        (replace(TOKEN, auth_time=NOW + 60), True),
        (SESSION, True),
        (replace(SESSION, mfa_age=0), True),
        (replace(SESSION, mfa_age=300), True),
        (ASSERTION, True),
    ],
)
def test_what_proves_that_a_person_is_there_now(factor: Factor, two: bool) -> None:  # noqa: FBT001 - a case
    assert fresh(factor) is two


@pytest.mark.parametrize(
    ("factor", "reason"),
    [
        (replace(TOKEN, auth_time=None), "does not say when"),
        (replace(TOKEN, amr=()), "does not say how"),
        (replace(TOKEN, amr=("pwd",)), "the sign-in was by pwd, allowed is one of mfa, hwk, otp, webauthn, fido"),
        (replace(TOKEN, amr=("sms",)), "the sign-in was by sms"),
        (replace(TOKEN, amr=("mfa2",)), "the sign-in was by mfa2"),
        (replace(TOKEN, auth_time=NOW - 301), "the sign-in is 301 seconds old, allowed are 300"),
        (replace(TOKEN, auth_time=NOW + 61), "which is not yet"),
        (replace(TOKEN, auth_time=253_370_764_799), "which is not yet"),
        (replace(TOKEN, issuer="https://other.example.com"), "is not believed for proofs of kind 'jwt'"),
        (replace(TOKEN, issuer=IDP + "/"), "is not believed"),
        (replace(TOKEN, issuer=PAGE), "is not believed for proofs of kind 'jwt'"),
        (replace(TOKEN, bound_digest="5b" * 32), "about something else"),
        (replace(SESSION, mfa_age=None), "has no aws:MultiFactorAuthAge"),
        (replace(SESSION, mfa_age=301), "the second factor is 301 seconds old"),
        (replace(SESSION, mfa_age=-1), "is -1 seconds old"),
        (replace(SESSION, auth_time=NOW, amr=("mfa",), mfa_age=None), "has no aws:MultiFactorAuthAge"),
        (replace(ASSERTION, bound_digest=""), "not bound to this decision"),
        (replace(ASSERTION, user_verified=False), "did not verify its user"),
        (replace(ASSERTION, bound_digest="", auth_time=NOW, amr=("mfa",)), "not bound to this decision"),
    ],
)
def test_what_does_not(factor: Factor, reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        fresh(factor)


def test_a_sign_in_before_the_request_was_for_something_else() -> None:
    for factor in (replace(TOKEN, auth_time=START - 61), replace(SESSION, mfa_age=161)):
        with pytest.raises(DecisionError, match="older than the request"):
            check_fresh(factor, CHALLENGE, START + 100, START, RULES)
    assert check_fresh(replace(TOKEN, auth_time=START - 60), CHALLENGE, START + 100, START, RULES)


def test_by_default_nobody_is_believed() -> None:
    for factor in (TOKEN, SESSION, ASSERTION):
        with pytest.raises(DecisionError, match="is not believed"):
            fresh(factor, Freshness())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"max_age": 301}, "an age of 301 seconds"),
        ({"max_age": 0}, "an age of 0 seconds"),
        ({"skew": 121}, "a skew of 121 seconds"),
        ({"skew": -1}, "a skew of -1 seconds"),
        ({"amr": ("mfa", "pwd")}, "method 'pwd' proves no second factor"),
        ({"amr": ("mfa", "mfa")}, "twice"),
    ],
)
def test_rules_that_prove_nothing_are_none(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        Freshness(**changes)


@pytest.mark.parametrize(
    ("claims", "auth_time", "amr"),
    [
        ({"auth_time": "1763892000", "amr": "[mfa pwd]"}, 1763892000, ("mfa", "pwd")),
        ({"auth_time": 1763892000, "amr": ["mfa", "pwd", "mfa"]}, 1763892000, ("mfa", "pwd")),
        ({"auth_time": "1763892000.0", "amr": '["mfa","pwd"]'}, 1763892000, ("mfa", "pwd")),
        ({}, None, ()),
        ({"auth_time": "", "amr": ""}, None, ()),
        ({"auth_time": "-5", "amr": "[]"}, None, ()),
        ({"auth_time": "1.7e9", "amr": {"mfa": 1}}, None, ()),
        ({"auth_time": "999999999999", "amr": [1, None]}, None, ()),
        ({"auth_time": True, "amr": None}, None, ()),
        ({"auth_time": "now", "amr": 7}, None, ()),
    ],
)
def test_claims_are_read_as_authorizers_hand_them_on(
    claims: dict[str, Any], auth_time: int | None, amr: tuple[str, ...]
) -> None:
    factor = jwt_factor({"iss": IDP, **claims})
    assert (factor.kind, factor.issuer, factor.auth_time, factor.amr) == (FactorKind.JWT, IDP, auth_time, amr)


def test_a_nonce_binds_a_token_to_the_decision() -> None:
    assert jwt_factor({"iss": IDP, "nonce": CHALLENGE}, challenge=CHALLENGE).bound_digest == CHALLENGE
    assert jwt_factor({"iss": IDP, "nonce": "other"}, challenge=CHALLENGE).bound_digest == ""
    assert jwt_factor({"iss": IDP, "nonce": ""}).bound_digest == ""


def test_a_token_without_an_issuer_is_none() -> None:
    with pytest.raises(DecisionError, match="names no issuer"):
        jwt_factor({"auth_time": "1763892000"})
