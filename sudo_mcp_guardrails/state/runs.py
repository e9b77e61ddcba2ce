"""The registry of runs: who is behind a session, as AWS verified it when the session was minted.

A session's name and its SourceIdentity give the run; the registry gives the person and the ticket. An agent can neither
read nor write it, and a run that is not in it is nobody's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError

_RUN: Final = re.compile(r"run-[0-9A-HJKMNP-TV-Z]{26}")
_MAX_CALLER: Final = 2_048


class RunError(GuardrailsError):
    """A run that is none, or that is there already."""


@dataclass(frozen=True)
class Run:
    """One run of an agent.

    Attributes:
        id: ``run-`` and a ULID.
        agent: name of the agent.
        capability: of the session, ``read`` or ``plan``.
        caller: ARN of who asked for the session, as AWS verified it.
        ticket: that he gave.
        created: seconds since 1970.
        ends: when the session ends, likewise; the table's time to live.

    Raises:
        RunError: a value is out of bounds.
    """

    id: str
    agent: str
    capability: str
    caller: str
    ticket: str
    created: int
    ends: int

    def __post_init__(self) -> None:
        """Validate."""
        if not _RUN.fullmatch(self.id):
            raise RunError(f"run {self.id[:80]!r} is none, allowed: 'run-' and 26 characters of Crockford's base 32")
        for name in ("agent", "capability", "caller", "ticket"):
            value = getattr(self, name)
            if not 1 <= len(value) <= _MAX_CALLER:
                raise RunError(f"{name} of run {self.id!r} has {len(value)} characters, allowed are 1 to {_MAX_CALLER}")
        if not 0 <= self.created <= self.ends:
            raise RunError(f"run {self.id!r} ends {self.ends}, before it began {self.created}")


class RunRegistry:
    """The table of runs.

    Args:
        dynamodb: boto3's low-level client of DynamoDB.
        table: its name; key ``run`` (S), time to live ``ends``.
    """

    def __init__(self, dynamodb: Any, table: str) -> None:  # noqa: ANN401 - of boto3
        self._dynamodb = dynamodb
        self._table = table

    def begin(self, run: Run) -> None:
        """Write a run down; before its session is minted, so that there is none that nobody is behind.

        Raises:
            Exception: what DynamoDB answers, also where the run is there already.
        """
        self._dynamodb.put_item(
            TableName=self._table,
            Item={
                "run": {"S": run.id},
                "agent": {"S": run.agent},
                "capability": {"S": run.capability},
                "caller": {"S": run.caller},
                "ticket": {"S": run.ticket},
                "created": {"N": str(run.created)},
                "ends": {"N": str(run.ends)},
            },
            ConditionExpression="attribute_not_exists(#run)",
            ExpressionAttributeNames={"#run": "run"},
        )

    def find(self, run: str) -> Run | None:
        """Return a run; None where it is not known, or what stands there is none."""
        key = {"run": {"S": run}}
        item = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        if not item:
            return None
        text = {name: str(item.get(name, {}).get("S", "")) for name in ("agent", "capability", "caller", "ticket")}
        try:
            created, ends = (int(item.get(name, {}).get("N", "-1")) for name in ("created", "ends"))
            return Run(id=run, created=created, ends=ends, **text)
        except (RunError, ValueError):
            return None
