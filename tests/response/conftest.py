from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.policies.naming import ROLE_KINDS
from sudo_mcp_guardrails.response.records import S3Records
from tests.response.estates import ESTATE, build_of, trust
from tests.response.fake_aws import FakeAws

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.response.records import Records


@pytest.fixture
def aws() -> FakeAws:
    """Two agents in two accounts, with work in flight."""
    return filled()


@pytest.fixture
def fresh() -> Callable[[], FakeAws]:
    """The same, as often as wanted."""
    return filled


@pytest.fixture
def records(aws: FakeAws) -> Records:
    return S3Records(aws.client("s3", ESTATE.account, ""), "mcp-guardrails-containment-1")


def filled() -> FakeAws:
    aws = FakeAws()
    names = ESTATE.names
    for agent in ESTATE.agents:
        for account in ESTATE.accounts(agent):
            for kind in ROLE_KINDS:
                aws.roles[account, names.role_name(agent.name, kind)] = {
                    "boundary": f"arn:aws:iam::{account}:policy{names.boundary_path}{names.boundary_name(agent.name)}",
                    "trust": trust(account, agent.name, kind),
                    "attached": [f"arn:aws:iam::{account}:policy{names.policy_path}p{n}" for n in range(3)],
                }
    stack = "arn:aws:cloudformation:eu-central-1:111111111111:stack"
    aws.stacks = [
        {"StackName": "release-bot-api", "StackId": f"{stack}/release-bot-api/1", "StackStatus": "UPDATE_IN_PROGRESS"},
        {"StackName": "release-bot-new", "StackId": f"{stack}/release-bot-new/1", "StackStatus": "CREATE_IN_PROGRESS"},
        {
            "StackName": "release-bot-end",
            "StackId": f"{stack}/release-bot-end/1",
            "StackStatus": "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        },
        {"StackName": "payroll", "StackId": f"{stack}/payroll/1", "StackStatus": "UPDATE_IN_PROGRESS"},
    ]
    aws.change_sets = [
        {"StackId": s["StackId"], "ChangeSetId": f"{s['StackId']}/cs-{status}", "ExecutionStatus": status}
        for s in aws.stacks
        for status in ("AVAILABLE", "EXECUTE_COMPLETE")
    ]
    aws.requests = [
        {"RequestToken": "t-own", "TypeName": "AWS::S3::Bucket", "Identifier": "release-bot-logs"},
        {"RequestToken": "t-other", "TypeName": "AWS::S3::Bucket", "Identifier": "payroll-logs"},
        {"RequestToken": "t-nobody", "TypeName": "AWS::EC2::VPC"},
    ]
    aws.builds = {
        build_of("release-bot", 1): "IN_PROGRESS",
        build_of("release-bot", 0): "SUCCEEDED",
        build_of("cost-bot", 1): "IN_PROGRESS",
    }
    aws.approvals = {"apr-1", "apr-2"}
    return aws
