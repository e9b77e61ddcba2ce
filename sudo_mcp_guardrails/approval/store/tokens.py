"""Task tokens of Step Functions: written by the state machine itself, read by the API function alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sudo_mcp_guardrails.approval.store.aws import CONDITION_FAILED, code_of, number_of, text_of


@dataclass(frozen=True)
class Token:
    """What one wait of the state machine is ended by.

    Attributes:
        value: of the token; never to be shown, logged or recorded.
        round: of the wait.
        ends: seconds since 1970; it is worth nothing afterwards.
    """

    value: str
    round: int
    ends: int

    def __repr__(self) -> str:
        """Return it without its value, which lets whoever has it end the wait."""
        return f"Token(round={self.round}, ends={self.ends})"


class TokenStore:
    """The table of tokens.

    Args:
        dynamodb: boto3's low-level client of DynamoDB.
        table: its name; key ``approval`` (S).
    """

    def __init__(self, dynamodb: Any, table: str) -> None:  # noqa: ANN401 - of boto3
        self._dynamodb = dynamodb
        self._table = table

    def get(self, approval: str) -> Token | None:
        """Return the token that an approval waits with; None where it does not wait."""
        key = {"approval": {"S": approval}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item", {})
        value = text_of(item, "token")
        return Token(value, number_of(item, "round"), number_of(item, "ends")) if value else None

    def delete(self, approval: str, token: Token) -> None:
        """Delete a token that was used; one that took its place meanwhile stays."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key={"approval": {"S": approval}},
                ConditionExpression="#token = :token",
                ExpressionAttributeNames={"#token": "token"},
                ExpressionAttributeValues={":token": {"S": token.value}},
            )
        except Exception as error:
            if code_of(error) != CONDITION_FAILED:
                raise
