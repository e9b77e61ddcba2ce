"""DynamoDB, EventBridge and SQS in memory, as far as the function that looks at events uses them."""

# ruff: noqa: N803 - the names are boto3's

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable


class Table:
    """A table with conditions of the two forms that are used."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.before_put: Callable[[str], None] | None = None

    def get_item(self, *, TableName: str, Key: Any, ConsistentRead: bool) -> dict[str, Any]:
        assert ConsistentRead, TableName
        item = self.items.get(Key["pk"]["S"])
        return {"Item": item} if item else {}

    def put_item(self, *, TableName: str, Item: Any, ConditionExpression: str = "", **names: Any) -> None:
        del TableName
        key = Item["pk"]["S"]
        if self.before_put is not None:
            self.before_put(key)
        held = self.items.get(key)
        if held is not None and ConditionExpression:
            left, operator, right = ConditionExpression.removeprefix("attribute_not_exists(pk) OR ").split()
            have = held.get(names.get("ExpressionAttributeNames", {}).get(left, left))
            want = names["ExpressionAttributeValues"][right]
            fits = have is not None and (have == want if operator == "=" else int(have["N"]) < int(want["N"]))
            if not fits:
                raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
        self.items[key] = Item

    def delete_item(self, *, TableName: str, Key: Any) -> None:
        del TableName
        self.items.pop(Key["pk"]["S"], None)

    def update_item(self, *, Key: Any, ExpressionAttributeValues: Any, **_: Any) -> dict[str, Any]:
        values = ExpressionAttributeValues
        item = self.items.setdefault(Key["pk"]["S"], {**Key, "first_time": values[":time"], "alerts": {"N": "0"}})
        item["alerts"] = {"N": str(int(item["alerts"]["N"]) + 1)}
        return {"Attributes": item}


class Bus:
    """Takes findings, or refuses the next ones."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.refuse = 0

    @property
    def findings(self) -> list[dict[str, Any]]:
        return [json.loads(entry["Detail"]) for entry in self.entries]

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        if self.refuse:
            self.refuse -= 1
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{}]}


class Queue:
    """Takes dead letters."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, str]] = []
        self.down = False

    def send_message(self, *, QueueUrl: str, MessageBody: str, MessageAttributes: Any) -> None:
        if self.down:
            raise ConnectionError(QueueUrl)
        self.letters.append((MessageAttributes["REASON"]["StringValue"], MessageBody))


class HubClient:
    """Security Hub."""

    def __init__(self) -> None:
        self.findings: list[dict[str, Any]] = []
        self.refuse = 0

    def batch_import_findings(self, *, Findings: list[dict[str, Any]]) -> dict[str, Any]:
        if self.refuse:
            self.refuse -= 1
            return {"FailedCount": 1, "FailedFindings": [{"ErrorCode": "InternalException"}]}
        self.findings += Findings
        return {"FailedCount": 0}
