from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.ledger import DynamoLedger, MemoryLedger, record_from
from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.sink import SourceRecord

NOW = Patience(seconds=1, first=0.1, clock=lambda: 0.0, sleep=lambda _: None, jitter=lambda: 1.0)


def record(name: str = "a.json", **more: Any) -> SourceRecord:
    return replace(SourceRecord(name, 10, "f" * 64, 3, 2, 1, 0, "2026-11-20T10:00:05Z", None), **more)


class Table:
    """A table that leaves one item of each first request unprocessed and gives two items a page."""

    def __init__(self, refuse: int = 1) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.refuse = refuse
        self.requests: list[int] = []

    def batch_write_item(self, *, RequestItems: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:  # noqa: N803 - boto3's
        ((table, wanted),) = RequestItems.items()
        self.requests.append(len(wanted))
        keys = [one["PutRequest"]["Item"]["key"]["S"] for one in wanted]
        assert len(set(keys)) == len(keys) <= 25  # as DynamoDB demands
        left = wanted[:1] if self.refuse > 0 else []
        self.refuse -= 1
        for one in wanted[len(left) :]:
            self.items[one["PutRequest"]["Item"]["key"]["S"]] = one["PutRequest"]["Item"]
        return {"UnprocessedItems": {table: left} if left else {}}

    def scan(self, **options: Any) -> dict[str, Any]:
        assert options["ConsistentRead"]
        keys = sorted(self.items)
        start = keys.index(options["ExclusiveStartKey"]["key"]["S"]) + 1 if "ExclusiveStartKey" in options else 0
        page = keys[start : start + 2]
        answer: dict[str, Any] = {"Items": [self.items[key] for key in page]}
        if start + 2 < len(keys):
            answer["LastEvaluatedKey"] = {"key": {"S": page[-1]}}
        return answer


def test_ledgers_keep_the_last_record_of_each_name() -> None:
    records = [record(f"{n}.json", size=n) for n in range(60)]
    for ledger in (MemoryLedger(), DynamoLedger(Table(), "t", NOW)):
        assert ledger.records() == {}
        ledger.put(records)
        ledger.put([record("1.json"), record("1.json", size=77)])
        assert ledger.records() == {one.name: one for one in [*records, record("1.json", size=77)]}


def test_items_that_were_left_are_put_again() -> None:
    table = Table()
    DynamoLedger(table, "t", NOW).put([record(str(n)) for n in range(30)])
    assert table.requests == [25, 1, 5]
    assert len(table.items) == 30


def test_table_that_takes_nothing_is_given_up() -> None:
    stuck = Patience(seconds=1, first=0.6, clock=iter([0.0, 0.6, 1.2]).__next__, sleep=lambda _: None)
    with pytest.raises(SinkUnavailableError, match="1 records not taken by table 't'"):
        DynamoLedger(Table(refuse=9), "t", stuck).put([record()])


@pytest.mark.parametrize(
    ("code", "kind"), [("ThrottlingException", SinkUnavailableError), ("AccessDeniedException", TrailError)]
)
def test_error_of_the_table_is_named(code: str, kind: type[TrailError]) -> None:
    class Refusing:
        def scan(self, **_: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "Scan")

    with pytest.raises(TrailError, match="scan on table 't'") as caught:
        DynamoLedger(Refusing(), "t").records()
    assert type(caught.value) is kind


@pytest.mark.parametrize("values", [{}, {"name": "a"}, {"name": "a", "fingerprint": "f", "size": "many"}])
def test_damaged_record_is_named(values: dict[str, Any]) -> None:
    with pytest.raises(TrailError, match="is damaged"):
        record_from(values)
