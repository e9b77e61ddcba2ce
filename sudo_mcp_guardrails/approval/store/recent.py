"""What an agent proposed lately: against one bad change that is split into small ones.

Items of the evidence table beside the chains, since they need the same care: partition ``recent/<agent>``, sorted by
time. Each is written before the others are read, so that of two plans at once at least one sees the other.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.errors import EvidenceError, PlanError
from sudo_mcp_guardrails.approval.risk_rules.context import MAX_RECENT, Recent

if TYPE_CHECKING:
    from collections.abc import Mapping

RECENT: Final = "recent/"
"""What partitions of these items begin with; they are no chains."""
MAX_PACKED: Final = 350_000
"""Most bytes of one item's content; DynamoDB takes 400 KiB with all names."""
_MAX_TEXT: Final = 64 * 1024 * 1024
_PLACES: Final = 1_000_000


class RecentPlans:
    """What agents proposed lately.

    Args:
        dynamodb: boto3's low-level client of DynamoDB.
        table: the evidence table.
    """

    def __init__(self, dynamodb: Any, table: str) -> None:  # noqa: ANN401 - of boto3
        self._dynamodb = dynamodb
        self._table = table

    def put(self, agent: str, approval: str, plan: Recent) -> None:
        """Remember a plan; the same approval's takes its own place.

        Raises:
            PlanError: it touches more than can be remembered, so that no later plan could be held against it.
        """
        packed = zlib.compress(json.dumps(_document(plan), separators=(",", ":")).encode(), 6)
        if len(packed) > MAX_PACKED:
            raise PlanError(f"the plan touches {len(plan.touched)} things, which is more than can be remembered")
        self._dynamodb.put_item(
            TableName=self._table,
            Item={
                "chain": {"S": RECENT + agent},
                "number": {"N": str(_number(approval, plan))},
                "approval": {"S": approval},
                "plan": {"B": packed},
            },
        )

    def of(self, agent: str, since: int) -> tuple[Recent, ...]:
        """Return an agent's plans since a time, the newest first: as many as are judged by, and one more.

        Raises:
            EvidenceError: one cannot be read.
        """
        options: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#chain = :chain AND #number >= :since",
            "ExpressionAttributeNames": {"#chain": "chain", "#number": "number"},
            "ExpressionAttributeValues": {
                ":chain": {"S": RECENT + agent},
                ":since": {"N": str(max(since, 0) * _PLACES)},
            },
            "ScanIndexForward": False,
            "ConsistentRead": True,
        }
        found: list[Recent] = []
        while len(found) <= MAX_RECENT:
            answer = self._dynamodb.query(**options)
            found += [_read(agent, item) for item in answer.get("Items", [])]
            last = answer.get("LastEvaluatedKey")
            if not last:
                break
            options["ExclusiveStartKey"] = last
        return tuple(found[: MAX_RECENT + 1])


def _number(approval: str, plan: Recent) -> int:
    place = int(hashlib.sha256(approval.encode()).hexdigest()[:12], 16) % _PLACES
    return int(plan.at.timestamp()) * _PLACES + place


def _document(plan: Recent) -> dict[str, Any]:
    return {
        "at": int(plan.at.timestamp()),
        "digest": plan.digest,
        "risk": plan.risk.value,
        "changes": plan.changes,
        "touched": sorted(plan.touched),
        "actions": sorted(plan.actions),
    }


def _read(agent: str, item: Mapping[str, Any]) -> Recent:
    try:
        unpacked = zlib.decompressobj().decompress(bytes(item["plan"]["B"]), _MAX_TEXT)
        found = json.loads(unpacked)
        return Recent(
            at=datetime.fromtimestamp(found["at"], timezone.utc),
            digest=str(found["digest"]),
            risk=RiskClass(found["risk"]),
            changes=int(found["changes"]),
            touched=frozenset(map(str, found["touched"])),
            actions=frozenset(map(str, found["actions"])),
        )
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise EvidenceError(f"an earlier plan of {agent!r} cannot be read: {type(error).__name__}") from None
