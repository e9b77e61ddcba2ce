from __future__ import annotations

from typing import Any

import pytest

# Fails to tell "nothing given" when the join is not resolved; the queue exists only when something was given.
GIVEN = {
    "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": ""}},
    "Mappings": {"Regions": {"us-east-1": {"Kind": "home"}}},
    "Conditions": {
        "Given": {"Fn::Not": [{"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Names"}]}]}]},
        "Home": {"Fn::Equals": ["home", {"Fn::FindInMap": ["Regions", {"Ref": "AWS::Region"}, "Kind"]}]},
    },
    "Resources": {
        "Given": {"Type": "AWS::SQS::Queue", "Condition": "Given", "Properties": {"QueueName": "given"}},
        "Home": {"Type": "AWS::SQS::Queue", "Condition": "Home", "Properties": {"QueueName": "home"}},
    },
}


def _queues(account: Any) -> set[str]:
    return {url.rsplit("/", 1)[-1] for url in account.client("sqs").list_queues().get("QueueUrls", [])}


def test_conditions_are_wrong_without_the_extension(stock_account: Any) -> None:
    assert stock_account.deploy(GIVEN) == "CREATE_COMPLETE"
    assert _queues(stock_account) == {"given"}


@pytest.mark.parametrize(("names", "expected"), [("", {"home"}), ("a,b", {"home", "given"})])
def test_conditions_resolve_their_functions(account: Any, names: str, expected: set[str]) -> None:
    assert account.deploy(GIVEN, Parameters=[{"ParameterKey": "Names", "ParameterValue": names}]) == "CREATE_COMPLETE"
    assert _queues(account) == expected
