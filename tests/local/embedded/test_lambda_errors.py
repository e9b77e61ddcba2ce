"""What Retry and Catch of a state machine see of a function that fails."""

from __future__ import annotations

import io
import json
import time
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.local.embedded.conftest import Account

CODE = """
import os, sys, time
class ApprovalError(Exception):
    pass
calls = 0
def handler(event, context):
    global calls
    calls += 1
    what = event.get("do")
    if what == "own":
        raise ApprovalError("not now")
    if what == "twice" and calls < 3:
        raise ApprovalError(f"call {calls}")
    if what == "key":
        return {}["missing"]
    if what == "sleep":
        time.sleep(5)
    if what == "exit":
        os._exit(1)
    return {"calls": calls}
"""
STATES = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


class Machine:
    """A function, and a machine that calls it and catches by a list of names, in order."""

    def __init__(
        self, account: Account, code: str = CODE, *, permitted: bool = True, handler: str = "index.handler"
    ) -> None:
        self.account = account
        self.functions, self.states = account.client("lambda"), account.client("stepfunctions")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("index.py", code)
        made = self.functions.create_function(
            FunctionName="f",
            Runtime="python3.12",
            Handler=handler,
            Role=account.role("f", trust=LAMBDA),
            Code={"ZipFile": packed.getvalue()},
            Timeout=1,
        )
        self.function = made["FunctionArn"]
        allow = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": self.function}
        self.role = account.role("m", *([allow] if permitted else []), trust=STATES)

    def run(self, what: str, *caught: str, retry: list[dict[str, Any]] | None = None) -> tuple[str, Any]:
        """The name that caught, or the status; and the output."""
        task: dict[str, Any] = {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": self.function, "Payload": {"do": what}},
            "Output": "{% $states.result.Payload %}",
            "End": True,
            "Retry": retry or [],
            "Catch": [{"ErrorEquals": [name], "Next": name, "Output": "{% $states.errorOutput %}"} for name in caught],
        }
        ends = {
            name: {"Type": "Pass", "Output": {"by": name, "error": "{% $states.input %}"}, "End": True}
            for name in caught
        }
        definition = {"QueryLanguage": "JSONata", "StartAt": "T", "States": {"T": task, **ends}}
        made = self.states.create_state_machine(
            name=f"m{time.monotonic_ns()}", definition=json.dumps(definition), roleArn=self.role
        )
        execution = self.states.start_execution(stateMachineArn=made["stateMachineArn"], input="{}")["executionArn"]
        for _ in range(1000):
            found = self.states.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                output = json.loads(found.get("output") or "null")
                if isinstance(output, dict) and "by" in output:
                    return str(output["by"]), output["error"]
                return str(found["status"]), output
            time.sleep(0.01)
        raise AssertionError("the execution never ended")


def test_stock_hides_the_exception(stock_account: Account) -> None:
    assert Machine(stock_account).run("own", "ApprovalError", "Runtime.HandlerError")[0] == "Runtime.HandlerError"


@pytest.mark.parametrize(
    ("what", "caught", "message"),
    [("own", "ApprovalError", "not now"), ("key", "KeyError", "'missing'")],
)
def test_an_exception_is_caught_by_its_class(account: Account, what: str, caught: str, message: str) -> None:
    by, error = Machine(account).run(what, "OtherError", caught, "States.ALL")
    assert by == caught
    cause = json.loads(error["Cause"])
    assert (error["Error"], cause["errorType"], cause["errorMessage"]) == (caught, caught, message)
    assert any("handler" in line for line in cause["stackTrace"])


def test_a_failed_task_is_states_task_failed_and_a_timeout_of_the_function_is_too(account: Account) -> None:
    machine = Machine(account)
    assert machine.run("own", "States.Timeout", "States.TaskFailed")[0] == "States.TaskFailed"
    by, error = machine.run("sleep", "States.Timeout", "Lambda.Unknown")
    assert by == "Lambda.Unknown"
    assert "timed out" in error["Cause"]


def test_a_function_that_ends_itself_is_unknown(account: Account) -> None:
    assert Machine(account).run("exit", "States.Timeout", "Lambda.Unknown")[0] == "Lambda.Unknown"


def test_a_retry_names_the_exception_and_finds_the_same_environment(account: Account) -> None:
    retry = [{"ErrorEquals": ["ApprovalError"], "IntervalSeconds": 1, "MaxAttempts": 2, "BackoffRate": 1}]
    assert Machine(account).run("twice", retry=retry) == ("SUCCEEDED", {"calls": 3})


def test_a_throttled_function_is_named(account: Account) -> None:
    machine = Machine(account)
    machine.functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    assert machine.run("own", "Lambda.TooManyRequestsException")[0] == "Lambda.TooManyRequestsException"


def test_a_missing_permission_and_a_missing_function_are_lambdas_errors(account: Account) -> None:
    assert Machine(account, permitted=False).run("own", "Lambda.AWSLambdaException")[0] == "Lambda.AWSLambdaException"


def test_a_missing_function_is_lambdas_error(account: Account) -> None:
    machine = Machine(account)
    machine.functions.delete_function(FunctionName="f")
    caught = "Lambda.ResourceNotFoundException"
    assert machine.run("own", caught)[0] == caught


@pytest.mark.parametrize(
    ("code", "handler", "expected"),
    [
        ("import no_such_module\n", "index.handler", "Runtime.ImportModuleError"),
        ("def other(event, context): pass\n", "index.handler", "Runtime.HandlerNotFound"),
        ("def handler(:\n", "index.handler", "Runtime.UserCodeSyntaxError"),
        ("", "missing.handler", "Runtime.ImportModuleError"),
    ],
)
def test_a_function_that_cannot_be_loaded_has_lambdas_names(
    account: Account, code: str, handler: str, expected: str
) -> None:
    machine = Machine(account, code, handler=handler)
    answer = machine.functions.invoke(FunctionName="f", Payload=b"{}")
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == expected


def test_an_invocation_names_the_exception_too(account: Account) -> None:
    answer = Machine(account).functions.invoke(FunctionName="f", Payload=b'{"do": "own"}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "ApprovalError"
