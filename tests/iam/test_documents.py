"""Reading, writing and measuring policy documents."""

from __future__ import annotations

import json

import pytest

from sudo_mcp_guardrails.iam import PolicyDocument, PolicyError, PolicySizeError, Statement, parse_document
from sudo_mcp_guardrails.iam.documents import ENVELOPE

GOOD = {"Sid": "S", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


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


def test_a_name_that_the_parser_made_is_not_written() -> None:
    nameless = {key: value for key, value in GOOD.items() if key != "Sid"}
    document = parse_document({"Version": "2012-10-17", "Statement": [nameless, GOOD]})
    assert [s.sid for s in document.statements] == ["#0", "S"]
    assert document.to_dict()["Statement"] == [nameless, GOOD]


def test_two_conditions_on_one_key_cannot_be_written() -> None:
    twice = (("StringLike", "aws:a", ("x",)), ("StringLike", "aws:a", ("y",)))
    statement = Statement("S", "Allow", actions=("s3:*",), resources=("*",), conditions=twice)
    with pytest.raises(PolicyError, match="statement 'S' has two conditions StringLike on 'aws:a', expected one"):
        statement.to_dict()


def test_resolve_reaches_every_element_and_keeps_the_reason() -> None:
    account, resolved = "${AWS::AccountId}", "222222222222"
    statement = Statement(
        "S",
        "Deny",
        not_actions=("s3:*",),
        not_resources=(account,),
        not_principals=(("AWS", account),),
        conditions=(("StringEquals", f"saml:{account}", (account,)),),
        reason="why",
    )
    values = {"Partition": "aws", "AccountId": resolved, "Region": "eu-central-1"}
    found = PolicyDocument("p", (statement,)).resolve(values).statements[0]
    assert (found.not_resources, found.not_principals) == ((resolved,), (("AWS", resolved),))
    assert found.conditions == (("StringEquals", f"saml:{resolved}", (resolved,)),)
    assert found.reason == "why"


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

    def test_without_statements(self) -> None:
        assert self.document().check_size() == len(self.document().to_json()) == ENVELOPE

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
