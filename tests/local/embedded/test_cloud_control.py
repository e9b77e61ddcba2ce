"""Cloud Control: what it makes is there, who may make it, and a request that is sent twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

QUEUE = "AWS::SQS::Queue"


def allow(*actions: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


class Control:
    def __init__(self, account: Account, *statements: dict[str, Any]) -> None:
        session = (
            account.assume(account.role("control", allow("cloudformation:*"), *statements)) if statements else None
        )
        self.client = account.client("cloudcontrol", session)

    def end(self, answer: Any) -> dict[str, Any]:
        assert answer["ProgressEvent"]["OperationStatus"] == "IN_PROGRESS"
        token = answer["ProgressEvent"]["RequestToken"]
        return dict(self.client.get_resource_request_status(RequestToken=token)["ProgressEvent"])

    def create(self, state: dict[str, Any], **more: Any) -> Any:
        return self.client.create_resource(TypeName=QUEUE, DesiredState=json.dumps(state), **more)


def queues(account: Account) -> list[str]:
    return [url.rsplit("/", 1)[-1] for url in account.client("sqs").list_queues().get("QueueUrls", [])]


def test_stock_makes_nothing(stock_account: Account) -> None:
    client = stock_account.client("cloudcontrol")
    made = client.create_resource(TypeName=QUEUE, DesiredState='{"QueueName": "q"}')
    assert made["ProgressEvent"]["OperationStatus"] == "SUCCESS"
    assert queues(stock_account) == []


def test_a_resource_is_made_changed_read_and_deleted(account: Account, refusal: Callable[..., str]) -> None:
    control, sqs = Control(account), account.client("sqs")
    event = control.end(control.create({"QueueName": "q", "VisibilityTimeout": 30}))
    assert (event["OperationStatus"], event["Operation"], event["TypeName"]) == ("SUCCESS", "CREATE", QUEUE)
    url = event["Identifier"]

    def timeout() -> str:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
        return str(found["Attributes"]["VisibilityTimeout"])

    assert timeout() == "30"
    patch = json.dumps([{"op": "replace", "path": "/VisibilityTimeout", "value": 60}])
    event = control.end(control.client.update_resource(TypeName=QUEUE, Identifier=url, PatchDocument=patch))
    assert (event["OperationStatus"], timeout()) == ("SUCCESS", "60")
    read = control.client.get_resource(TypeName=QUEUE, Identifier=url)["ResourceDescription"]["Properties"]
    assert json.loads(read) == {"QueueName": "q", "VisibilityTimeout": 60}
    assert control.end(control.client.delete_resource(TypeName=QUEUE, Identifier=url))["OperationStatus"] == "SUCCESS"
    assert queues(account) == []
    gone = lambda: control.client.get_resource(TypeName=QUEUE, Identifier=url)  # noqa: E731
    assert refusal(gone) == "ResourceNotFoundException"


def test_a_client_token_makes_one_request_of_two(account: Account, refusal: Callable[..., str]) -> None:
    control = Control(account)
    first = control.create({"VisibilityTimeout": 30}, ClientToken="apr-1")["ProgressEvent"]
    second = control.create({"VisibilityTimeout": 30}, ClientToken="apr-1")["ProgressEvent"]
    assert first["RequestToken"] == second["RequestToken"]
    assert second["OperationStatus"] == "SUCCESS"
    assert len(queues(account)) == 1
    other = lambda: control.create({"VisibilityTimeout": 60}, ClientToken="apr-1")  # noqa: E731
    assert refusal(other) == "ClientTokenConflictException"
    control.create({"VisibilityTimeout": 30}, ClientToken="apr-2")
    assert len(queues(account)) == 2


def test_the_caller_needs_what_the_type_needs(account: Account, refusal: Callable[..., str]) -> None:
    arn = f"arn:aws:sqs:us-east-1:{account.id}:mine"
    control = Control(account, allow("sqs:*", resource=arn))
    assert control.end(control.create({"QueueName": "mine"}))["OperationStatus"] == "SUCCESS"
    event = control.end(control.create({"QueueName": "other"}))
    assert (event["OperationStatus"], event["ErrorCode"]) == ("FAILED", "AccessDenied")
    assert "sqs:CreateQueue" in event["StatusMessage"]
    assert queues(account) == ["mine"]
    nobody = account.client("cloudcontrol", account.assume(account.role("nobody", allow("sqs:*"))))
    create = lambda: nobody.create_resource(TypeName=QUEUE, DesiredState="{}")  # noqa: E731
    assert refusal(create).startswith("AccessDenied")


def test_a_role_is_handed_over_only_by_who_may_pass_it(account: Account, refusal: Callable[..., str]) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = account.role("service", allow("sqs:*"), trust=trust)
    control = Control(account, allow("sqs:ListQueues"))
    assert refusal(lambda: control.create({}, RoleArn=role)) == "AccessDeniedException"
    passing = account.role("passing", allow("cloudformation:*"), allow("iam:PassRole", resource=role))
    control.client = account.client("cloudcontrol", account.assume(passing))
    assert control.end(control.create({}, RoleArn=role))["OperationStatus"] == "SUCCESS"


def test_what_is_no_request(account: Account, refusal: Callable[..., str]) -> None:
    client = Control(account).client
    for call, expected in (
        (lambda: client.create_resource(TypeName="AWS::No::Type", DesiredState="{}"), "UnsupportedActionException"),
        (lambda: client.create_resource(TypeName=QUEUE, DesiredState="[]"), "InvalidRequestException"),
        (lambda: client.delete_resource(TypeName=QUEUE, Identifier="none"), "ResourceNotFoundException"),
        (lambda: client.get_resource_request_status(RequestToken="none"), "RequestTokenNotFoundException"),
    ):
        assert refusal(call) == expected
