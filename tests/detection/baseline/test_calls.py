from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.detection.baseline.calls import Call, Effect, Kind, network_of
from tests.detection.baseline.made import made


@pytest.mark.parametrize(
    ("action", "fields", "effect"),
    [
        ("ec2:DescribeInstances", {}, Effect.READ),
        ("ec2:RunInstances", {}, Effect.WRITE),
        ("ec2:RunInstances", {"readOnly": None}, Effect.WRITE),
        ("ec2:DescribeInstances", {"readOnly": None}, Effect.READ),
        ("ec2:TerminateInstances", {}, Effect.DELETE),
        ("dynamodb:DeleteTable", {"readOnly": None}, Effect.DELETE),
        ("kms:ScheduleKeyDeletion", {}, Effect.DELETE),
        ("kms:GenerateDataKey", {"readOnly": True}, Effect.READ),
    ],
)
def test_what_does_not_say_that_it_reads_writes(action: str, fields: dict[str, Any], effect: Effect) -> None:
    assert Call.of(made(action, **fields).event).effect is effect


def test_the_version_of_an_operation_is_no_part_of_its_action() -> None:
    assert Call.of(made("lambda:CreateFunction20150331").event).action == "lambda:CreateFunction"
    assert Call.of(made("lambda:UpdateFunctionCode20150331v2").event).action == "lambda:UpdateFunctionCode"
    assert Call.of(made("ec2:DescribeVpcs").event).action == "ec2:DescribeVpcs"


@pytest.mark.parametrize(
    ("error", "failed", "refused"),
    [
        (None, False, False),
        ("NoSuchKey", True, False),
        ("AccessDenied", True, True),
        ("Client.UnauthorizedOperation", True, True),
        ("AccessDeniedException", True, True),
    ],
)
def test_a_refused_call_is_counted_apart(error: str | None, failed: bool, refused: bool) -> None:  # noqa: FBT001
    call = Call.of(made("s3:GetObject", errorCode=error).event)
    assert (call.failed, call.refused) == (failed, refused)
    assert call.counted == ("s3:GetObject!" if refused else "s3:GetObject")


def test_terms_of_an_event() -> None:
    event = made(
        "s3:PutObject",
        resources=[
            {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::b/k"},
            {"type": 3},
            "x",
            {"type": "AWS::S3::Bucket"},
        ],
        userAgent="[aws-cli/2.31.1 Python/3.13]",
    )
    assert Call.of(event.event).terms == (
        (Kind.SERVICE, "s3"),
        (Kind.ACTION, "s3:PutObject"),
        (Kind.PLACE, "111122223333/eu-west-1"),
        (Kind.RESOURCE, "s3:PutObject on AWS::S3::Bucket"),
        (Kind.RESOURCE, "s3:PutObject on AWS::S3::Object"),
        (Kind.SOURCE, "203.0.0.0/16"),
        (Kind.USER_AGENT, "aws-cli"),
    )


def test_an_event_with_little_in_it_has_few_terms_and_long_ones_are_cut_off() -> None:
    event = made("x:Y").event._replace(
        source=None, name=None, account=None, region=None, source_ip="n" * 500, user_agent=None, raw=b"{}"
    )
    assert Call.of(event).terms == (
        (Kind.SERVICE, "unknown"),
        (Kind.ACTION, "unknown:unknown"),
        (Kind.SOURCE, "n" * 160),
    )
    assert len(Call.of(made("s3:" + "A" * 900).event).action) == 160


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.0.0/16"),
        ("2001:DB8:1::2", "2001:db8::/32"),
        ("cloudformation.amazonaws.com", "cloudformation.amazonaws.com"),
        ("AWS Internal", "AWS Internal"),
    ],
)
def test_addresses_of_one_network_are_one_source(address: str, network: str) -> None:
    assert network_of(address) == network
