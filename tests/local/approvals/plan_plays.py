"""Plays about plans and attacks: what is carried out, what is refused, and what comes back without a decision."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.local.approvals.site import queue, queue_template, until

if TYPE_CHECKING:
    from tests.local.approvals.site import Site

ELSEWHERE = {"Resources": {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "elsewhere"}}}}


def _approved_by_two(site: Site, approval: str) -> None:
    site.waits(approval)
    for name in ("alice", "bob"):
        status, body = site.person(name).decide(approval)
        assert status == 200, body
        if body["status"]["state"] == "approved":
            return
    raise AssertionError(f"{approval} is not approved: {body}")


def a_change_set(site: Site) -> None:
    agent = site.agent()
    arn = agent.change_set("release-bot-stack", queue_template("of-stack"))
    approval = agent.propose(form="cloudformation-change-set", changeSet=arn)
    _approved_by_two(site, approval)
    assert site.ended(approval) == "Executed", site.chain(approval)[-1].body
    assert "release-bot-of-stack" in site.queues()
    stacks = site.client("cloudformation").describe_stacks(StackName="release-bot-stack")["Stacks"]
    assert stacks[0]["RoleARN"].endswith("-execution")


def a_change_set_that_was_replaced(site: Site) -> None:
    agent = site.agent()
    arn = agent.change_set("release-bot-swapped", queue_template("shown"))
    approval = agent.propose(form="cloudformation-change-set", changeSet=arn)
    site.waits(approval)
    decision = site.person("alice").decision(approval)
    # The agent may not delete a change set; somebody else does, and the agent makes another one of the same name.
    site.client("cloudformation").delete_change_set(ChangeSetName=arn)
    other = agent.change_set("release-bot-swapped", queue_template("swapped"))
    assert other != arn
    assert site.person("alice").click(approval, decision)[0] == 200
    assert site.ended(approval) == "Ended"
    assert {"deviation", "refused"} <= set(site.kinds(approval))
    assert "execution" not in site.kinds(approval)
    assert not {"release-bot-shown", "release-bot-swapped"} & set(site.queues())


def an_execution_that_rolls_back(site: Site) -> None:
    agent = site.agent()
    arn = agent.change_set("release-bot-rolled", ELSEWHERE)
    approval = agent.propose(form="cloudformation-change-set", changeSet=arn)
    _approved_by_two(site, approval)
    assert site.ended(approval) == "ExecutionFailed"
    (outcome,) = [record.body for record in site.chain(approval) if record.kind == "outcome"]
    assert outcome["outcome"] == "rolled-back", outcome
    (said,) = [record.body for record in site.chain(approval) if record.kind == "deviations"]
    assert any("Jobs is CREATE_FAILED" in each for each in said["deviations"]), said


def a_call_that_fails(site: Site) -> None:
    site.client("sqs").create_queue(QueueName="release-bot-there", Attributes={"DelaySeconds": "9"})
    approval = site.agent().propose(
        form="api-calls", data=[queue("before"), queue("there", DelaySeconds="5"), queue("after")]
    )
    _approved_by_two(site, approval)
    assert site.ended(approval) == "ExecutionFailed"
    found = set(site.queues())
    assert "release-bot-before" in found
    assert "release-bot-after" not in found  # the first that fails is the last
    assert site.kinds(approval).count("call-started") == 2


def a_cloud_control_request(site: Site) -> None:
    wish = {"TypeName": "AWS::SQS::Queue", "DesiredState": json.dumps({"QueueName": "release-bot-controlled"})}
    approval = site.agent().propose(form="cloud-control-request", data=wish)
    _approved_by_two(site, approval)
    assert site.ended(approval) == "Executed", site.chain(approval)[-1].body
    assert "release-bot-controlled" in site.queues()


def a_read_needs_nobody(site: Site) -> None:
    call = {"service": "sqs", "operation": "GetQueueUrl", "parameters": {"QueueName": "release-bot-there"}}
    site.client("sqs").create_queue(QueueName="release-bot-there", Attributes={"DelaySeconds": "9"})
    approval = site.agent().propose(form="api-calls", data=[call])
    assert site.ended(approval) == "Executed", (site.states(approval), site.chain(approval)[-1].body)
    assert "decision" not in site.kinds(approval)


def what_nobody_can_approve(site: Site) -> None:
    call = {
        "service": "sqs",
        "operation": "SetQueueAttributes",
        "parameters": {
            "QueueUrl": site.client("sqs").get_queue_url(QueueName="mcp-guardrails-approval-undelivered")["QueueUrl"],
            "Attributes": {"MessageRetentionPeriod": "60"},
        },
    }
    approval = site.agent().propose(form="api-calls", data=[call])
    assert site.ended(approval) == "Ended"
    chain = site.chain(approval)
    assert chain[0].body["risk"] == "R4", chain[0].body
    assert "WaitForPeople" not in site.states(approval)
    assert site.person("alice").ask("POST", f"/api/approvals/{approval}/challenge", {})[0] == 409


def somebody_whom_nobody_knows(site: Site) -> None:
    agent = site.agent("mallory")
    status, body = agent.ask(
        "POST", "/approvals", {"environment": "sandbox", "form": "api-calls", "data": [queue("m")]}
    )
    assert status == 403, body
    assert "nobody that the approval policy knows" in body["error"]
    assert site.kinds(f"intake/{agent.run}") == ["refused"]


def proposals_that_are_none(site: Site) -> None:
    agent = site.agent(fresh=True)
    for wrong in (
        {"environment": "elsewhere", "form": "api-calls", "data": [queue("x")]},
        {"environment": "sandbox", "form": "cloudformation-template", "data": {}},
        {"environment": "sandbox", "form": "api-calls", "data": [queue("x")], "approved": True},
        {"environment": "sandbox", "form": "api-calls", "data": [queue("x")], "known": {"now": {}}},
        {"environment": "sandbox", "account": "999999999999", "form": "api-calls", "data": [queue("x")]},
    ):
        assert agent.ask("POST", "/approvals", wrong)[0] == 400, wrong
    assert len(site.chain(f"intake/{agent.run}")) == 5
    change_set = (
        f"arn:aws:cloudformation:us-east-1:{site.spec.account}:changeSet/none/{'0' * 8}-1111-2222-3333-{'4' * 12}"
    )
    approval = agent.propose(form="cloudformation-change-set", changeSet=change_set)
    assert site.ended(approval) == "WorkflowFailed"  # there is none to be read
    assert site.kinds(approval) == ["refused"]


def callbacks_without_a_decision(site: Site) -> None:
    agent = site.agent()
    stepfunctions = site.client("stepfunctions")
    first = agent.calls("forged-1")
    site.waits(first)
    stepfunctions.send_task_success(taskToken=site.token(first), output=json.dumps({"approved": True}))
    until(lambda: "forged-callback" in site.kinds(first))
    site.waits(first, times=2)
    stepfunctions.send_task_failure(taskToken=site.token(first), error="Stop", cause="it is me")
    until(lambda: site.kinds(first).count("forged-callback") == 2)
    # What the page once sent for another approval, sent again.
    site.waits(first, times=3)
    second = agent.calls("forged-2")
    site.waits(second)
    assert site.person("alice").decide(second)[0] == 200
    assert site.ended(second) == "Executed"
    sent = _callback_of(site, second)
    stepfunctions.send_task_success(taskToken=site.token(first), output=json.dumps(sent))
    until(lambda: site.kinds(first).count("forged-callback") == 3)
    assert "release-bot-forged-1" not in site.queues()
    site.waits(first, times=4)
    site.person("bob").decide(first, "refuse")
    assert site.ended(first) == "Ended"
    assert "release-bot-forged-1" not in site.queues()


def a_workflow_that_is_stopped(site: Site) -> None:
    approval = site.agent().calls("stopped")
    site.waits(approval)
    site.client("stepfunctions").stop_execution(executionArn=site.execution(approval))
    until(lambda: "refused" in site.kinds(approval))  # by the rule of EventBridge
    assert site.person("alice").ask("POST", f"/api/approvals/{approval}/challenge", {})[0] in {400, 409}
    assert "execution" not in site.kinds(approval)
    assert "release-bot-stopped" not in site.queues()


def _callback_of(site: Site, approval: str) -> dict[str, Any]:
    history = site.client("stepfunctions").get_execution_history(
        executionArn=site.execution(approval), maxResults=1000, includeExecutionData=True
    )
    for event in history["events"]:
        output = event.get("taskSucceededEventDetails", {}).get("output", "")
        if "signature" in output:
            return dict(json.loads(output))
    raise AssertionError("there was no callback")


PLAYS = {
    play.__name__: play
    for play in (
        an_execution_that_rolls_back,
        callbacks_without_a_decision,
        a_change_set,
        a_change_set_that_was_replaced,
        a_call_that_fails,
        a_cloud_control_request,
        a_read_needs_nobody,
        what_nobody_can_approve,
        somebody_whom_nobody_knows,
        proposals_that_are_none,
        a_workflow_that_is_stopped,
    )
}
