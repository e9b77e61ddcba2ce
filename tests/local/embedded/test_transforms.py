from __future__ import annotations

import json
from typing import Any

QUEUE = {"Q": {"Type": "AWS::SQS::Queue"}}
PLAN = {"Effect": "Allow", "Action": "cloudformation:*", "Resource": "arn:aws:cloudformation:*:*:stack/*"}


def _plan(account: Any, session: Any, template: dict[str, Any]) -> Any:
    return lambda: account.client("cloudformation", session).create_change_set(
        StackName="s",
        ChangeSetName="c",
        ChangeSetType="CREATE",
        TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_AUTO_EXPAND"],
    )


def _transformed(name: str) -> dict[str, Any]:
    return {"Transform": name, "Resources": QUEUE}


def test_a_transform_needs_nothing_without_the_extension(stock_account: Any, refusal: Any) -> None:
    session = stock_account.assume(stock_account.role("planner", PLAN))
    assert refusal(_plan(stock_account, session, _transformed("AWS::LanguageExtensions"))) == ""


def test_each_transform_must_be_allowed(account: Any, refusal: Any) -> None:
    session = account.assume(account.role("planner", PLAN))
    assert refusal(_plan(account, session, {"Resources": QUEUE})) == ""
    for name in ("AWS::LanguageExtensions", "AWS::Serverless-2016-10-31", "OwnMacro"):
        assert refusal(_plan(account, session, _transformed(name))) == "AccessDenied"
    embedded = {
        "Resources": {
            "Q": {"Type": "AWS::SQS::Queue", "Properties": {"Fn::Transform": {"Name": "OwnMacro", "Parameters": {}}}}
        }
    }
    assert refusal(_plan(account, session, embedded)) == "AccessDenied"


def test_an_allowed_transform_runs(account: Any, refusal: Any) -> None:
    allowed = {
        "Effect": "Allow",
        "Action": "cloudformation:CreateChangeSet",
        "Resource": "arn:aws:cloudformation:us-east-1:aws:transform/LanguageExtensions",
    }
    session = account.assume(account.role("planner", PLAN, allowed))
    assert refusal(_plan(account, session, _transformed("AWS::LanguageExtensions"))) == ""
