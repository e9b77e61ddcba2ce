"""The layers, compiled: what exists, what it is called, and on what it depends."""

from __future__ import annotations

import pytest

from sudo_mcp_guardrails.iam import Layers, PolicyDocument, PolicyError, Statement
from tests.iam.test_evaluate import ALL, DENY, NOTHING, doc


def test_a_layer_that_is_not_given_does_not_exist() -> None:
    compiled = Layers().compiled
    assert [layer.name for layer in compiled.all] == ["identity"]
    assert (compiled.boundary, compiled.session, compiled.resource, compiled.vpc_endpoint) == (None,) * 4
    assert (compiled.scps, compiled.rcps, compiled.scope_down) == ((), (), ())


def test_an_empty_session_policy_is_one() -> None:
    assert [layer.name for layer in Layers(session=()).compiled.all] == ["session", "identity"]


def test_every_layer_has_its_name() -> None:
    layers = Layers(
        identity=(ALL, DENY),
        boundary=ALL,
        session=(ALL,),
        scps=((ALL, NOTHING), (ALL,)),
        resource=ALL,
        scope_down=(ALL, ALL),
        rcps=((ALL,),),
        vpc_endpoint=ALL,
    )
    assert [(layer.name, layer.missing) for layer in layers.compiled.all] == [
        ("scp", "scp level 0"),
        ("scp", "scp level 1"),
        ("rcp", "rcp level 0"),
        ("vpc-endpoint", "vpc-endpoint"),
        ("resource", "resource"),
        ("boundary", "boundary"),
        ("session", "session"),
        ("scope-down", "scope-down policy 0"),
        ("scope-down", "scope-down policy 1"),
        ("identity", "identity"),
    ]
    assert [len(layer.statements) for layer in layers.compiled.all] == [2, 1, 1, 1, 1, 1, 1, 1, 1, 2]


def test_they_are_compiled_once() -> None:
    layers = Layers(identity=(ALL,))
    assert layers.compiled is layers.compiled
    assert layers.compiled.identity.statements[0] is Layers(session=(ALL,)).compiled.all[0].statements[0]


def test_what_a_decision_depends_on() -> None:
    resource = {"Resource": "arn:aws:s3:::${aws:PrincipalTag/Team}/${saml:sub, 'nobody'}/${*}"}
    condition = {"Condition": {"StringEquals": {"aws:RequestTag/Owner": "${aws:SourceIdentity}"}}}
    layers = Layers(identity=(doc("p", resource),), boundary=doc("b", condition), scps=((ALL,),))
    assert layers.compiled.mentioned == {
        *("aws:principaltag/team", "saml:sub", "aws:requesttag/owner", "aws:sourceidentity")
    }


@pytest.mark.parametrize(
    ("statement", "doubtful"),
    [
        ({}, False),
        ({"Resource": "arn:aws:s3:::${aws:username}"}, False),
        ({"NotResource": "arn:aws:s3:::${aws:username}"}, True),
        ({"Condition": {"StringEquals": {"aws:SourceIdentity": "${aws:username}"}}}, False),
        ({"Condition": {"StringNotEquals": {"aws:SourceIdentity": "${aws:username}"}}}, True),
        ({"Condition": {"ArnLike": {"aws:PrincipalArn": "*"}}}, True),
    ],
)
def test_where_aws_does_not_say_what_holds(statement: dict[str, object], *, doubtful: bool) -> None:
    assert Layers(identity=(ALL,), boundary=doc("b", statement)).compiled.doubtful is doubtful


def test_what_is_not_known_is_an_error() -> None:
    statement = Statement("S", "Deny", actions=("*",), resources=("*",), conditions=(("StringIs", "aws:a", ("b",)),))
    layers = Layers(boundary=PolicyDocument("b", (statement,)))
    with pytest.raises(PolicyError, match="'StringIs' is not known"):
        _ = layers.compiled
