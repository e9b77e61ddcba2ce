from __future__ import annotations

import json
from typing import Any

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
ANY = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def _when(action: str, **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition}


def _delegated(boundary: str) -> dict[str, Any]:
    return _when("iam:*", StringEquals={"iam:PermissionsBoundary": boundary})


def test_delegated_administration_is_denied_without_the_extension(stock_account: Any, refusal: Any) -> None:
    boundary = stock_account.policy("ceiling", ANY)
    session = stock_account.assume(stock_account.role("admin", _delegated(boundary)))
    assert (
        refusal(
            lambda: stock_account.client("iam", session).create_role(
                RoleName="x", AssumeRolePolicyDocument=TRUST, PermissionsBoundary=boundary
            )
        )
        == "AccessDenied"
    )


def test_the_boundary_key_of_new_and_existing_roles(account: Any, refusal: Any) -> None:
    boundary, other = account.policy("ceiling", ANY), account.policy("other", ANY)
    iam = account.client("iam", account.assume(account.role("admin", _delegated(boundary))))
    account.role("free")

    def create(**more: Any) -> Any:
        return lambda: iam.create_role(RoleName="x", AssumeRolePolicyDocument=TRUST, **more)

    def put(role: str) -> Any:
        return lambda: iam.put_role_policy(
            RoleName=role, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [ANY]})
        )

    assert refusal(create()) == "AccessDenied"
    assert refusal(create(PermissionsBoundary=other)) == "AccessDenied"
    assert refusal(create(PermissionsBoundary=boundary)) == ""
    assert refusal(put("x")) == ""
    assert refusal(put("free")) == "AccessDenied"
    assert refusal(lambda: iam.put_role_permissions_boundary(RoleName="x", PermissionsBoundary=other)) == "AccessDenied"
    assert refusal(lambda: iam.put_role_permissions_boundary(RoleName="free", PermissionsBoundary=boundary)) == ""


def test_the_key_of_an_attached_policy(account: Any, refusal: Any) -> None:
    fine, strong = account.policy("fine", ANY), account.policy("strong", ANY)
    account.role("target")
    iam = account.client(
        "iam", account.assume(account.role("admin", _when("iam:AttachRolePolicy", ArnEquals={"iam:PolicyARN": fine})))
    )
    assert refusal(lambda: iam.attach_role_policy(RoleName="target", PolicyArn=fine)) == ""
    assert refusal(lambda: iam.attach_role_policy(RoleName="target", PolicyArn=strong)) == "AccessDenied"


def test_a_change_set_is_pinned_to_its_service_role(account: Any, refusal: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    execution, strong = account.role("execution", trust=trust), account.role("strong", trust=trust)
    planner = account.role(
        "planner",
        _when("cloudformation:CreateChangeSet", StringEquals={"cloudformation:RoleArn": execution}),
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"},
    )
    cloudformation = account.client("cloudformation", account.assume(planner))

    def plan(**more: Any) -> Any:
        return lambda: cloudformation.create_change_set(
            StackName="s",
            ChangeSetName="c",
            ChangeSetType="CREATE",
            TemplateBody=json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}),
            **more,
        )

    assert refusal(plan()) == "AccessDenied"
    assert refusal(plan(RoleARN=strong)) == "AccessDenied"
    assert refusal(plan(RoleARN=execution)) == ""


def test_the_principal_arn_is_the_roles_with_its_path(account: Any, refusal: Any) -> None:
    like = {"aws:PrincipalArn": f"arn:aws:iam::{account.id}:role/agents/*"}
    agent = account.role("agent", _when("sqs:*", ArnLike=like), path="/agents/")
    human = account.role("human", _when("sqs:*", ArnLike=like))
    for role, expected in ((agent, ""), (human, "AccessDenied")):
        sqs = account.client("sqs", account.assume(role))
        assert refusal(lambda sqs=sqs: sqs.create_queue(QueueName="q")) == expected


def test_the_organization_of_a_member(organization: Any, member: Any, refusal: Any) -> None:
    inside = member.role("inside", _when("sqs:*", StringEquals={"aws:PrincipalOrgID": organization.id}))
    outside = member.role("outside", _when("sqs:*", StringEquals={"aws:PrincipalOrgID": "o-0000000000"}))
    for role, expected in ((inside, ""), (outside, "AccessDenied")):
        sqs = member.client("sqs", member.assume(role))
        assert refusal(lambda sqs=sqs: sqs.create_queue(QueueName="q")) == expected


def test_regions_and_session_names(account: Any, refusal: Any) -> None:
    session = account.assume(account.role("r", _when("sqs:*", StringEquals={"aws:RequestedRegion": "eu-west-1"})))
    there = session.client("sqs", region_name="eu-west-1", endpoint_url=account.aws.endpoint_url)
    assert refusal(lambda: there.create_queue(QueueName="q")) == ""
    assert refusal(lambda: account.client("sqs", session).create_queue(QueueName="q")) == "AccessDenied"
    target = account.role("target")
    caller = account.assume(
        account.role("caller", _when("sts:AssumeRole", StringLike={"sts:RoleSessionName": "run-*"}))
    )
    assert refusal(lambda: account.assume(target, caller, name="run-1")) == ""
    assert refusal(lambda: account.assume(target, caller, name="mine")) == "AccessDenied"


def test_leading_keys(account: Any, refusal: Any) -> None:
    root = account.client("dynamodb")
    root.create_table(
        TableName="tab",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
    )
    role = account.role(
        "r",
        _when(
            "dynamodb:*",
            **{
                "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]},
                "Null": {"dynamodb:LeadingKeys": "false"},
            },
        ),
    )
    table = account.client("dynamodb", account.assume(role))

    def query(key: str) -> Any:
        return lambda: table.query(
            TableName="tab",
            KeyConditionExpression="#k = :v",
            ExpressionAttributeNames={"#k": "pk"},
            ExpressionAttributeValues={":v": {"S": key}},
        )

    assert refusal(lambda: table.put_item(TableName="tab", Item={"pk": {"S": "mine"}})) == ""
    assert refusal(lambda: table.put_item(TableName="tab", Item={"pk": {"S": "yours"}})) == "AccessDeniedException"
    assert refusal(query("mine")) == ""
    assert refusal(query("yours")) == "AccessDeniedException"
    assert refusal(lambda: table.scan(TableName="tab")) == "AccessDeniedException"


def test_resource_tags_count_in_a_boundary_too(account: Any, refusal: Any) -> None:
    guard = {
        "Effect": "Deny",
        "Action": "iam:DeleteRole",
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:ResourceTag/keep": "yes"}},
    }
    iam = account.client("iam", account.assume(account.role("r", ANY, boundary=account.policy("b", ANY, guard))))
    account.role("kept", Tags=[{"Key": "keep", "Value": "yes"}])
    account.role("loose")
    assert refusal(lambda: iam.delete_role(RoleName="kept")) == "AccessDenied"
    assert refusal(lambda: iam.delete_role(RoleName="loose")) == ""
