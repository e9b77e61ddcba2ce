"""Records in AWS: the bucket of copies, and the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.cli.approvals.files import asking, list_keys, read_object
from sudo_mcp_guardrails.cli.approvals.stored import COPIES, RECORD, Stored, counted
from sudo_mcp_guardrails.cli.trail.places import SCHEME

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE: Final = "table:"


class BucketPlace:
    """Objects ``records/<chain>/<number>.json``, as the workflow copies its records.

    Args:
        client: boto3's client of S3; may list the bucket and get objects.
        bucket: its name.
        prefix: before ``records/``; empty as the workflow writes them.
    """

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:  # noqa: ANN401 - of boto3
        self._client, self._bucket = client, bucket
        self._keys: dict[str, list[tuple[int, str]]] = {}
        start = f"{prefix.rstrip('/')}/{COPIES}" if prefix else COPIES
        for count, key in enumerate(list_keys(client, bucket, start)):
            counted(count, f"{SCHEME}{bucket}")
            found = RECORD.fullmatch(key.removeprefix(start))
            if found:
                self._keys.setdefault(found["chain"], []).append((int(found["number"]), key))

    def chains(self) -> list[str]:
        """Return the names of the chains."""
        return sorted(self._keys)

    def stored(self, chain: str) -> Iterator[Stored]:
        """Yield the objects of a chain."""
        for number, key in self._keys.get(chain, ()):
            yield Stored(key, number, read_object(self._client, self._bucket, key))


class TablePlace:
    """Items of the evidence table, or of the trust table.

    Args:
        client: boto3's client of DynamoDB; may scan and query the table.
        table: its name.
    """

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - of boto3
        self._client, self._table = client, table

    def chains(self) -> list[str]:
        """Return the names of the chains; reads the whole table."""
        from sudo_mcp_guardrails.approval.store.aws import pages, text_of

        found: dict[str, None] = {}
        with asking(f"table {self._table!r}"):
            for count, item in enumerate(
                pages(
                    self._client,
                    "scan",
                    TableName=self._table,
                    ProjectionExpression="#chain",
                    # Beside the chains the table remembers what was proposed lately: that has no record.
                    FilterExpression="attribute_exists(#record)",
                    ExpressionAttributeNames={"#chain": "chain", "#record": "record"},
                    ConsistentRead=True,
                )
            ):
                counted(count, f"{TABLE}{self._table}")
                found[text_of(item, "chain")] = None
        return sorted(found)

    def stored(self, chain: str) -> Iterator[Stored]:
        """Yield the items of a chain."""
        from sudo_mcp_guardrails.approval.store.aws import pages, text_of

        with asking(f"table {self._table!r}"):
            for item in pages(
                self._client,
                "query",
                TableName=self._table,
                KeyConditionExpression="#chain = :chain",
                ExpressionAttributeNames={"#chain": "chain"},
                ExpressionAttributeValues={":chain": {"S": chain}},
                ConsistentRead=True,
            ):
                number = str(item["number"]["N"])
                yield Stored(f"{chain} {number}", int(number), text_of(item, "record").encode())
