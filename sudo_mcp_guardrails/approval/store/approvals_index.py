"""The index of approvals: what the page lists. What counts is the evidence; whatever stands here is for finding it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.secret_names import without_secrets
from sudo_mcp_guardrails.approval.store.aws import CONDITION_FAILED, code_of, number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.store.asked import BundleRef

OPEN_INDEX: Final = "open"
"""Name of the sparse index over what is not final: partition key ``open``, sort key ``created``."""
RECEIVED: Final = "received"
"""State of what was proposed and not classified yet."""
MAX_LISTED: Final = 1_000
_MAX_SUMMARY: Final = 300


@dataclass(frozen=True)
class Row:
    """One approval in the index.

    Attributes:
        approval: its id.
        state: ``received``, or one of :class:`~sudo_mcp_guardrails.approval.deciding.status.State`.
        agent: that asked.
        environment: about which.
        risk: empty before it was classified.
        created: seconds since 1970.
        expires: likewise; 0 before it was classified.
        summary: one line.
        is_open: whether it is not final.
        input: of the state machine, as JSON.
        document: of the request, as JSON; empty before it was classified.
    """

    approval: str
    state: str
    agent: str
    environment: str
    risk: str
    created: int
    expires: int
    summary: str
    is_open: bool
    input: str
    document: str


class ApprovalsIndex:
    """The table of approvals.

    Args:
        dynamodb: boto3's low-level client of DynamoDB.
        table: its name; key ``approval`` (S).
    """

    def __init__(self, dynamodb: Any, table: str) -> None:  # noqa: ANN401 - of boto3
        self._dynamodb = dynamodb
        self._table = table

    def receive(self, approval: str, *, agent: str, environment: str, created: int, text: str, summary: str) -> bool:
        """Note what was proposed; False where this approval is there already.

        Args:
            approval: its id.
            agent: that asks.
            environment: about which.
            created: seconds since 1970.
            text: the state machine's input, as JSON.
            summary: one line.
        """
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "approval": {"S": approval},
                    "state": {"S": RECEIVED},
                    "agent": {"S": agent},
                    "environment": {"S": environment},
                    "created": {"N": str(created)},
                    "input": {"S": text},
                    "summary": {"S": without_secrets(summary)[:_MAX_SUMMARY]},
                    "open": {"S": "1"},
                },
                ConditionExpression="attribute_not_exists(approval)",
            )
        except Exception as error:
            if code_of(error) != CONDITION_FAILED:
                raise
            return False
        return True

    def classified(self, approval: str, *, document: str, risk: str, expires: int, bundle: BundleRef) -> None:
        """Note what the classification found."""
        self._update(
            approval,
            "document = :document, risk = :risk, expires = :expires, "
            "bundleKey = :key, bundleVersion = :version, bundleDigest = :digest",
            {
                ":document": {"S": document},
                ":risk": {"S": risk},
                ":expires": {"N": str(expires)},
                ":key": {"S": bundle.key},
                ":version": {"S": bundle.version},
                ":digest": {"S": bundle.digest},
            },
        )

    def settle(self, approval: str, state: str, *, final: bool) -> None:
        """Note where an approval stands. What is final is not listed among the open ones, and never is again."""
        values = {":state": {"S": state}}
        if final:
            self._update(approval, "#state = :state REMOVE #open", values)
        else:
            self._update(approval, "#state = :state", values, condition="attribute_exists(#open)")

    def get(self, approval: str) -> Row | None:
        """Return one approval; None where it is not known."""
        key = {"approval": {"S": approval}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return _row(item) if item else None

    def listed(self, *, only_open: bool = True, limit: int = 200) -> list[Row]:
        """Return approvals, the newest first.

        Args:
            only_open: leaves out what is final. Without it the whole table is read, up to the limit.
            limit: most of them, up to :data:`MAX_LISTED`.
        """
        limit = max(1, min(limit, MAX_LISTED))
        options: dict[str, Any] = {"TableName": self._table, "Limit": limit}
        if only_open:
            options |= {
                "IndexName": OPEN_INDEX,
                "KeyConditionExpression": "#open = :open",
                "ExpressionAttributeNames": {"#open": "open"},
                "ExpressionAttributeValues": {":open": {"S": "1"}},
                "ScanIndexForward": False,
            }
        found: list[Row] = []
        while True:
            answer = self._dynamodb.query(**options) if only_open else self._dynamodb.scan(**options)
            found += [_row(item) for item in answer.get("Items", [])]
            last = answer.get("LastEvaluatedKey")
            if not last or len(found) >= limit:
                return sorted(found[:limit], key=lambda row: (-row.created, row.approval))
            options["ExclusiveStartKey"] = last

    def _update(self, approval: str, change: str, values: dict[str, Any], *, condition: str = "") -> None:
        names = {"#state": "state", "#open": "open"}
        conditions = ["attribute_exists(approval)", *([condition] if condition else [])]
        text = f"SET {change}"
        expression = " AND ".join(conditions)
        used = {short: name for short, name in names.items() if short in text or short in expression}
        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key={"approval": {"S": approval}},
                UpdateExpression=text,
                ConditionExpression=expression,
                ExpressionAttributeValues=values,
                **({"ExpressionAttributeNames": used} if used else {}),
            )
        except Exception as error:
            # One that is gone or final by now stays so: an index is no reason to fail.
            if code_of(error) != CONDITION_FAILED:
                raise


def _row(item: Mapping[str, Any]) -> Row:
    return Row(
        approval=text_of(item, "approval"),
        state=text_of(item, "state"),
        agent=text_of(item, "agent"),
        environment=text_of(item, "environment"),
        risk=text_of(item, "risk"),
        created=number_of(item, "created"),
        expires=number_of(item, "expires"),
        summary=text_of(item, "summary"),
        is_open="open" in item,
        input=text_of(item, "input"),
        document=text_of(item, "document"),
    )
