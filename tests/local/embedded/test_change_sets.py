"""Change sets as a broker of approved changes meets them: read whole, executed by ARN, and replaced ones refused."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
TRUST = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}


def template(**changes: Any) -> dict[str, Any]:
    return {
        "Parameters": {
            "Name": {"Type": "String", "Default": "jobs"},
            "Secret": {"Type": "String", "NoEcho": True, "Default": "none"},
        },
        "Resources": {
            "Queue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {"QueueName": {"Ref": "Name"}, "VisibilityTimeout": 30, **changes.get("queue", {})},
                "DeletionPolicy": "Retain",
            },
            "Setting": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": {"Fn::Sub": "${Secret} ${Queue.Arn} ${AWS::Region}"}},
            },
            **changes.get("more", {}),
        },
    }


class Stack:
    """One stack, changed by change sets under a service role."""

    def __init__(self, account: Account, *allowed: str) -> None:
        self.account, self.client = account, account.client("cloudformation")
        allow = {"Effect": "Allow", "Action": list(allowed or ("sqs:*", "ssm:*")), "Resource": "*"}
        self.role = account.role("service", allow, trust=TRUST)

    def change(self, what: dict[str, Any], name: str = "change", kind: str = "CREATE", **more: Any) -> str:
        answer = self.client.create_change_set(
            StackName="app",
            ChangeSetName=name,
            ChangeSetType=kind,
            TemplateBody=json.dumps(what),
            RoleARN=self.role,
            **more,
        )
        return str(answer["Id"])

    def read(self, arn: str, **more: Any) -> dict[str, Any]:
        return dict(self.client.describe_change_set(ChangeSetName=arn, **{"IncludePropertyValues": True, **more}))

    def rows(self, arn: str) -> dict[str, Any]:
        return {row["ResourceChange"]["LogicalResourceId"]: row["ResourceChange"] for row in self.read(arn)["Changes"]}

    def execute(self, arn: str) -> str:
        self.client.execute_change_set(ChangeSetName=arn, ClientRequestToken="apr-1")
        status = self.account.settled("app")
        for _ in range(100):
            if self.read(arn)["ExecutionStatus"] != "EXECUTE_IN_PROGRESS":
                return status
            time.sleep(0.02)
        raise AssertionError("the change set never ended")


def test_stock_shows_a_secret_and_no_properties(stock_account: Account) -> None:
    stack = Stack(stock_account)
    arn = stack.change(template(), Parameters=[{"ParameterKey": "Secret", "ParameterValue": "hush"}])
    assert {"ParameterKey": "Secret", "ParameterValue": "hush"} in stack.read(arn)["Parameters"]
    assert "AfterContext" not in stack.rows(arn)["Queue"]


def test_a_new_resource_tells_its_properties_and_hides_secrets(account: Account) -> None:
    stack = Stack(account)
    arn = stack.change(template(), Parameters=[{"ParameterKey": "Secret", "ParameterValue": "hush"}])
    assert {"ParameterKey": "Secret", "ParameterValue": "****"} in stack.read(arn)["Parameters"]
    rows = stack.rows(arn)
    assert json.loads(rows["Queue"]["AfterContext"]) == {
        "DeletionPolicy": "Retain",
        "Properties": {"QueueName": "jobs", "VisibilityTimeout": 30},
    }
    assert "BeforeContext" not in rows["Queue"]
    assert json.loads(rows["Setting"]["AfterContext"])["Properties"]["Value"] == f"**** {LATER} us-east-1"
    plain = stack.read(arn, IncludePropertyValues=False)["Changes"][0]["ResourceChange"]
    assert "AfterContext" not in plain


def test_a_change_tells_before_and_after_and_what_is_replaced(account: Account) -> None:
    stack = Stack(account)
    assert stack.execute(stack.change(template())) == "CREATE_COMPLETE"
    more = {"Other": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::GetAtt": ["Queue", "QueueName"]}}}}
    rows = stack.rows(stack.change(template(queue={"VisibilityTimeout": 60}, more=more), "update", "UPDATE"))
    assert json.loads(rows["Queue"]["BeforeContext"])["Properties"]["VisibilityTimeout"] == 30
    assert json.loads(rows["Queue"]["AfterContext"])["Properties"]["VisibilityTimeout"] == 60
    [detail] = rows["Queue"]["Details"]
    assert detail["Target"]["Path"] == "/Properties/VisibilityTimeout"
    assert (detail["Target"]["BeforeValue"], detail["Target"]["AfterValue"]) == ("30", "60")
    assert detail["Target"]["AttributeChangeType"] == "Modify"
    # The queue is there and stays, so what refers to it is known; replaced, it is not.
    assert json.loads(rows["Other"]["AfterContext"])["Properties"]["QueueName"] == "jobs"
    replaced = stack.rows(stack.change(template(queue={"QueueName": "other"}, more=more), "second", "UPDATE"))
    assert replaced["Queue"]["Replacement"] == "True"
    assert json.loads(replaced["Other"]["AfterContext"])["Properties"]["QueueName"] == LATER


def test_a_removed_resource_tells_what_it_was(account: Account) -> None:
    stack = Stack(account)
    stack.execute(stack.change(template()))
    less = template()
    del less["Resources"]["Setting"]
    [row] = stack.rows(stack.change(less, "update", "UPDATE")).values()
    assert (row["Action"], "AfterContext" in row) == ("Remove", False)
    value = json.loads(row["BeforeContext"])["Properties"]["Value"]
    assert value == f"**** arn:aws:sqs:us-east-1:{account.id}:jobs us-east-1"


def test_a_large_change_set_has_pages(account: Account, refusal: Callable[..., str]) -> None:
    stack = Stack(account)
    s3 = account.client("s3")
    s3.create_bucket(Bucket=f"templates-{account.id}")
    setting = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Long"}}}
    big: dict[str, dict[str, Any]] = {
        "Parameters": {"Long": {"Type": "String", "Default": "x" * 4000}},
        "Resources": {f"Setting{number}": setting for number in range(300)},
    }
    s3.put_object(Bucket=f"templates-{account.id}", Key="t.json", Body=json.dumps(big))
    arn = stack.client.create_change_set(
        StackName="app",
        ChangeSetName="big",
        ChangeSetType="CREATE",
        TemplateURL=f"{account.aws.endpoint_url}/templates-{account.id}/t.json",
        RoleARN=stack.role,
    )["Id"]
    first = stack.read(arn)
    second = stack.read(arn, NextToken=first["NextToken"])
    names = [row["ResourceChange"]["LogicalResourceId"] for page in (first, second) for row in page["Changes"]]
    assert sorted(names) == sorted(big["Resources"])
    assert 0 < len(second["Changes"]) < len(first["Changes"])
    assert "NextToken" not in second
    assert refusal(lambda: stack.read(arn, NextToken="300")) == "ValidationError"


def test_its_template_is_told_at_both_stages(account: Account) -> None:
    stack = Stack(account)
    arn = stack.change(template())
    for stage in ("Original", "Processed"):
        assert stack.client.get_template(ChangeSetName=arn, TemplateStage=stage)["TemplateBody"] == template()


def test_a_replaced_change_set_is_another_one(account: Account, refusal: Callable[..., str]) -> None:
    stack = Stack(account)
    first = stack.change(template())
    stack_id = stack.read(first)["StackId"]
    stack.client.delete_change_set(ChangeSetName=first)
    second = stack.change(template(queue={"VisibilityTimeout": 600}))
    assert (first != second, stack.read(second)["StackId"]) == (True, stack_id)
    assert refusal(lambda: stack.client.execute_change_set(ChangeSetName=first)) == "ChangeSetNotFound"
    assert refusal(lambda: stack.read(first)) == "ChangeSetNotFound"


def test_one_execution_drops_the_other_change_sets(account: Account, refusal: Callable[..., str]) -> None:
    stack = Stack(account)
    first, second = stack.change(template()), stack.change(template(queue={"DelaySeconds": 1}), "second")
    assert stack.execute(first) == "CREATE_COMPLETE"
    assert refusal(lambda: stack.read(second)) == "ChangeSetNotFound"
    assert stack.read(first)["ExecutionStatus"] == "EXECUTE_COMPLETE"
    assert refusal(lambda: stack.client.execute_change_set(ChangeSetName=first)) == "InvalidChangeSetStatus"


def test_the_stack_names_its_role_and_its_change_set(account: Account) -> None:
    stack = Stack(account)
    arn = stack.change(template())

    def described() -> tuple[Any, ...]:
        [found] = stack.client.describe_stacks(StackName="app")["Stacks"]
        return found["StackStatus"], found["RoleARN"], found["ChangeSetId"]

    assert described() == ("REVIEW_IN_PROGRESS", stack.role, arn)
    stack.execute(arn)
    assert described() == ("CREATE_COMPLETE", stack.role, arn)


def test_it_acts_as_its_service_role_and_rolls_back(account: Account) -> None:
    stack = Stack(account)
    stack.execute(stack.change(template()))
    more = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}
    arn = stack.change(template(queue={"VisibilityTimeout": 60}, more=more), "more", "UPDATE")
    assert stack.execute(arn) == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.read(arn)["ExecutionStatus"] == "EXECUTE_FAILED"
    assert "sns:CreateTopic" in account.reasons("app")
    events = stack.client.describe_stack_events(StackName="app")["StackEvents"]
    assert "apr-1" in {event.get("ClientRequestToken") for event in events}


def test_a_session_may_execute_one_stacks_change_set_alone(account: Account, refusal: Callable[..., str]) -> None:
    stack = Stack(account)
    arn = stack.change(template())
    stack_id = stack.read(arn)["StackId"]
    apply = account.role(
        "apply",
        {"Effect": "Allow", "Action": ["cloudformation:*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "iam:PassRole", "Resource": stack.role},
    )

    def executed_as(resource: str) -> str:
        allow = {"Effect": "Allow", "Action": "cloudformation:ExecuteChangeSet", "Resource": resource}
        narrow = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
        session = account.assume(apply, Policy=narrow)
        return refusal(lambda: account.client("cloudformation", session).execute_change_set(ChangeSetName=arn))

    assert executed_as(stack_id.replace("stack/app", "stack/other")) == "AccessDenied"
    assert executed_as(stack_id) == ""
