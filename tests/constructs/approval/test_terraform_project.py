"""The project that applies an agent's Terraform plans: pinned, closed, and run as a role that is proved."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from sudo_mcp_guardrails import (
    AgentGuardrails,
    GuardrailNames,
    InvalidAgentError,
    TerraformNetwork,
    TerraformState,
    WorkflowError,
)
from sudo_mcp_guardrails.approval.applying.buildspec import buildspec
from tests.constructs.approval.test_approval_workflow import (
    ACCOUNT,
    PROJECT,
    agent,
    made,
    new_stack,
    statements,
    terraform_project,
    workflow,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails import (
        GuardrailsError,
    )
    from tests.constructs.approval.test_approval_workflow import (
        Template,
    )


def whole(stack: cdk.Stack, **options: Any) -> dict[str, dict[str, Template]]:
    project = terraform_project(stack, **options)
    found = workflow(stack, terraform_project=project)
    AgentGuardrails(
        stack, "Agents", agents=[agent()], apply_broker=found.broker_role, runs=found.runs, terraform=[project]
    )
    return made(stack)


def built(stack: cdk.Stack, **options: Any) -> Template:
    [project] = whole(stack, **options)["AWS::CodeBuild::Project"].values()
    return project


def warnings(stack: cdk.Stack) -> set[str]:
    messages = cdk.App.of(stack).synth().get_stack_by_name("Approvals").messages  # type: ignore[union-attr]
    return set(re.findall(r"@sudo-mcp-guardrails/(\w+:\w+)", str([m.entry.data for m in messages])))


def test_the_project_is_pinned_and_nothing_of_it_is_open() -> None:
    project = built(new_stack())
    assert project["Name"] == PROJECT
    assert project["Source"] == {"Type": "NO_SOURCE", "BuildSpec": buildspec(directory="/terraform")}
    assert project["Artifacts"] == {"Type": "NO_ARTIFACTS"}
    environment = project["Environment"]
    assert json.dumps(environment.pop("Image")).endswith(f'/terraform@sha256:{"ab" * 32}"]]}}')
    variables = environment.pop("EnvironmentVariables")
    assert [(each["Name"], each["Type"]) for each in variables] == [
        ("BUNDLE_BUCKET", "PLAINTEXT"),
        ("PLAN_BUCKET", "PLAINTEXT"),
    ]
    assert all("mcp-guardrails-approval-evidence-" in json.dumps(each["Value"]) for each in variables)
    assert environment == {
        "Type": "LINUX_CONTAINER",
        "ComputeType": "BUILD_GENERAL1_SMALL",
        "ImagePullCredentialsType": "CODEBUILD",
        "PrivilegedMode": False,
    }
    limits = ("ConcurrentBuildLimit", "AutoRetryLimit", "TimeoutInMinutes", "QueuedTimeoutInMinutes")
    assert [project[name] for name in limits] == [1, 0, 60, 30]
    assert (project["Cache"], project["Visibility"], project["BadgeEnabled"]) == (
        {"Type": "NO_CACHE"},
        "PRIVATE",
        False,
    )
    assert "VpcConfig" not in project


def test_the_log_is_encrypted_and_named() -> None:
    found = whole(new_stack())
    group = found["AWS::Logs::LogGroup"]["TerraformLogGroup"]
    assert (group["LogGroupName"], group["RetentionInDays"]) == (f"/aws/codebuild/{PROJECT}", 365)
    assert "TerraformKey" in json.dumps(group["KmsKeyId"])
    [project] = found["AWS::CodeBuild::Project"].values()
    assert project["LogsConfig"]["CloudWatchLogs"]["Status"] == "ENABLED"
    assert "TerraformKey" in json.dumps(project["EncryptionKey"])
    assert found["AWS::KMS::Key"]["TerraformKey"]["EnableKeyRotation"] is True


def test_the_execution_role_is_the_projects_and_trusts_codebuild_for_it_alone() -> None:
    stack = new_stack()
    found = whole(stack)
    [project] = found["AWS::CodeBuild::Project"].values()
    name = "mcp-guardrails-release-bot-execution"
    assert json.dumps(project["ServiceRole"]).endswith(f':role/mcp-guardrails/agents/release-bot/{name}"]]}}')
    [role] = [r for r in found["AWS::IAM::Role"].values() if r["RoleName"] == name]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "codebuild.amazonaws.com"}
    assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert json.dumps(trust["Condition"]["StringEquals"]["aws:SourceArn"]).endswith(f':project/{PROJECT}"]]}}')
    assert "ExecutionBoundary" in json.dumps(role["PermissionsBoundary"])
    assert len(role["ManagedPolicyArns"]) == 3
    policies = [statements(p) for p in found["AWS::IAM::ManagedPolicy"].values()]
    assert len([p for p in policies if "ExecutionPlan" in p]) == 1
    resources = assertions.Template.from_stack(stack).to_json()["Resources"]
    [depends] = [r["DependsOn"] for r in resources.values() if r["Type"] == "AWS::CodeBuild::Project"]
    assert "ExecutionRole" in json.dumps(depends)


def test_a_repository_of_this_app_is_opened_to_the_project_alone() -> None:
    stack = new_stack()
    found = whole(stack, repository=ecr.Repository(stack, "Own"))
    [repository] = found["AWS::ECR::Repository"].values()
    [opened] = repository["RepositoryPolicyText"]["Statement"]
    assert opened["Principal"] == {"Service": "codebuild.amazonaws.com"}
    assert opened["Action"] == ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    assert json.dumps(opened["Condition"]["StringEquals"]["aws:SourceArn"]).endswith(f':project/{PROJECT}"]]}}')


def test_what_one_brings() -> None:
    stack = new_stack()
    key = kms.Key.from_key_arn(stack, "OwnKey", f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/own")
    project = built(
        stack,
        key=key,
        log_group=logs.LogGroup.from_log_group_name(stack, "OwnLog", "/builds/terraform"),
        network=TerraformNetwork("vpc-0a1b2c3d", ("subnet-0a1b2c3d",), ("sg-0a1b2c3d",)),
        timeout=cdk.Duration.hours(2),
        compute=codebuild.ComputeType.LARGE,
        architecture="arm64",
        terraform="tofu",
        directory="/work/root",
    )
    found = made(stack)
    assert "TerraformKey" not in found["AWS::KMS::Key"]
    assert "TerraformLogGroup" not in found["AWS::Logs::LogGroup"]
    assert project["LogsConfig"]["CloudWatchLogs"]["GroupName"] == "/builds/terraform"
    assert project["EncryptionKey"] == key.key_arn
    assert project["VpcConfig"] == {
        "VpcId": "vpc-0a1b2c3d",
        "Subnets": ["subnet-0a1b2c3d"],
        "SecurityGroupIds": ["sg-0a1b2c3d"],
    }
    assert (project["Environment"]["Type"], project["TimeoutInMinutes"]) == ("ARM_CONTAINER", 120)
    assert project["Source"]["BuildSpec"] == buildspec(terraform="tofu", directory="/work/root")
    [log] = [
        statements(p)["ExecutionLog"]
        for p in found["AWS::IAM::ManagedPolicy"].values()
        if "ExecutionLog" in statements(p)
    ]
    assert json.dumps(log["Resource"]).endswith(':log-group:/builds/terraform:*"]]}')


def test_a_role_of_ones_own_is_loud_and_is_let_in_by_nobody() -> None:
    stack = new_stack()
    role = iam.Role.from_role_arn(stack, "OwnRole", f"arn:aws:iam::{ACCOUNT}:role/deployer")
    project = terraform_project(stack, role=role)
    workflow(stack, terraform_project=project)
    assert "terraformProject:ownRole" in warnings(stack)
    found = made(stack)
    [policy] = found["AWS::S3::BucketPolicy"].values()
    assert "ApprovalEvidenceBuilds" not in statements(policy)
    with pytest.raises(WorkflowError, match="with a role of its own is not allowed"):
        AgentGuardrails(stack, "Agents", agents=[agent()], terraform=[project])


def test_a_project_of_ones_own_is_loud() -> None:
    stack = new_stack()
    workflow(stack, terraform_project=codebuild.Project.from_project_name(stack, "Own", PROJECT))
    assert "approvalWorkflow:ownTerraformProject" in warnings(stack)


def test_a_project_whose_role_is_not_made_for_it_is_no_app() -> None:
    stack = new_stack()
    found = workflow(stack, terraform_project=terraform_project(stack))
    AgentGuardrails(stack, "Agents", agents=[agent()], apply_broker=found.broker_role, runs=found.runs)
    with pytest.raises(RuntimeError, match="give it to AgentGuardrails, as terraform="):
        cdk.App.of(stack).synth()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"digest": "latest"}, WorkflowError, "digest 'latest' of a Terraform project is not allowed"),
        ({"digest": f"sha256:{'AB' * 32}"}, WorkflowError, "expected sha256: and 64 hexadecimal digits in lower case"),
        ({"directory": "work; rm"}, WorkflowError, "directory 'work; rm' of a Terraform project is not allowed"),
        ({"terraform": "tofu && x"}, WorkflowError, "terraform 'tofu && x' of a Terraform project is not allowed"),
        ({"python": "$(x)"}, WorkflowError, "python '$(x)' of a Terraform project is not allowed"),
        ({"architecture": "mips"}, WorkflowError, "architecture 'mips' of a Terraform project is not allowed"),
        ({"timeout": cdk.Duration.minutes(1)}, WorkflowError, "timeout of 1 minutes of a Terraform project is not"),
        ({"timeout": cdk.Duration.hours(9)}, WorkflowError, "expected 5 to 480"),
        (
            {"state": TerraformState("mcp-guardrails-x", "k")},
            InvalidAgentError,
            "neither the guardrails' nor the CDK's",
        ),
    ],
)
def test_bad_props(options: dict[str, Any], error: type[GuardrailsError], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        terraform_project(new_stack(), **options)


def test_a_log_group_that_nobody_can_name() -> None:
    stack = new_stack()
    with pytest.raises(WorkflowError, match="is not allowed, expected one with a log_group_name"):
        terraform_project(stack, log_group=logs.LogGroup(stack, "Unnamed"))
    stack = new_stack()
    named = logs.LogGroup(stack, "Named", log_group_name="/builds/terraform")
    assert terraform_project(stack, log_group=named).build.log_group == "/builds/terraform"


def test_projects_of_other_agents_and_names_are_refused() -> None:
    stack = new_stack()
    project = terraform_project(stack)
    for agents, names, projects in (
        ([agent()], GuardrailNames("other"), [project]),
        ([agent()], None, [project, project]),
    ):
        with pytest.raises(InvalidAgentError, match="Terraform project of name prefix 'mcp-guardrails' and agent"):
            AgentGuardrails(new_stack(), "Agents", agents=agents, names=names, terraform=projects)
