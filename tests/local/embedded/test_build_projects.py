"""A project of CodeBuild that CloudFormation makes keeps its log, and has a role that trusts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.local.embedded.conftest import Account

NAME = "terraform"
LOGS = {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "/aws/codebuild/terraform"}}


def template(source_arn: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "codebuild.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceArn": {"Fn::Sub": source_arn}}},
    }
    project = {
        "Name": NAME,
        "ServiceRole": {"Fn::GetAtt": ["Role", "Arn"]},
        "Source": {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {"Type": "LINUX_CONTAINER", "ComputeType": "BUILD_GENERAL1_SMALL", "Image": "x"},
        "LogsConfig": LOGS,
        "ConcurrentBuildLimit": 1,
    }
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
            "Project": {"Type": "AWS::CodeBuild::Project", "Properties": project},
        }
    }


OWN = "arn:aws:codebuild:${AWS::Region}:${AWS::AccountId}:project/terraform"


def test_stock_drops_it(stock_account: Account) -> None:
    assert stock_account.deploy(template(OWN)) == "CREATE_COMPLETE", stock_account.reasons()
    [project] = stock_account.client("codebuild").batch_get_projects(names=[NAME])["projects"]
    assert "logsConfig" not in project


def test_the_project_keeps_its_log_and_its_limit(account: Account) -> None:
    assert account.deploy(template(OWN)) == "CREATE_COMPLETE", account.reasons()
    [project] = account.client("codebuild").batch_get_projects(names=[NAME])["projects"]
    assert project["logsConfig"]["cloudWatchLogs"] == {"status": "ENABLED", "groupName": "/aws/codebuild/terraform"}
    assert project["concurrentBuildLimit"] == 1


def test_a_role_that_trusts_another_project_is_refused(account: Account) -> None:
    assert account.deploy(template(f"{OWN}-other")) != "CREATE_COMPLETE"
    assert "CodeBuild is not authorized to perform: sts:AssumeRole" in account.reasons()
