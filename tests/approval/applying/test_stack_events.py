"""A stack's events against a plan: what was changed beside it, what was not, and what failed."""

from __future__ import annotations

from typing import Any

from sudo_mcp_guardrails.approval.applying.answers import Veil
from sudo_mcp_guardrails.approval.applying.forms import stack_events
from sudo_mcp_guardrails.approval.applying.forms.stack_events import compared, events_of
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from tests.handlers.approval.fakes import _check

STACK = "arn:aws:cloudformation:eu-central-1:222222222222:stack/app/1"
INNER = "arn:aws:cloudformation:eu-central-1:222222222222:stack/app-Data/2"
TOKEN = "apr-1"


def event(id_: str, kind: str = "AWS::SQS::Queue", **more: str) -> dict[str, Any]:
    made = {"LogicalResourceId": id_, "ResourceType": kind, "PhysicalResourceId": "x", "ResourceStatus": "OK"}
    return {**made, "ClientRequestToken": TOKEN, **more}


def plan(*ids: str) -> Plan:
    changes = tuple(
        Change(Operation.CREATE, "AWS::CloudFormation::Stack" if id_ == "Data" else "AWS::SQS::Queue", id_)
        for id_ in ids
    )
    return Plan(Form.CHANGE_SET, STACK, "", "", changes)


class CloudFormation:
    """Events of some stacks, two a page."""

    def __init__(self, **events: list[dict[str, Any]]) -> None:
        self.events = {STACK: events.get("outer", []), INNER: events.get("inner", [])}
        self.pages = 0

    def describe_stack_events(self, **call: Any) -> dict[str, Any]:
        _check("cloudformation", "DescribeStackEvents", call)
        self.pages += 1
        start = int(call.get("NextToken", "0"))
        found = self.events[call["StackName"]]
        more = {"NextToken": str(start + 2)} if start + 2 < len(found) else {}
        return {"StackEvents": found[start : start + 2], **more}


def test_nested_stacks_have_the_ids_of_the_plan() -> None:
    nested = event("Data", "AWS::CloudFormation::Stack", PhysicalResourceId=INNER)
    itself = event("app", "AWS::CloudFormation::Stack", PhysicalResourceId=STACK)
    inner_itself = event("app-Data", "AWS::CloudFormation::Stack", PhysicalResourceId=INNER)
    client = CloudFormation(outer=[itself, nested, event("Jobs"), nested], inner=[event("Table"), inner_itself])
    events, whole = events_of(client, STACK, TOKEN)
    assert whole
    assert sorted({id_ for id_, _ in events}) == ["Data", "Data/Table", "Jobs"]
    assert compared(plan("Data", "Data/Table", "Jobs"), events, Veil()) == []
    assert compared(plan("Data", "Jobs", "Other"), events, Veil()) == [
        "Data/Table was changed, and is not in the plan",
        "Other is in the plan, and was not changed",
    ]


def test_events_of_other_operations_do_not_count() -> None:
    older = [event(f"Old{number}", ClientRequestToken="other") for number in range(9)]
    client = CloudFormation(outer=[event("Jobs"), event("More"), *older])
    events, whole = events_of(client, STACK, TOKEN)
    assert ([id_ for id_, _ in events], whole) == (["Jobs", "More"], True)
    assert client.pages == 2, "it stops where older operations begin"


def test_a_type_that_was_swapped_and_a_failure_are_told_without_secrets() -> None:
    failed = event("Jobs", ResourceStatus="CREATE_FAILED", ResourceStatusReason="postgres://u:p4ss@host is bad")
    events = [("Jobs", failed), ("Data", event("Data"))]
    assert compared(plan("Jobs", "Data"), events, Veil()) == [
        "Data is a AWS::SQS::Queue, planned was AWS::CloudFormation::Stack",
        "Jobs is CREATE_FAILED: postgres://****@host is bad",
    ]


def test_deviations_are_bounded() -> None:
    found = compared(plan(), [(f"R{number}", event("x")) for number in range(500)], Veil())
    assert len(found) == stack_events.MAX_DEVIATIONS
    assert found[-1] == "and 401 more"


def test_too_many_pages_are_said() -> None:
    client = CloudFormation(outer=[event(f"R{number}") for number in range(2 * stack_events.MAX_PAGES + 3)])
    events, whole = events_of(client, STACK, TOKEN)
    assert not whole
    assert len(events) == 2 * stack_events.MAX_PAGES
