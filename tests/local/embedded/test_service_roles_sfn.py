from __future__ import annotations

import json
import time
from typing import Any

STATES = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}


def _allow(action: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def _run(account: Any, role: str, task: dict[str, Any]) -> tuple[str, str]:
    """The end of one execution of a machine with this one task: its status and its cause."""
    states = account.client("stepfunctions")
    definition = {"StartAt": "T", "States": {"T": {"Type": "Task", "End": True, **task}}}
    name = f"m{time.monotonic_ns()}"
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=role)["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    for _ in range(200):
        found = states.describe_execution(executionArn=execution)
        if found["status"] != "RUNNING":
            return str(found["status"]), str(found.get("cause", ""))
        time.sleep(0.05)
    raise AssertionError("the execution never ended")


def _send(account: Any) -> dict[str, Any]:
    url = account.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    return {"Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": {"QueueUrl": url, "MessageBody": "x"}}


def _delete_role(account: Any) -> dict[str, Any]:
    account.role("victim", path="/agents/")
    return {"Resource": "arn:aws:states:::aws-sdk:iam:deleteRole", "Parameters": {"RoleName": "victim"}}


def test_a_machine_acts_as_root_without_the_extension(stock_account: Any) -> None:
    assert _run(stock_account, stock_account.role("m", trust=STATES), _send(stock_account))[0] == "SUCCEEDED"


def test_an_optimized_integration_needs_the_roles_permission(account: Any) -> None:
    task = _send(account)
    status, cause = _run(account, account.role("nothing", trust=STATES), task)
    assert status == "FAILED"
    assert "sqs:SendMessage" in cause
    able = account.role("able", _allow("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{account.id}:q"), trust=STATES)
    assert _run(account, able, task) == ("SUCCEEDED", "")


def test_an_sdk_integration_needs_the_roles_permission(account: Any) -> None:
    task = _delete_role(account)
    elsewhere = account.role("elsewhere", _allow("iam:*", f"arn:aws:iam::{account.id}:role/other/*"), trust=STATES)
    status, cause = _run(account, elsewhere, task)
    assert status == "FAILED"
    assert f"iam:DeleteRole on resource: arn:aws:iam::{account.id}:role/agents/victim" in cause
    assert account.client("iam").get_role(RoleName="victim")
    able = account.role("able", _allow("iam:*", f"arn:aws:iam::{account.id}:role/agents/*"), trust=STATES)
    assert _run(account, able, task) == ("SUCCEEDED", "")


def test_the_role_must_trust_step_functions(account: Any) -> None:
    status, cause = _run(account, account.role("untrusting", _allow("*")), _send(account))
    assert status == "FAILED"
    assert "not authorized to assume the role" in cause


def test_a_task_token_is_answered_by_those_of_its_machine(account: Any, refusal: Any) -> None:
    task = _send(account)
    states, sqs = account.client("stepfunctions"), account.client("sqs")
    task = {
        "Type": "Task",
        "End": True,
        "Resource": task["Resource"] + ".waitForTaskToken",
        "Parameters": {"QueueUrl": task["Parameters"]["QueueUrl"], "MessageBody.$": "$$.Task.Token"},
    }
    role = account.role("able", _allow("sqs:*"), trust=STATES)
    machine = states.create_state_machine(
        name="waits", roleArn=role, definition=json.dumps({"StartAt": "T", "States": {"T": task}})
    )["stateMachineArn"]
    states.start_execution(stateMachineArn=machine)
    message = sqs.receive_message(QueueUrl=task["Parameters"]["QueueUrl"], WaitTimeSeconds=5)["Messages"][0]
    for name, resource, expected in (
        ("other", machine.replace("waits", "other"), "AccessDeniedException"),
        ("approver", machine, ""),
    ):
        session = account.assume(account.role(name, _allow("states:SendTaskSuccess", resource)))
        answer = account.client("stepfunctions", session)
        assert (
            refusal(lambda client=answer: client.send_task_success(taskToken=message["Body"], output="{}")) == expected
        )
