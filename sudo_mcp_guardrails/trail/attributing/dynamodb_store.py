"""Knowledge in a DynamoDB table, for the functions of the log pipeline."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from sudo_mcp_guardrails.trail.attributing.knowledge import MemoryKnowledge
from sudo_mcp_guardrails.trail.attributing.stored import StoredKnowledge

_KEPT_DAYS: Final = 90
_DAY: Final = 86_400


class DynamoKnowledge(StoredKnowledge):
    """Knowledge in a DynamoDB table, for the Lambda function.

    Several functions may write at once: what one key holds is whole, and the last writer's. A list of waiting events
    that two extend at the same moment may so lose some, which are then attributed less well, never lost. What one
    learns while the other's events begin to wait for it is seen by one of both: reads are consistent.

    Args:
        client: a boto3 DynamoDB client.
        table: name of the table, with the partition key ``pk`` and the time to live ``expires``.
        prefix: of the keys, where the table holds more.
    """

    shared = True

    def __init__(self, client: Any, table: str, *, prefix: str = "knowledge#") -> None:  # noqa: ANN401 - boto3's
        super().__init__()
        self._client = client
        self._table = table
        self._prefix = prefix

    def flush(self) -> None:
        """Store what was put, and look again at all that others may have learned meanwhile: a container lives long."""
        super().flush()
        self._near, self._absent = MemoryKnowledge(self._limit), MemoryKnowledge(self._limit)

    def _load(self, key: str) -> Any:  # noqa: ANN401 - JSON
        answer = self._client.get_item(
            TableName=self._table, Key={"pk": {"S": self._prefix + key}}, ConsistentRead=True
        )
        item = answer.get("Item")
        return json.loads(item["value"]["S"]) if item else None

    def _save(self, changed: dict[str, Any]) -> None:
        expires = str(int(time.time()) + _KEPT_DAYS * _DAY)
        for key, value in changed.items():
            name = {"S": self._prefix + key}
            if value is None:
                self._client.delete_item(TableName=self._table, Key={"pk": name})
            else:
                item = {"pk": name, "value": {"S": json.dumps(value)}, "expires": {"N": expires}}
                self._client.put_item(TableName=self._table, Item=item)
