"""ARNs of what a call is about: right where they are known, and none where they would be guessed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.reading.call_resources import named_resources, resources_of
from sudo_mcp_guardrails.iam.catalogue import resource_arns

ACCOUNT = "111111111111"
REGION = "eu-central-1"


def test_every_ending_is_an_arn_of_the_service() -> None:
    for service, parameters in named_resources().items():
        formats = {
            re.sub(r"\$\{\w+\}", "{}", arn.split(":", 5)[5])
            for listed in resource_arns(service).values()
            for arn in listed.split(", ")
            if listed.startswith(f"arn:${{Partition}}:{service}:")
        }
        assert set(parameters.values()) <= formats, (service, set(parameters.values()) - formats)


@pytest.mark.parametrize(
    ("action", "parameters", "arns"),
    [
        ("dynamodb:PutItem", {"TableName": "bot-t"}, ("table/bot-t",)),
        ("lambda:UpdateFunctionCode", {"FunctionName": "bot-f"}, ("function:bot-f",)),
        ("sqs:SendMessage", {"QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/bot-q"}, ("bot-q",)),
        ("sqs:CreateQueue", {"QueueName": "bot-q"}, ("bot-q",)),
        ("ec2:TerminateInstances", {"InstanceIds": ["i-1", "i-2"]}, ("instance/i-1", "instance/i-2")),
        ("rds:DeleteDBInstance", {"DBInstanceIdentifier": "bot-d"}, ("db:bot-d",)),
        ("dynamodb:PutItem", {"Table": "bot-t"}, ()),
        ("dynamodb:PutItem", {"TableName": "bot-*"}, ()),
        ("dynamodb:PutItem", {"TableName": "a:b"}, ()),
        ("dynamodb:PutItem", {"TableName": {"a": 1}}, ()),
        ("iam:DeleteRole", {"RoleName": "bot-r"}, ()),
    ],
)
def test_a_name_becomes_an_arn(action: str, parameters: dict[str, Any], arns: tuple[str, ...]) -> None:
    service = action.partition(":")[0]
    found = resources_of(action, parameters, account=ACCOUNT, region=REGION)
    assert found == tuple(f"arn:aws:{service}:{REGION}:{ACCOUNT}:{each}" for each in arns)


def test_an_arn_is_taken_as_it_is_and_a_url_names_its_own_account() -> None:
    arn = f"arn:aws:dynamodb:{REGION}:999999999999:table/x"
    assert resources_of("dynamodb:PutItem", {"TableName": arn}, account=ACCOUNT, region=REGION) == (arn,)
    url = {"QueueUrl": "https://sqs.eu-central-1.amazonaws.com/999999999999/q"}
    found = resources_of("sqs:SendMessage", url, account=ACCOUNT, region=REGION)
    assert found == (f"arn:aws:sqs:{REGION}:999999999999:q",)


def test_nothing_is_known_without_an_account_or_a_region() -> None:
    assert resources_of("dynamodb:PutItem", {"TableName": "t"}, account="", region=REGION) == ()
    assert resources_of("dynamodb:PutItem", {"TableName": "t"}, account=ACCOUNT, region="") == ()
