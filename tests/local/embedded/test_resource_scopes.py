from __future__ import annotations

import json
from typing import Any

import pytest


def _on(action: str | list[str], resource: str, effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource}


def _role_below_a_path(account: Any) -> Any:
    account.role("x", path="/agents/")
    session = account.assume(account.role("admin", _on("iam:*", f"arn:aws:iam::{account.id}:role/agents/*")))
    return account.client("iam", session)


def test_iam_paths_are_lost_without_the_extension(stock_account: Any, refusal: Any) -> None:
    iam = _role_below_a_path(stock_account)
    assert refusal(lambda: iam.get_role(RoleName="x")) == "AccessDenied"


def test_iam_resources_carry_their_path(account: Any, refusal: Any) -> None:
    iam = _role_below_a_path(account)
    account.role("outside")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    assert refusal(lambda: iam.get_role(RoleName="x")) == ""
    assert refusal(lambda: iam.get_role(RoleName="outside")) == "AccessDenied"
    assert refusal(lambda: iam.delete_role(RoleName="outside")) == "AccessDenied"
    assert refusal(lambda: iam.create_role(RoleName="y", AssumeRolePolicyDocument=trust)) == "AccessDenied"
    assert refusal(lambda: iam.create_role(RoleName="y", Path="/agents/", AssumeRolePolicyDocument=trust)) == ""


def test_a_role_is_assumed_by_its_exact_arn_only(account: Any, refusal: Any) -> None:
    role = account.role("x", path="/agents/")
    bare = role.replace("/agents/", "/")
    caller = account.assume(account.role("caller", _on("sts:AssumeRole", "*"), _on("sts:AssumeRole", role, "Deny")))
    assert refusal(lambda: account.assume(role, caller)) == "AccessDenied"
    assert refusal(lambda: account.assume(bare, caller)) == "AccessDenied"


def test_session_lengths(account: Any, stock_account: Any, refusal: Any) -> None:
    def longer(who: Any) -> Any:
        role = who.role("short")
        return lambda: who.assume(role, DurationSeconds=7200)

    assert refusal(longer(stock_account)) == ""
    assert refusal(longer(account)) == "ValidationError"
    role = account.role("long", _on("sts:*", "*"), MaxSessionDuration=7200)
    assert refusal(lambda: account.assume(role, DurationSeconds=7200)) == ""
    session = account.assume(role)
    assert refusal(lambda: account.assume(role, session, DurationSeconds=7200)) == "ValidationError"
    assert refusal(lambda: account.assume(role, session, DurationSeconds=3600)) == ""


def _unnamed_calls(account: Any, session: Any) -> list[Any]:
    functions = account.client("lambda", session)
    return [
        functions.get_account_settings,
        lambda: functions.create_code_signing_config(
            AllowedPublishers={
                "SigningProfileVersionArns": [f"arn:aws:signer:us-east-1:{account.id}:/signing-profiles/p/v1234567890"]
            }
        ),
        account.client("bedrock-agentcore-control", session).list_agent_runtimes,
        account.client("account", session).get_contact_information,
    ]


@pytest.mark.parametrize("index", range(4))
def test_operations_that_ministack_cannot_name(account: Any, stock_account: Any, refusal: Any, index: int) -> None:
    wrong = refusal(_unnamed_calls(stock_account, stock_account.assume(stock_account.role("nothing")))[index])
    assert not wrong.startswith("AccessDenied")
    right = refusal(_unnamed_calls(account, account.assume(account.role("nothing")))[index])
    assert right.startswith("AccessDenied")
    allowed = refusal(_unnamed_calls(account, account.assume(account.role("all", _on("*", "*"))))[index])
    assert not allowed.startswith("AccessDenied")


def test_log_groups_with_and_without_a_star(account: Any, refusal: Any) -> None:
    root = account.client("logs")
    for group in ("mine", "yours"):
        root.create_log_group(logGroupName=group)
    scope = f"arn:aws:logs:*:{account.id}:log-group:mine:*"
    logs = account.client("logs", account.assume(account.role("r", _on("logs:*", scope))))
    event = [{"timestamp": 1, "message": "m"}]
    assert refusal(lambda: logs.create_log_stream(logGroupName="mine", logStreamName="s")) == ""
    assert refusal(lambda: logs.put_log_events(logGroupName="mine", logStreamName="s", logEvents=event)) == ""
    assert refusal(lambda: logs.describe_log_streams(logGroupName="mine")) == ""
    assert refusal(lambda: logs.create_log_stream(logGroupName="yours", logStreamName="s")) == "AccessDeniedException"


def test_a_key_is_meant_by_its_alias_too(account: Any, refusal: Any) -> None:
    kms = account.client("kms")
    key = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/a", TargetKeyId=key["KeyId"])
    session = account.assume(account.role("r", _on("kms:*", "*"), _on("kms:Encrypt", key["Arn"], "Deny")))
    mine = account.client("kms", session)
    assert refusal(lambda: mine.encrypt(KeyId="alias/a", Plaintext=b"x")) == "AccessDeniedException"
    assert refusal(lambda: mine.describe_key(KeyId="alias/a")) == ""


def test_rules_functions_and_change_sets(account: Any, refusal: Any) -> None:
    account.client("events").put_rule(Name="mine", ScheduleExpression="rate(1 day)")
    rule = f"arn:aws:events:*:{account.id}:rule/mine"
    events = account.client("events", account.assume(account.role("rules", _on("events:*", rule))))
    bus = f"arn:aws:events:us-east-1:{account.id}:event-bus/default"
    assert refusal(lambda: events.put_targets(Rule="mine", Targets=[{"Id": "1", "Arn": bus}])) == ""
    assert refusal(lambda: events.put_rule(Name="yours", ScheduleExpression="rate(1 day)")) == "AccessDeniedException"
    made = account.client("cloudformation").create_change_set(
        StackName="s",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}),
    )
    stack = f"arn:aws:cloudformation:*:{account.id}:stack/s/*"
    for effect, expected in (("Allow", ""), ("Deny", "AccessDenied")):
        role = account.role(
            effect, _on("cloudformation:*", stack), _on("cloudformation:ExecuteChangeSet", stack, effect)
        )
        session = account.client("cloudformation", account.assume(role))
        assert refusal(lambda client=session: client.describe_change_set(ChangeSetName=made["Id"])) == ""
        if expected:
            assert refusal(lambda client=session: client.execute_change_set(ChangeSetName=made["Id"])) == expected
