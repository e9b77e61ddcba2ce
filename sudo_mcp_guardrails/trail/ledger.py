"""The ledger: which trail files were taken in whole, kept in memory or in a DynamoDB table.

The OpenSearch sink's own, which needs no AWS account, is in ``sinks/opensearch_ledger.py``.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.sink import SourceRecord

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LEDGER_KEY: Final = "key"
"""The partition key of the DynamoDB table, a string; there is no sort key."""

_DYNAMO_ITEMS: Final = 25
_NUMBERS: Final = ("size", "events", "created", "duplicates", "dead_letters")
_TEMPORARY: Final = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
    }
)


class Ledger(Protocol):
    """Keeps one record for each file, by its name; a later one takes its place."""

    def put(self, records: Sequence[SourceRecord]) -> None:
        """Store records durably.

        Raises:
            SinkUnavailableError: not all could be stored; they may be put again.
        """
        ...

    def records(self) -> dict[str, SourceRecord]:
        """Return all records, by name. Takes memory for each: some 500 bytes."""
        ...


class MemoryLedger:
    """A ledger that ends with the process."""

    def __init__(self) -> None:
        self._records: dict[str, SourceRecord] = {}

    def put(self, records: Sequence[SourceRecord]) -> None:
        """See :class:`Ledger`."""
        self._records.update((record.name, record) for record in records)

    def records(self) -> dict[str, SourceRecord]:
        """See :class:`Ledger`."""
        return dict(self._records)


class DynamoLedger:
    """A ledger in a DynamoDB table, for the Lambda function: one write unit and some 500 bytes for each file.

    Args:
        client: boto3's client of DynamoDB.
        table: its name. The partition key is :data:`LEDGER_KEY`.
        patience: how long unprocessed items are sent again. Default: two minutes.
    """

    def __init__(self, client: Any, table: str, patience: Patience | None = None) -> None:  # noqa: ANN401 - of boto3
        self._client = client
        self._table = table
        self._patience = patience or Patience()

    def put(self, records: Sequence[SourceRecord]) -> None:
        """See :class:`Ledger`."""
        # One request must not name an item twice; the last record of a name counts.
        latest = list({record.name: record for record in records}.values())
        for start in range(0, len(latest), _DYNAMO_ITEMS):
            wanted = [{"PutRequest": {"Item": _item(record)}} for record in latest[start : start + _DYNAMO_ITEMS]]
            attempts = self._patience.start()
            while wanted:
                answer = self._call("batch_write_item", RequestItems={self._table: wanted})
                wanted = answer.get("UnprocessedItems", {}).get(self._table, [])
                if wanted:
                    attempts.failed(f"{len(wanted)} records not taken by table {self._table!r}")

    def records(self) -> dict[str, SourceRecord]:
        """See :class:`Ledger`; reads the whole table."""
        found: dict[str, SourceRecord] = {}
        options: dict[str, Any] = {"TableName": self._table, "ConsistentRead": True}
        while True:
            answer = self._call("scan", **options)
            for item in answer.get("Items", []):
                record = record_from({name: next(iter(value.values())) for name, value in item.items()})
                found[record.name] = record
            last = answer.get("LastEvaluatedKey")
            if not last:
                return found
            options["ExclusiveStartKey"] = last

    def _call(self, operation: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - of boto3
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - trail/ imports it where needed

        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**options)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            message = f"{operation} on table {self._table!r}: {error}"
            raise (SinkUnavailableError if code in _TEMPORARY else TrailError)(message) from error
        except BotoCoreError as error:
            raise SinkUnavailableError(f"{operation} on table {self._table!r}: {error}") from error
        return answer


def ledger_key(name: str) -> str:
    """Return the key of a file's record: names are longer than the ids that stores take."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def record_from(values: Mapping[str, Any]) -> SourceRecord:
    """Return a record from what a store gave back.

    Raises:
        TrailError: a field is absent, or no number where one must be.
    """
    try:
        return SourceRecord(
            name=str(values["name"]),
            fingerprint=str(values["fingerprint"]),
            first_time=values.get("first_time"),
            last_time=values.get("last_time"),
            **{name: int(values[name]) for name in _NUMBERS},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TrailError(f"ledger record {str(values.get('name'))!r} is damaged: {error!r}") from error


def _item(record: SourceRecord) -> dict[str, dict[str, str]]:
    """Return a record as DynamoDB writes it."""
    item: dict[str, dict[str, str]] = {LEDGER_KEY: {"S": ledger_key(record.name)}}
    for name, value in asdict(record).items():
        if value is not None:
            item[name] = {"N": str(value)} if name in _NUMBERS else {"S": value}
    return item
