"""Which Deny statements apply to whatever a step asks about; that a proof rests on it soundly is in test_soundness."""

from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.iam.compiled import compile_statement
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.implied import applies_to_all
from sudo_mcp_guardrails.iam.layers import Layers
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.iam.verdict import Verdict
from tests.iam.test_evaluate import ALL, doc

OWN = "111111111111"
FACTS = Facts(Principal(f"arn:aws:iam::{OWN}:role/team/worker", session="s"))
NOT_HERE = ("StringNotEquals", "aws:RequestedRegion", ("eu-west-1",))
NAMED = ("Null", "aws:RequestedRegion", ("false",))


def implied(denied: Any, asked: Any, facts: Facts = FACTS, *, not_resources: tuple[str, ...] = ()) -> bool:
    resources = () if not_resources else ("*",)
    deny = Statement("D", "Deny", actions=("*",), resources=resources, not_resources=not_resources, conditions=denied)
    ask = Statement("A", "Allow", actions=("s3:*",), resources=("arn:aws:s3:::a*",), conditions=asked)
    return applies_to_all(compile_statement(deny), compile_statement(ask), facts)


@pytest.mark.parametrize(
    ("denied", "asked", "expected"),
    [
        ((), (), True),
        ((), (NAMED,), True),
        ((NOT_HERE,), (NOT_HERE,), True),
        ((NOT_HERE,), (NOT_HERE, NAMED), True),
        ((NAMED,), (NOT_HERE, NAMED), True),
        # A request without the key is asked about, and a Deny that wants it there does not apply to that.
        ((NAMED,), (NOT_HERE,), False),
        ((NOT_HERE,), (), False),
        ((NOT_HERE,), (("StringEquals", "aws:RequestedRegion", ("eu-west-1",)),), False),
        ((NOT_HERE,), (("StringEquals", "aws:RequestedRegion", ("us-east-1", "us-west-2")),), True),
        ((NOT_HERE,), (("StringLike", "aws:RequestedRegion", ("eu-*",)),), False),
        ((NOT_HERE,), (("StringLike", "aws:RequestedRegion", ("us-*",)),), True),
        ((NOT_HERE, ("Null", "aws:SourceIdentity", ("true",))), (NOT_HERE,), False),
        # The account of the resource, which no context has, is looked at as any other key.
        (
            (("StringNotEqualsIfExists", "aws:ResourceAccount", ("${aws:PrincipalAccount}",)),),
            (("StringNotEquals", "aws:ResourceAccount", (OWN,)),),
            True,
        ),
        (
            (("StringNotEqualsIfExists", "aws:ResourceAccount", ("${aws:PrincipalAccount}",)),),
            (("StringNotEquals", "aws:ResourceAccount", ("222222222222",)),),
            False,
        ),
        # A variable of unknown value: the Deny may not apply.
        ((("StringNotEquals", "s3:prefix", ("${aws:SourceIdentity}",)),), (("Null", "s3:prefix", ("false",)),), False),
    ],
)
def test_whether_conditions_imply_others(denied: Any, asked: Any, *, expected: bool) -> None:
    assert implied(denied, asked) is expected


def test_what_is_known_counts() -> None:
    via = ("Bool", "aws:ViaAWSMCPService", ("true",))
    assert not implied((via,), ())
    assert implied((via,), (), Facts(FACTS.principal, {"aws:ViaAWSMCPService": ("true",)}))
    assert not implied((via,), (), Facts(FACTS.principal, {"aws:ViaAWSMCPService": ("true", None)}))


def test_a_deny_that_leaves_resources_out_is_for_the_search() -> None:
    assert not implied((), (), not_resources=("arn:aws:s3:::b*",))


def test_too_many_classes_are_not_called_implied() -> None:
    many = tuple(f"{n}*" for n in range(40))
    assert not implied(
        (("ForAllValues:StringLike", "aws:TagKeys", many),), (("ForAnyValue:StringLike", "aws:TagKeys", many),)
    )


def test_actions_that_no_deny_stops_stay_open() -> None:
    deny = doc("b", {}, {"Effect": "Deny", "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}})
    prover = Prover(Layers(identity=(ALL,), boundary=deny), FACTS)
    ask = Statement("A", "Allow", actions=("*",), resources=("*",), conditions=(NOT_HERE,))
    proof = prover.prove((ask,))
    assert proof.verdict is Verdict.WITNESS
    assert proof.requests[0].action == "sts:GetCallerIdentity"
    proof = prover.prove((Statement("A", "Allow", actions=("s3:*",), resources=("*",), conditions=(NOT_HERE,)),))
    assert (proof.verdict, proof.statements) == (Verdict.PROVED, (("boundary", "b1"),))
    assert proof.reason == "every request is denied by boundary:b1"
