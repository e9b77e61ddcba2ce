"""What the functions that look at events remember together, in one table: groups, what was told, and of what first.

The table has the partition key ``pk`` and the time to live ``expires``, as that of what is known of sessions, which may
be the same one. All reads are consistent, and all writes on a condition.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from sudo_mcp_guardrails.detection.correlating_store import Stored
from sudo_mcp_guardrails.detection.finding import Finding, actor_of, finding_id
from sudo_mcp_guardrails.detection.first_seen import FirstSeen
from sudo_mcp_guardrails.trail.attributing.mcp import grant

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.trail.event import Event

TOLD_SECONDS: Final = 2 * 86_400
"""How long it is remembered what was told: an event comes by its file within hours, and from a queue for days."""
_REFUSED: Final = "ConditionalCheckFailedException"


class DetectionState:
    """The table.

    Args:
        client: boto3's DynamoDB client.
        table: its name.
        lease: seconds after which what another invocation began to tell, and never said to have told, is told again:
            no less than a function runs.
        clock: the time in seconds since 1970.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3's
        table: str,
        *,
        lease: int = 180,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._table = table
        self._lease = lease
        self._clock = clock

    def load(self, key: str, *, kind: str = "group") -> Stored | None:
        """Return a group, or another thing that is counted together, as it is now, or None."""
        answer = self._client.get_item(TableName=self._table, Key=_key(f"{kind}#{key}"), ConsistentRead=True)
        item = answer.get("Item")
        return Stored(item["value"]["S"], int(item["version"]["N"])) if item else None

    def save(self, key: str, new: Stored, *, seconds: int, kind: str = "group") -> bool:
        """Write a group, or another thing, if it is as it was read; tell whether it was."""
        item = {
            **_key(f"{kind}#{key}"),
            "value": {"S": new.text},
            "version": {"N": str(new.version)},
            "expires": self._in(seconds),
        }
        return self._did(
            self._client.put_item,
            Item=item,
            ConditionExpression="attribute_not_exists(pk) OR version = :before",
            ExpressionAttributeValues={":before": {"N": str(new.version - 1)}},
        )

    def claim(self, channel: str, alert_id: str) -> bool:
        """Begin to tell of an alert by a channel; False where it was told, or another invocation is about to."""
        now = int(self._clock())
        item = {
            **_key(f"told#{channel}#{alert_id}"),
            "lease": {"N": str(now + self._lease)},
            "expires": self._in(TOLD_SECONDS),
        }
        return self._did(
            self._client.put_item,
            Item=item,
            ConditionExpression="attribute_not_exists(pk) OR lease < :now",
            ExpressionAttributeValues={":now": {"N": str(now)}},
        )

    def told(self, channel: str, alert_id: str) -> None:
        """Say that an alert was told: an item without a lease is never told again."""
        item = {**_key(f"told#{channel}#{alert_id}"), "expires": self._in(TOLD_SECONDS)}
        self._client.put_item(TableName=self._table, Item=item)

    def release(self, channel: str, alert_id: str) -> None:
        """Give a claim back: it could not be told."""
        self._client.delete_item(TableName=self._table, Key=_key(f"told#{channel}#{alert_id}"))

    def finding(self, alert: Alert) -> Finding:
        """Return the finding that an alert makes or adds to, counted over all processes; call it once an alert."""
        actor = actor_of(alert)
        id_ = finding_id(alert, actor)
        event_time = alert.subject.event.event_time
        answer = self._client.update_item(
            TableName=self._table,
            Key=_key(f"finding#{id_}"),
            UpdateExpression="ADD alerts :one SET first_time = if_not_exists(first_time, :time), expires = :expires",
            ExpressionAttributeValues={
                ":one": {"N": "1"},
                ":time": {"S": event_time or ""},
                ":expires": self._in(TOLD_SECONDS),
            },
            ReturnValues="ALL_NEW",
        )["Attributes"]
        first = answer["first_time"]["S"] or event_time
        return Finding(id_, actor, alert, alert.events, int(answer["alerts"]["N"]), first, event_time)

    def first(self, what: str, event_id: str) -> bool:
        """Tell whether an event is the first of something: nobody's was before, and it still is when it comes again."""
        item = {**_key(f"first#{what}"), "event": {"S": event_id}}
        return self._did(
            self._client.put_item,
            Item=item,
            ConditionExpression="attribute_not_exists(pk) OR #event = :event",
            ExpressionAttributeNames={"#event": "event"},
            ExpressionAttributeValues={":event": {"S": event_id}},
        )

    def _in(self, seconds: int) -> dict[str, str]:
        return {"N": str(int(self._clock()) + seconds)}

    def _did(self, call: Callable[..., Any], **request: Any) -> bool:  # noqa: ANN401 - boto3's
        try:
            call(TableName=self._table, **request)
        except ClientError as error:
            if error.response["Error"]["Code"] == _REFUSED:
                return False
            raise
        return True


class AgentMemories:
    """What the layers remember of agents, in the same table.

    Args:
        state: of the functions.
    """

    def __init__(self, state: DetectionState) -> None:
        self._state = state

    def load(self, key: str) -> Stored | None:
        """Return the memory of an agent as it is now, or None."""
        return self._state.load(key, kind="agent")

    def save(self, key: str, new: Stored, *, seconds: int) -> bool:
        """Write it if it is as it was read; tell whether it was."""
        return self._state.save(key, new, seconds=seconds, kind="agent")


class StoredFirstSeen(FirstSeen):
    """Remembers the OAuth clients that were granted something, over all containers.

    Args:
        state: remembers them.
    """

    def __init__(self, state: DetectionState) -> None:
        super().__init__()
        self._state = state

    def marks(self, event: Event) -> list[str]:
        """Return ``oauth-client`` for a grant to a client that nobody granted anything before; else nothing."""
        found = super().marks(event)
        if not found:
            return []
        client = hashlib.sha256(str(grant(event).client).encode("utf-8", "surrogatepass")).hexdigest()
        return found if self._state.first(f"client#{client}", event.event_id) else []


def _key(text: str) -> dict[str, Any]:
    return {"pk": {"S": text}}
