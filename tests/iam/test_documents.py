"""Reading, writing and measuring policy documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sudo_mcp_guardrails.iam import PolicyDocument, PolicyError, PolicySizeError, Statement, parse_document

GOOD = {"Sid": "S", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def with_statement(**more: Any) -> dict[str, Any]:
    merged = {**GOOD, **more}
    return {"Version": "2012-10-17", "Statement": [{k: v for k, v in merged.items() if v is not None}]}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "policy: expected an object with a Statement, got list"),
        ({}, "policy: expected an object with a Statement, got dict"),
        ({"Statement": []}, "policy.Version: None is not supported, expected '2012-10-17'"),
        ({"Version": "2008-10-17", "Statement": []}, "policy.Version: '2008-10-17' is not supported"),
        ({"Version": "2012-10-17", "Statement": "x"}, "policy.Statement: expected a list, got str"),
        ({"Version": "2012-10-17", "Statement": [GOOD, 3]}, "policy.Statement[1]: expected an object, got int"),
        (with_statement(Actions="s3:*"), "policy.Statement[0]: unknown element 'Actions', expected some of Action"),
        (with_statement(Effect="allow"), "policy.Statement[0].Effect: 'allow' is not allowed, expected 'Allow' or"),
        (with_statement(Effect=["Allow"]), "policy.Statement[0].Effect: ['Allow'] is not allowed"),
        (with_statement(Action=None), "policy.Statement[0]: expected one of Action and NotAction"),
        (with_statement(NotAction="s3:*"), "policy.Statement[0]: expected one of Action and NotAction"),
        (with_statement(NotResource="*"), "policy.Statement[0]: expected only one of Resource and NotResource"),
        (
            with_statement(Resource=None),
            "policy.Statement[0]: expected one of Resource and NotResource, or a Principal",
        ),
        (with_statement(Action=[]), "policy.Statement[0].Action: expected at least one value, got an empty list"),
        (with_statement(Resource=[]), "policy.Statement[0].Resource: expected at least one value"),
        (with_statement(Action=[{}]), "policy.Statement[0].Action: expected a string, got dict"),
        (with_statement(Resource={"Ref": "X"}), "policy.Statement[0].Resource: expected a string, got dict"),
        (with_statement(Principal="me"), "policy.Statement[0].Principal: expected '*' or an object, got 'me'"),
        (with_statement(Principal={}), "policy.Statement[0].Principal: expected '*' or an object, got {}"),
        (with_statement(Principal={"AWS": []}), "policy.Statement[0].Principal.AWS: expected at least one value"),
        (with_statement(Principal={"AWS": None}), "policy.Statement[0].Principal.AWS: expected a string, got NoneType"),
        (with_statement(Condition=[]), "policy.Statement[0].Condition: expected an object, got list"),
        (with_statement(Condition={"Bool": "x"}), "policy.Statement[0].Condition.Bool: expected an object, got str"),
        (
            with_statement(Condition={"Bool": {"aws:a": [None]}}),
            "policy.Statement[0].Condition.Bool.aws:a: expected a string, got NoneType",
        ),
        (
            with_statement(Condition={"Null": {"aws:a": []}}),
            "policy.Statement[0].Condition.Null.aws:a: expected at least",
        ),
    ],
)
def test_what_is_not_understood_is_refused_with_its_path(document: Any, message: str) -> None:
    with pytest.raises(PolicyError) as error:
        parse_document(document)
    assert str(error.value).startswith(message)


def test_reads_what_aws_writes() -> None:
    document = parse_document(
        {
            "Version": "2012-10-17",
            "Id": "x",
            "Statement": {
                "Effect": "Deny",
                "NotPrincipal": {"AWS": ["a", "b"], "Service": "c"},
                "NotAction": ["s3:*", "iam:*"],
                "NotResource": "*",
                "Condition": {"Bool": {"aws:a": True}, "NumericLessThan": {"aws:b": 3600, "aws:c": ["1", 2]}},
            },
        },
        name="n",
    )
    assert document == PolicyDocument(
        "n",
        (
            Statement(
                sid="#0",
                effect="Deny",
                not_actions=("s3:*", "iam:*"),
                not_resources=("*",),
                not_principals=(("AWS", "a"), ("AWS", "b"), ("Service", "c")),
                conditions=(
                    ("Bool", "aws:a", ("true",)),
                    ("NumericLessThan", "aws:b", ("3600",)),
                    ("NumericLessThan", "aws:c", ("1", "2")),
                ),
            ),
        ),
    )


def test_writes_what_it_reads() -> None:
    raw = {
        "Version": "2012-10-17",
        "Statement": [
            GOOD,
            {"Sid": "T", "Effect": "Deny", "Principal": "*", "NotAction": ["a:B", "c:D"], "NotResource": ["x", "y"]},
            {
                "Sid": "U",
                "Effect": "Allow",
                "Principal": {"AWS": ["a", "b"]},
                "Action": "sts:AssumeRole",
                "Condition": {"StringLike": {"aws:a": ["1", "2"], "aws:b": "3"}},
            },
        ],
    }
    document = parse_document(raw)
    assert document.to_dict() == raw
    assert json.loads(document.to_json()) == raw
    assert " " not in document.to_json()


def test_resolve_replaces_pseudo_parameters_and_no_variable() -> None:
    arn = "arn:${AWS::Partition}:s3:${AWS::Region}:${AWS::AccountId}:x/${aws:username}"
    document = PolicyDocument("p", (Statement("S", "Allow", actions=("s3:*",), resources=(arn,)),))
    resolved = document.resolve({"Partition": "aws-cn", "AccountId": "1" * 12, "Region": "cn-north-1"})
    assert resolved.statements[0].resources == ("arn:aws-cn:s3:cn-north-1:111111111111:x/${aws:username}",)


def test_without() -> None:
    document = parse_document({"Version": "2012-10-17", "Statement": [GOOD, {**GOOD, "Sid": "T"}]})
    assert [s.sid for s in document.without("S").statements] == ["T"]


class TestSize:
    @staticmethod
    def document(*lengths: int) -> PolicyDocument:
        return PolicyDocument(
            "boundary",
            tuple(Statement(f"S{i}", "Deny", actions=("x" * n,), resources=("*",)) for i, n in enumerate(lengths)),
        )

    def test_counts_the_characters_of_minified_json(self) -> None:
        document = self.document(10)
        assert document.check_size() == len(document.to_json())

    def test_at_the_limit(self) -> None:
        size = self.document(10).check_size()
        assert self.document(10 + 6144 - size).check_size() == 6144
        with pytest.raises(PolicySizeError, match="policy 'boundary' has 6145 characters, 1 over the limit of 6144"):
            self.document(11 + 6144 - size).check_size()

    def test_names_the_largest_statements_in_order(self) -> None:
        with pytest.raises(PolicySizeError) as error:
            self.document(100, 4000, 10, 3000, 200).check_size()
        assert str(error.value).endswith(
            "its largest statements are S1 4055, S3 3055, S4 255: "
            "name fewer services, environments or explicit resources"
        )

    def test_pseudo_parameters_count_at_their_longest(self) -> None:
        short = PolicyDocument("p", (Statement("S", "Deny", actions=("a:B",), resources=("${AWS::Partition}",)),))
        plain = PolicyDocument("p", (Statement("S", "Deny", actions=("a:B",), resources=("aws-us-gov",)),))
        assert short.check_size() == plain.check_size()
