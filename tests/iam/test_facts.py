"""What is known of a request, and what is left free."""

from __future__ import annotations

import pytest

from sudo_mcp_guardrails.iam.facts import Facts, FactsError, of_session
from sudo_mcp_guardrails.iam.request import Principal

ROLE = "arn:aws:iam::111111111111:role/team/worker"
WORKER = Principal(ROLE, session="s")


def test_what_follows_from_the_principal_is_known() -> None:
    facts = Facts(Principal(ROLE, session="s", tags={"Team": "blue"}, source_identity="run-1", mfa_age=60))
    assert facts.fixed == facts.present
    assert facts.present == {
        "aws:principalarn": (ROLE,),
        "aws:principalaccount": ("111111111111",),
        "aws:principaltype": ("AssumedRole",),
        "aws:principalisawsservice": ("false",),
        "aws:principaltag/team": ("blue",),
        "aws:sourceidentity": ("run-1",),
        "aws:multifactorauthpresent": ("true",),
        "aws:multifactorauthage": ("60",),
    }


@pytest.mark.parametrize(
    "key",
    [
        # The sender decides on the first two; nothing is stated of the others.
        *("aws:securetransport", "aws:viaawsmcpservice", "aws:multifactorauthpresent", "aws:multifactorauthage"),
        *("aws:sourceidentity", "aws:principaltag/team", "aws:requestedregion", "aws:sourceip", "aws:calledviaawsmcp"),
    ],
)
def test_what_is_not_stated_is_free(key: str) -> None:
    assert key not in Facts(WORKER).alternatives


def test_stated_alternatives() -> None:
    known = {"aws:CalledViaAWSMCP": (None, "x"), "AWS:TagKeys": (("a", "b"),), "aws:SourceIdentity": (None,)}
    facts = Facts(WORKER, known=known)
    assert facts.alternatives["aws:calledviaawsmcp"] == ((), ("x",))
    assert "aws:calledviaawsmcp" not in facts.fixed
    assert facts.fixed["aws:tagkeys"] == ("a", "b")
    assert facts.fixed["aws:sourceidentity"] == ()
    assert "aws:sourceidentity" not in facts.present


def test_what_is_stated_comes_before_what_follows() -> None:
    assert Facts(WORKER, known={"AWS:PrincipalArn": ("arn:x",)}).fixed["aws:principalarn"] == ("arn:x",)


def test_a_service_is_no_subject_of_a_proof() -> None:
    with pytest.raises(FactsError, match=r"^principal 'lambda.amazonaws.com' is a service, expected the ARN of a role"):
        Facts(Principal("lambda.amazonaws.com"))


def test_an_unknown_assumption() -> None:
    with pytest.raises(FactsError, match=r"^resource policies 'best' are not known, expected one of worst, none$"):
        Facts(WORKER, resource_policies="best")


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("aws:principaltag/team", True),
        ("aws:principalarn", True),
        ("aws:sourceidentity", True),
        ("aws:tokenissuetime", True),
        ("aws:requesttag/team", False),
        ("aws:requestedregion", False),
        ("aws:calledviaawsmcp", False),
        ("aws:sourceip", False),
    ],
)
def test_what_all_requests_of_a_session_share(key: str, *, expected: bool) -> None:
    assert of_session(key) is expected
