"""The partition key values that a DynamoDB request names, for `dynamodb:LeadingKeys`.

Not an extension: what `iam_condition_keys` reads. PartiQL statements are not parsed.
"""

from __future__ import annotations

import re
from typing import Any

_EQUALS = re.compile(r"([#\w]+)\s*=\s*(:\w+)")


def _scalar(value: Any) -> str | None:
    if isinstance(value, dict) and len(value) == 1:
        return str(next(iter(value.values())))
    return None


def leading_keys(action: str, body: dict[str, Any], table: dict[str, Any]) -> list[str]:
    """Return the partition key values that a request names in one table; empty for one that names none, like Scan.

    Args:
        action: what is decided; of a transaction, each kind of item is an action of its own.
        body: the request's JSON.
        table: ministack's record of the table, with its `KeySchema`.
    """
    name = next((key["AttributeName"] for key in table.get("KeySchema", []) if key.get("KeyType") == "HASH"), None)
    index = next(
        (
            found
            for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
            for found in table.get(kind) or []
            if found.get("IndexName") == body.get("IndexName")
        ),
        None,
    )
    if index is not None:
        name = next((key["AttributeName"] for key in index.get("KeySchema", []) if key.get("KeyType") == "HASH"), name)
    if name is None:
        return []
    items = [body.get("Key"), body.get("Item"), *_batch_items(body, table), *_transaction_items(action, body, table)]
    values = [_scalar(item[name]) for item in items if isinstance(item, dict) and name in item]
    values.append(_queried(body, name))
    return [value for value in values if value is not None]


def _is_of(name: Any, table: dict[str, Any]) -> bool:
    """Whether a request's name of a table, or its ARN, is this table's."""
    return str(name).rpartition("/")[2] == table.get("TableName")


def _transaction_items(action: str, body: dict[str, Any], table: dict[str, Any]) -> list[Any]:
    kinds = {
        "dynamodb:PutItem": ("Put",),
        "dynamodb:UpdateItem": ("Update",),
        "dynamodb:DeleteItem": ("Delete",),
        "dynamodb:ConditionCheckItem": ("ConditionCheck",),
        "dynamodb:GetItem": ("Get",),
    }.get(action, ("Put", "Update", "Delete", "ConditionCheck", "Get"))
    found: list[Any] = []
    for item in body.get("TransactItems") or ():
        for kind in kinds:
            detail = item.get(kind) if isinstance(item, dict) else None
            if isinstance(detail, dict) and _is_of(detail.get("TableName"), table):
                found.append(detail.get("Item") or detail.get("Key"))
    return found


def _batch_items(body: dict[str, Any], table: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    requests = body.get("RequestItems")
    for name, entry in requests.items() if isinstance(requests, dict) else ():
        if not _is_of(name, table):
            continue
        if isinstance(entry, dict):
            found.extend(entry.get("Keys") or [])
        for write in entry if isinstance(entry, list) else ():
            found.append((write.get("PutRequest") or {}).get("Item"))
            found.append((write.get("DeleteRequest") or {}).get("Key"))
    return found


def _queried(body: dict[str, Any], name: str) -> str | None:
    legacy = (body.get("KeyConditions") or {}).get(name)
    if isinstance(legacy, dict) and legacy.get("AttributeValueList"):
        return _scalar(legacy["AttributeValueList"][0])
    names, values = body.get("ExpressionAttributeNames") or {}, body.get("ExpressionAttributeValues") or {}
    for left, right in _EQUALS.findall(str(body.get("KeyConditionExpression") or "")):
        if names.get(left, left) == name:
            return _scalar(values.get(right))
    return None
