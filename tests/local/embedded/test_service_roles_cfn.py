from __future__ import annotations

import json
from typing import Any

CFN = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
STACKS = {"Effect": "Allow", "Action": ["cloudformation:*", "iam:PassRole"], "Resource": "*"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def _allow(*actions: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


def _template(resource_type: str, **properties: Any) -> dict[str, Any]:
    return {"Resources": {"R": {"Type": resource_type, "Properties": properties}}}


ROLE = _template("AWS::IAM::Role", RoleName="made", AssumeRolePolicyDocument=TRUST)
QUEUE = _template("AWS::SQS::Queue", QueueName="agent-q")


def test_a_stack_is_made_as_root_without_the_extension(stock_account: Any) -> None:
    session = stock_account.assume(stock_account.role("deployer", STACKS))
    assert stock_account.deploy(ROLE, session=session) == "CREATE_COMPLETE"


def test_without_a_service_role_the_caller_needs_the_permissions(account: Any) -> None:
    session = account.assume(account.role("deployer", STACKS))
    assert account.deploy(ROLE, session=session) == "ROLLBACK_COMPLETE"
    assert "iam:CreateRole on resource" in account.reasons()
    able = account.assume(account.role("able", STACKS, _allow("sqs:*")))
    assert account.deploy(QUEUE, "second", session=able) == "CREATE_COMPLETE"


def test_the_service_role_decides_when_there_is_one(account: Any) -> None:
    session = account.assume(account.role("deployer", STACKS))
    execution = account.role("execution", _allow("sqs:*", resource=f"arn:aws:sqs:*:{account.id}:agent-*"), trust=CFN)
    assert account.deploy(QUEUE, "fine", session=session, RoleARN=execution) == "CREATE_COMPLETE"
    other = _template("AWS::SQS::Queue", QueueName="other")
    assert account.deploy(other, "outside", session=session, RoleARN=execution) == "ROLLBACK_COMPLETE"
    assert account.deploy(ROLE, "role", session=session, RoleARN=execution) == "ROLLBACK_COMPLETE"
    assert "execution/AWSCloudFormation is not authorized to perform: iam:CreateRole" in account.reasons("role")


def test_the_role_stays_with_the_stack_and_with_the_change_set(account: Any) -> None:
    strong = account.client("cloudformation")
    execution = account.role("execution", _allow("sqs:CreateQueue"), trust=CFN)
    assert account.deploy(QUEUE, RoleARN=execution) == "CREATE_COMPLETE"
    # Deleting as the account's root still acts as the stack's role, which may not delete.
    strong.delete_stack(StackName="stack")
    assert account.settled() == "DELETE_FAILED"
    strong.create_change_set(
        StackName="planned",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        RoleARN=execution,
        TemplateBody=json.dumps(ROLE),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    strong.execute_change_set(StackName="planned", ChangeSetName="c")
    assert account.settled("planned") == "ROLLBACK_COMPLETE"


def test_a_boundary_is_demanded_of_the_roles_that_a_stack_makes(account: Any) -> None:
    boundary = account.policy("ceiling", _allow("*"))
    execution = account.role(
        "execution",
        _allow(
            "iam:*",
            resource=f"arn:aws:iam::{account.id}:role/agents/*",
            StringEquals={"iam:PermissionsBoundary": boundary},
        ),
        _allow("iam:DeleteRole"),
        # As at AWS the key has the present boundary when one is taken off, so only a Deny keeps it on.
        {"Effect": "Deny", "Action": "iam:DeleteRolePermissionsBoundary", "Resource": "*"},
        trust=CFN,
    )
    good = {"Path": "/agents/", "AssumeRolePolicyDocument": TRUST, "PermissionsBoundary": boundary}
    make = {"RoleName": "made", **good}
    inline = [{"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": [_allow("s3:*")]}}]
    assert (
        account.deploy(_template("AWS::IAM::Role", **make, Policies=inline), "good", RoleARN=execution)
        == "CREATE_COMPLETE"
    )
    unbounded = {key: value for key, value in make.items() if key != "PermissionsBoundary"}
    wrong_path = {**make, "Path": "/", "RoleName": "b"}
    for name, properties in (("unbounded", {**unbounded, "RoleName": "a"}), ("path", wrong_path)):
        assert account.deploy(_template("AWS::IAM::Role", **properties), name, RoleARN=execution) == "ROLLBACK_COMPLETE"
    cloudformation = account.client("cloudformation")
    cloudformation.update_stack(
        StackName="good",
        Capabilities=["CAPABILITY_NAMED_IAM"],
        TemplateBody=json.dumps(_template("AWS::IAM::Role", **unbounded, Policies=inline)),
    )
    assert account.settled("good") == "UPDATE_ROLLBACK_COMPLETE"
    assert (
        account.client("iam").get_role(RoleName="made")["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
        == boundary
    )


def test_a_template_that_passes_a_role_needs_pass_role(account: Any) -> None:
    states = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    mine, strong = account.role("mine", trust=states, path="/agents/"), account.role("strong", trust=states)
    passing = _allow(
        "iam:PassRole",
        resource=f"arn:aws:iam::{account.id}:role/agents/*",
        StringEquals={"iam:PassedToService": "states.amazonaws.com"},
    )
    execution = account.role("execution", _allow("states:*"), passing, trust=CFN)
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})

    def machine(role: str) -> dict[str, Any]:
        return _template("AWS::StepFunctions::StateMachine", DefinitionString=definition, RoleArn=role)

    assert account.deploy(machine(mine), "fine", RoleARN=execution) == "CREATE_COMPLETE"
    assert account.deploy(machine(strong), "strong", RoleARN=execution) == "ROLLBACK_COMPLETE"
    assert f"iam:PassRole on resource: {strong}" in account.reasons("strong")


def test_an_unmapped_type_is_refused_but_for_those_who_may_do_anything(account: Any) -> None:
    group = _template("AWS::Scheduler::ScheduleGroup", Name="g")
    narrow = account.role("narrow", _allow("scheduler:*"), trust=CFN)
    assert account.deploy(group, "narrow", RoleARN=narrow) == "ROLLBACK_COMPLETE"
    assert "AWS::Scheduler::ScheduleGroup needs is not mapped" in account.reasons("narrow")
    administrator = account.role("administrator", _allow("*"), trust=CFN)
    assert account.deploy(group, "anything", RoleARN=administrator) == "CREATE_COMPLETE"


def test_a_role_that_does_not_trust_cloudformation_is_refused(account: Any, refusal: Any) -> None:
    role = account.role("human", _allow("*"))
    assert refusal(lambda: account.deploy(QUEUE, RoleARN=role)) == "ValidationError"
