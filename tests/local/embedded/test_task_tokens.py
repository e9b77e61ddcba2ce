"""Tasks that wait for their token: who answers first, what comes too late, and a thousand at once."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

STATES = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
WAITING = 1000


class Waiter:
    """A machine in JSONata that lays its token into a table and waits for the answer."""

    def __init__(self, account: Account, *, allowed: bool = True, **state: Any) -> None:
        self.table, self.states = account.client("dynamodb"), account.client("stepfunctions")
        self.table.create_table(
            TableName="tokens",
            KeySchema=[{"AttributeName": "approval", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "approval", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        arn = f"arn:aws:dynamodb:us-east-1:{account.id}:table/{'tokens' if allowed else 'other'}"
        role = account.role(
            "waiter", {"Effect": "Allow", "Action": "dynamodb:UpdateItem", "Resource": arn}, trust=STATES
        )
        caught = {"ErrorEquals": ["States.ALL"], "Next": "Caught", "Output": "{% $states.errorOutput %}"}
        definition = {
            "QueryLanguage": "JSONata",
            "StartAt": "Wait",
            "States": {
                "Wait": {
                    "Type": "Task",
                    "Resource": "arn:aws:states:::aws-sdk:dynamodb:updateItem.waitForTaskToken",
                    "Arguments": {
                        "TableName": "tokens",
                        "Key": {"approval": {"S": "{% $states.context.Execution.Name %}"}},
                        "UpdateExpression": "SET #t = :t",
                        "ExpressionAttributeNames": {"#t": "token"},
                        "ExpressionAttributeValues": {":t": {"S": "{% $states.context.Task.Token %}"}},
                    },
                    "TimeoutSeconds": "{% $states.input.wait %}",
                    "Catch": [caught],
                    "End": True,
                    **state,
                },
                "Caught": {"Type": "Pass", "End": True},
            },
        }
        made = self.states.create_state_machine(name="waits", definition=json.dumps(definition), roleArn=role)
        self.machine = made["stateMachineArn"]

    def start(self, name: str, wait: Any = 600) -> str:
        given = json.dumps({"wait": wait})
        return str(self.states.start_execution(stateMachineArn=self.machine, name=name, input=given)["executionArn"])

    def token(self, name: str, *, other_than: str = "") -> str:
        for _ in range(400):
            item = self.table.get_item(TableName="tokens", Key={"approval": {"S": name}}).get("Item")
            if item and item["token"]["S"] != other_than:
                return str(item["token"]["S"])
            time.sleep(0.02)
        raise AssertionError(f"{name} never laid its token down")

    def end(self, execution: str) -> tuple[str, Any]:
        for _ in range(1000):
            found = self.states.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return str(found["status"]), json.loads(found.get("output") or "null")
            time.sleep(0.01)
        raise AssertionError("the execution never ended")

    def answer(self, token: str, output: str = "{}") -> None:
        self.states.send_task_success(taskToken=token, output=output)


def test_stock_fails_on_a_timeout_that_is_an_expression(stock_account: Account) -> None:
    waiter = Waiter(stock_account)
    assert waiter.end(waiter.start("a"))[0] == "FAILED"


def test_the_first_answer_counts_and_a_second_is_refused(account: Account, refusal: Callable[..., str]) -> None:
    waiter = Waiter(account)
    execution = waiter.start("a")
    token = waiter.token("a")
    waiter.answer(token, '{"verdict": "approved"}')
    assert refusal(lambda: waiter.answer(token, '{"verdict": "refused"}')) == "TaskTimedOut"
    assert waiter.end(execution) == ("SUCCEEDED", {"verdict": "approved"})
    assert refusal(lambda: waiter.states.send_task_heartbeat(taskToken=token)) == "TaskTimedOut"


def test_a_failure_is_caught_by_its_own_name(account: Account) -> None:
    waiter = Waiter(account)
    execution = waiter.start("a")
    waiter.states.send_task_failure(taskToken=waiter.token("a"), error="Withdrawn", cause="by its requester")
    assert waiter.end(execution) == ("SUCCEEDED", {"Error": "Withdrawn", "Cause": "by its requester"})


def test_a_task_without_an_answer_times_out_and_its_token_with_it(
    account: Account, refusal: Callable[..., str]
) -> None:
    waiter = Waiter(account)
    execution = waiter.start("a", wait=1)
    token = waiter.token("a")
    status, output = waiter.end(execution)
    assert (status, output["Error"]) == ("SUCCEEDED", "States.Timeout")
    assert refusal(lambda: waiter.answer(token)) == "TaskTimedOut"


@pytest.mark.parametrize("wait", [0, -1, 1.5, "soon", None])
def test_a_timeout_that_is_no_positive_integer_fails_the_query(account: Account, wait: Any) -> None:
    waiter = Waiter(account)
    status, output = waiter.end(waiter.start("a", wait=wait))
    assert (status, output["Error"]) == ("SUCCEEDED", "States.QueryEvaluationError")


def test_what_is_no_token_and_what_is_no_output(account: Account, refusal: Callable[..., str]) -> None:
    waiter = Waiter(account)
    waiter.start("a")
    token = waiter.token("a")
    assert refusal(lambda: waiter.answer("guess")) == "InvalidToken"
    assert refusal(lambda: waiter.answer("0" * 8 + "-0000-0000-0000-" + "0" * 12)) == "TaskDoesNotExist"
    assert refusal(lambda: waiter.answer(token, "no json")) == "InvalidOutput"
    assert refusal(lambda: waiter.answer(token, json.dumps("x" * 262_143))) == "InvalidOutput"
    assert refusal(lambda: waiter.answer(token, json.dumps("x" * 262_142))) == ""


def test_a_stopped_execution_stays_stopped_and_its_token_ends(account: Account, refusal: Callable[..., str]) -> None:
    waiter = Waiter(account)
    execution = waiter.start("a")
    token = waiter.token("a")
    waiter.states.stop_execution(executionArn=execution, error="Stopped", cause="by hand")
    assert refusal(lambda: waiter.answer(token)) == "TaskTimedOut"
    time.sleep(0.2)
    assert waiter.end(execution)[0] == "ABORTED"


def test_each_attempt_has_a_token_of_its_own(account: Account, refusal: Callable[..., str]) -> None:
    retry = [{"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1}]
    waiter = Waiter(account, Retry=retry)
    execution = waiter.start("a")
    first = waiter.token("a")
    waiter.states.send_task_failure(taskToken=first, error="Again")
    second = waiter.token("a", other_than=first)
    assert refusal(lambda: waiter.answer(first)) == "TaskTimedOut"
    waiter.answer(second, '"second"')
    assert waiter.end(execution) == ("SUCCEEDED", "second")


def test_the_output_knows_the_token_that_was_answered(account: Account) -> None:
    waiter = Waiter(account, Output="{% $states.context.Task.Token %}")
    execution = waiter.start("a")
    token = waiter.token("a")
    waiter.answer(token)
    assert waiter.end(execution) == ("SUCCEEDED", token)


def test_a_missing_heartbeat_ends_the_task_and_a_heartbeat_keeps_it(account: Account) -> None:
    waiter = Waiter(account, HeartbeatSeconds="{% 1 %}")
    silent, beating = waiter.start("silent"), waiter.start("beating")
    token = waiter.token("beating")
    for _ in range(8):
        waiter.states.send_task_heartbeat(taskToken=token)
        time.sleep(0.2)
    waiter.answer(token)
    assert waiter.end(beating) == ("SUCCEEDED", {})
    assert waiter.end(silent)[1]["Error"] == "States.HeartbeatTimeout"


def test_the_token_is_laid_down_as_the_machines_role(account: Account) -> None:
    waiter = Waiter(account, allowed=False)
    status, output = waiter.end(waiter.start("a"))
    assert status == "SUCCEEDED"
    assert output["Error"] == "DynamoDb.AccessDeniedException"
    assert "dynamodb:UpdateItem" in output["Cause"]


def test_a_late_answer_needs_the_permission_too(account: Account, refusal: Callable[..., str]) -> None:
    waiter = Waiter(account)
    execution = waiter.start("a")
    token = waiter.token("a")
    waiter.answer(token)
    waiter.end(execution)
    allow = {"Effect": "Allow", "Action": "states:SendTaskSuccess"}
    for name, resource, expected in (
        ("other", waiter.machine.replace("waits", "other"), "AccessDeniedException"),
        ("own", waiter.machine, "TaskTimedOut"),
    ):
        client = account.client("stepfunctions", account.assume(account.role(name, {**allow, "Resource": resource})))
        assert refusal(lambda c=client: c.send_task_success(taskToken=token, output="{}")) == expected


def test_a_thousand_wait_at_once_and_each_gets_its_own_answer(account: Account) -> None:
    waiter = Waiter(account)
    executions = {name: waiter.start(name) for name in (f"a{number}" for number in range(WAITING))}
    tokens = {name: waiter.token(name) for name in executions}
    assert len(set(tokens.values())) == WAITING
    for name, token in tokens.items():
        waiter.answer(token, json.dumps(name))
    assert {name: waiter.end(execution)[1] for name, execution in executions.items()} == {n: n for n in executions}


def test_a_repeated_start_is_the_same_execution_while_it_runs(
    account: Account, stock_account: Account, refusal: Callable[..., str]
) -> None:
    waiter = Waiter(account)
    execution = waiter.start("a", wait=600)
    assert waiter.start("a", wait=600) == execution
    assert refusal(lambda: waiter.start("a", wait=601)) == "ExecutionAlreadyExists"
    waiter.answer(waiter.token("a"))
    waiter.end(execution)
    assert refusal(lambda: waiter.start("a", wait=600)) == "ExecutionAlreadyExists"
    stock = Waiter(stock_account)
    stock.start("a")
    assert refusal(lambda: stock.start("a")) == "ExecutionAlreadyExists"
