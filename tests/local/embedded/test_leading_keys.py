"""`dynamodb:LeadingKeys`: every way to name an item says whose it is."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

STATES = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
# Two tables whose keys have different names: the key of one says nothing about the other.
TABLES = {"evidence": "chain", "tokens": "approval"}


def mine(operator: str = "ForAllValues:StringEquals") -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": [
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
            "dynamodb:DeleteItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:Query",
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:Scan",
        ],
        "Resource": "*",
        "Condition": {operator: {"dynamodb:LeadingKeys": ["mine"]}},
    }


def key(value: str, table: str = "evidence") -> dict[str, Any]:
    return {TABLES[table]: {"S": value}}


def put(value: str, table: str = "evidence") -> dict[str, Any]:
    return {"Put": {"TableName": table, "Item": key(value, table)}}


SET = {"UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"S": "x"}}}
CHECK = {"ConditionExpression": "attribute_not_exists(nothing)"}
CALLS: dict[str, Callable[[Any, str], Any]] = {
    "get": lambda c, v: c.get_item(TableName="evidence", Key=key(v)),
    "put": lambda c, v: c.put_item(TableName="evidence", Item=key(v)),
    "update": lambda c, v: c.update_item(TableName="evidence", Key=key(v), **SET),
    "delete": lambda c, v: c.delete_item(TableName="evidence", Key=key(v)),
    "query": lambda c, v: c.query(
        TableName="evidence", KeyConditionExpression="chain = :c", ExpressionAttributeValues={":c": {"S": v}}
    ),
    "query by a name": lambda c, v: c.query(
        TableName="evidence",
        KeyConditionExpression="#c=:c",
        ExpressionAttributeNames={"#c": "chain"},
        ExpressionAttributeValues={":c": {"S": v}},
    ),
    "batch get": lambda c, v: c.batch_get_item(RequestItems={"evidence": {"Keys": [key(v)]}}),
    "batch put": lambda c, v: c.batch_write_item(RequestItems={"evidence": [{"PutRequest": {"Item": key(v)}}]}),
    "batch delete": lambda c, v: c.batch_write_item(RequestItems={"evidence": [{"DeleteRequest": {"Key": key(v)}}]}),
    "batch over two tables": lambda c, v: c.batch_write_item(
        RequestItems={
            "evidence": [{"PutRequest": {"Item": key("mine")}}],
            "tokens": [{"PutRequest": {"Item": key(v, "tokens")}}],
        }
    ),
    "transaction put": lambda c, v: c.transact_write_items(TransactItems=[put("mine", "tokens"), put(v)]),
    "transaction update": lambda c, v: c.transact_write_items(
        TransactItems=[{"Update": {"TableName": "evidence", "Key": key(v), **SET}}]
    ),
    "transaction delete": lambda c, v: c.transact_write_items(
        TransactItems=[put("mine"), {"Delete": {"TableName": "tokens", "Key": key(v, "tokens")}}]
    ),
    "transaction check": lambda c, v: c.transact_write_items(
        TransactItems=[put("mine"), {"ConditionCheck": {"TableName": "tokens", "Key": key(v, "tokens"), **CHECK}}]
    ),
    "transaction get": lambda c, v: c.transact_get_items(
        TransactItems=[{"Get": {"TableName": "tokens", "Key": key(v, "tokens")}}]
    ),
}


@pytest.fixture
def tables(account: Account) -> Account:
    made(account)
    return account


def made(account: Account) -> None:
    for name, attribute in TABLES.items():
        account.client("dynamodb").create_table(
            TableName=name,
            KeySchema=[{"AttributeName": attribute, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )


def test_stock_knows_no_keys_and_allows_whatever_they_are(stock_account: Account) -> None:
    made(stock_account)
    client = stock_account.client("dynamodb", stock_account.assume(stock_account.role("r", mine())))
    client.put_item(TableName="evidence", Item=key("theirs"))


def test_each_way_to_name_an_item_says_whose_it_is(tables: Account, refusal: Callable[..., str]) -> None:
    client = tables.client("dynamodb", tables.assume(tables.role("r", mine())))
    wrong = {}
    for what, call in CALLS.items():
        answers = (refusal(lambda c=call: c(client, "mine")), refusal(lambda c=call: c(client, "theirs")))
        if answers != ("", "AccessDeniedException"):
            wrong[what] = answers
    assert wrong == {}


def test_a_scan_names_none_so_all_of_none_are_mine_as_at_aws(tables: Account, refusal: Callable[..., str]) -> None:
    def scanned(name: str, *statements: dict[str, Any]) -> str:
        client = tables.client("dynamodb", tables.assume(tables.role(name, *statements)))
        return refusal(lambda: client.scan(TableName="evidence"))

    assert scanned("all", mine()) == ""
    assert scanned("any", mine("ForAnyValue:StringEquals")) == "AccessDeniedException"
    present = {**mine(), "Effect": "Deny", "Condition": {"Null": {"dynamodb:LeadingKeys": "true"}}}
    assert scanned("guarded", mine(), present) == "AccessDeniedException"


def test_a_task_of_a_state_machine_names_its_item_too(tables: Account) -> None:
    states = tables.client("stepfunctions")
    role = tables.role("m", mine(), trust=STATES)
    for value, expected in (("mine", "SUCCEEDED"), ("theirs", "FAILED")):
        arguments = {"TableName": "evidence", "Key": key(value), **SET}
        task = {
            "Type": "Task",
            "Resource": "arn:aws:states:::aws-sdk:dynamodb:updateItem",
            "Arguments": arguments,
            "End": True,
        }
        definition = {"QueryLanguage": "JSONata", "StartAt": "T", "States": {"T": task}}
        made_ = states.create_state_machine(name=value, definition=json.dumps(definition), roleArn=role)
        execution = states.start_execution(stateMachineArn=made_["stateMachineArn"])["executionArn"]
        for _ in range(200):
            status = states.describe_execution(executionArn=execution)["status"]
            if status != "RUNNING":
                break
            time.sleep(0.02)
        assert status == expected
