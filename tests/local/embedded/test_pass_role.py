from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

LAMBDA_TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
STATES_TRUST = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
WORK = {"Effect": "Allow", "Action": ["lambda:*", "states:*", "events:*", "cloudformation:*"], "Resource": "*"}
MACHINE = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return 1\n")
    return buffer.getvalue()


def _function(account: Any, session: Any, role: str, name: str = "f") -> Any:
    return lambda: account.client("lambda", session).create_function(
        FunctionName=name, Role=role, Runtime="python3.12", Handler="index.handler", Code={"ZipFile": _zip()}
    )


def test_any_role_can_be_passed_without_the_extension(stock_account: Any, refusal: Any) -> None:
    strong = stock_account.role("strong", trust=LAMBDA_TRUST)
    session = stock_account.assume(stock_account.role("agent", WORK))
    assert refusal(_function(stock_account, session, strong)) == ""


def test_only_the_allowed_role_to_the_allowed_service(account: Any, refusal: Any) -> None:
    mine = account.role("mine", trust=LAMBDA_TRUST, path="/agents/")
    strong = account.role("strong", trust=LAMBDA_TRUST)
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": f"arn:aws:iam::{account.id}:role/agents/*",
        "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
    }
    session = account.assume(account.role("agent", WORK, passing))
    assert refusal(_function(account, session, mine)) == ""
    assert refusal(_function(account, session, strong, "g")) == "AccessDeniedException"
    functions = account.client("lambda", session)
    assert (
        refusal(lambda: functions.update_function_configuration(FunctionName="f", Role=strong))
        == "AccessDeniedException"
    )
    assert refusal(lambda: functions.update_function_configuration(FunctionName="f", Timeout=9)) == ""
    states = account.client("stepfunctions", session)
    assert (
        refusal(lambda: states.create_state_machine(name="m", definition=MACHINE, roleArn=mine))
        == "AccessDeniedException"
    )


def test_the_error_names_pass_role(account: Any) -> None:
    from botocore.exceptions import ClientError

    strong = account.role("strong", trust=LAMBDA_TRUST)
    session = account.assume(account.role("agent", WORK))
    with pytest.raises(ClientError, match=rf"not authorized to perform: iam:PassRole on resource: {strong}"):
        _function(account, session, strong)()


def test_state_machines_targets_and_stacks_pass_roles_too(account: Any, refusal: Any) -> None:
    role = account.role("service", trust=STATES_TRUST)
    session = account.assume(account.role("agent", WORK))
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": role}
    allowed = account.assume(account.role("passer", WORK, passing))
    events = account.client("events")
    events.put_rule(Name="rule", ScheduleExpression="rate(1 day)")

    def machine(who: Any) -> Any:
        return lambda: account.client("stepfunctions", who).create_state_machine(
            name="m", definition=MACHINE, roleArn=role
        )

    def target(who: Any) -> Any:
        bus = f"arn:aws:events:us-east-1:{account.id}:event-bus/default"
        return lambda: account.client("events", who).put_targets(
            Rule="rule", Targets=[{"Id": "1", "Arn": bus, "RoleArn": role}]
        )

    def stack(who: Any) -> Any:
        return lambda: account.client("cloudformation", who).create_change_set(
            StackName="s",
            ChangeSetName="c",
            ChangeSetType="CREATE",
            RoleARN=role,
            TemplateBody=json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}),
        )

    for call in (machine, target, stack):
        assert refusal(call(session)) in {"AccessDenied", "AccessDeniedException"}
    assert refusal(machine(allowed)) == ""
    assert refusal(target(allowed)) == ""
    # It may be passed, but CloudFormation cannot assume a role that trusts Step Functions.
    assert refusal(stack(allowed)) == "ValidationError"


def test_associated_resource_limits_what_the_role_serves(account: Any, refusal: Any) -> None:
    role = account.role("service", trust=LAMBDA_TRUST)
    passing = {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": role,
        "Condition": {"ArnLike": {"iam:AssociatedResourceArn": f"arn:aws:lambda:*:{account.id}:function:agent-*"}},
    }
    session = account.assume(account.role("agent", WORK, passing))
    assert refusal(_function(account, session, role, "agent-f")) == ""
    assert refusal(_function(account, session, role, "other")) == "AccessDeniedException"
