"""Change sets as AWS answers them: pages, nested ones, templates in several forms, and bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sudo_mcp_guardrails.approval.applying.reading import change_sets
from sudo_mcp_guardrails.approval.applying.reading.change_sets import read_change_set
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.errors import PlanError
from tests.handlers.approval.fakes import _check

ACCOUNT, REGION = "222222222222", "eu-central-1"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/app/0a1b2c3d-1111-2222-3333-444455556666"


def arn(number: int) -> str:
    return f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/cs/{number:08d}-2222-3333-4444-555566667777"


def row(id_: str, *, nested: str = "") -> dict[str, Any]:
    change = {
        "Action": "Add",
        "LogicalResourceId": id_,
        "ResourceType": "AWS::CloudFormation::Stack" if nested else "AWS::SQS::Queue",
        "AfterContext": json.dumps({"Properties": {"QueueName": id_}}),
    }
    return {"Type": "Resource", "ResourceChange": {**change, **({"ChangeSetId": nested} if nested else {})}}


class CloudFormation:
    """Change sets by ARN, each a list of pages of rows."""

    def __init__(self, pages: dict[str, list[list[dict[str, Any]]]], **more: Any) -> None:
        self.pages = pages
        self.more = more
        self.stack: dict[str, Any] = {
            "StackId": STACK,
            "StackName": "app",
            "StackStatus": "REVIEW_IN_PROGRESS",
            "RoleARN": "role",
        }
        self.template: Any = {}
        self.calls = 0

    def client(self, service: str, region: str = "", *, once: bool = False) -> CloudFormation:
        assert (service, region or REGION, once) == ("cloudformation", REGION, False)
        return self

    def describe_change_set(self, **call: Any) -> dict[str, Any]:
        _check("cloudformation", "DescribeChangeSet", call)
        assert call["IncludePropertyValues"] is True
        self.calls += 1
        pages = self.pages[call["ChangeSetName"]]
        number = int(call.get("NextToken", "0"))
        more = {"NextToken": str(number + 1)} if number + 1 < len(pages) else {}
        head = {"ChangeSetId": call["ChangeSetName"], "StackId": STACK, "StackName": "app", "Status": "CREATE_COMPLETE"}
        return {**head, "ExecutionStatus": "AVAILABLE", "Changes": pages[number], **more, **self.more}

    def describe_stacks(self, **call: Any) -> dict[str, Any]:
        _check("cloudformation", "DescribeStacks", call)
        return {"Stacks": [self.stack]}

    def get_template(self, **call: Any) -> dict[str, Any]:
        _check("cloudformation", "GetTemplate", call)
        if isinstance(self.template, Exception):
            raise self.template
        return {"TemplateBody": self.template}


def read(client: CloudFormation) -> Any:
    return read_change_set(client, arn(1), account=ACCOUNT, region=REGION)  # type: ignore[arg-type] # as far as it is used


def test_nested_change_sets_are_read_with_all_their_pages() -> None:
    client = CloudFormation(
        {
            arn(1): [[row("A")], [row("Data", nested=arn(2))]],
            arn(2): [[row("T")], [row("Deep", nested=arn(3))]],
            arn(3): [[row("X"), row("Y")]],
        }
    )
    bundle = read(client)
    assert [change.id for change in sorted(bundle.plan().changes, key=lambda each: each.id)] == [
        "A",
        "Data",
        "Data/Deep",
        "Data/Deep/X",
        "Data/Deep/Y",
        "Data/T",
    ]
    assert not [one for one in bundle.plan().unknown if "not given" in one.reason]
    assert client.calls == 5
    assert read(client).digest == bundle.digest, "tokens of pages are another each time, the bundle is the same"


def test_the_role_and_the_rollback_are_part_of_the_digest() -> None:
    client = CloudFormation({arn(1): [[row("A")]]})
    first = read(client)
    assert first.known["options"] == {"RoleARN": "role", "DisableRollback": False}
    client.stack["RoleARN"] = "other"
    assert read(client).plan().digest != first.plan().digest
    stated = CloudFormation({arn(1): [[row("A")]]}, OnStackFailure="DO_NOTHING")
    assert "DisableRollback" not in read(stated).known["options"]


def test_what_is_deployed_is_kept_with_it() -> None:
    client = CloudFormation({arn(1): [[row("A")]]})
    client.stack |= {"StackStatus": "CREATE_COMPLETE", "Parameters": [{"ParameterKey": "P", "ParameterValue": "1"}]}
    client.template = {"Resources": {"A": {"Type": "AWS::SQS::Queue"}}}
    known = read(client).known
    assert known["deployed"] == known["template"] == client.template
    assert known["deployed_parameters"] == {"P": "1"}


@pytest.mark.parametrize(
    ("template", "kept"),
    [
        ('{"Resources": {}}', {"Resources": {}}),
        ("Resources: {}", None),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "GetTemplate"), None),
    ],
)
def test_a_template_that_cannot_be_read_is_left_out(template: Any, kept: Any) -> None:
    client = CloudFormation({arn(1): [[row("A")]]})
    client.template = template
    assert read(client).known.get("template") == kept


def test_a_template_that_cannot_be_had_now_is_no_answer() -> None:
    client = CloudFormation({arn(1): [[row("A")]]})
    client.template = ClientError({"Error": {"Code": "Throttling"}}, "GetTemplate")
    with pytest.raises(ClientError):
        read(client)


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"ExecutionStatus": "OBSOLETE"}, "execution status 'OBSOLETE'"),
        ({"ChangeSetId": arn(9)}, "is described as"),
        ({"NextToken": "again"}, "more than 3 pages"),
        ({"StackId": ""}, "names no stack"),
    ],
)
def test_what_is_not_the_change_set_is_refused(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], reason: str
) -> None:
    monkeypatch.setattr(change_sets, "MAX_PAGES", 3)

    class Endless(CloudFormation):
        def describe_change_set(self, **call: Any) -> dict[str, Any]:
            call.pop("NextToken", None)
            return super().describe_change_set(**call)

    with pytest.raises(ApplyRefused, match=reason):
        read(Endless({arn(1): [[row("A")]]}, **more))


def test_one_that_failed_or_is_elsewhere_is_no_plan() -> None:
    with pytest.raises(PlanError):
        read(CloudFormation({arn(1): [[row("A")]]}, Status="FAILED"))
    client = CloudFormation({arn(1): [[row("A")]]})
    with pytest.raises(PlanError):
        read_change_set(client, arn(1), account="999999999999", region=REGION)  # type: ignore[arg-type]


def test_nested_ones_are_bounded_and_may_go_round() -> None:
    round_ = CloudFormation({arn(1): [[row("A", nested=arn(2))]], arn(2): [[row("B", nested=arn(2))]]})
    with pytest.raises(PlanError):
        read(round_)
    assert round_.calls == 2
    many = {arn(1): [[row(f"N{number}", nested=arn(number)) for number in range(2, 205)]]}
    client = CloudFormation({**many, **{arn(number): [[row("Q")]] for number in range(2, 205)}})
    with pytest.raises(ApplyRefused, match="more than 200"):
        read(client)
