"""Whether an agent is contained, as the kill switch's table says, read once a batch."""

from __future__ import annotations

import json
import logging
from typing import Any

from sudo_mcp_guardrails.state.kill_switch import KillSwitch

_log = logging.getLogger(__name__)


class Containments:
    """Tells at which level an agent was contained at a time.

    Where the table cannot be read, nothing is said of anybody who is not known to be contained: a rule that contains
    by itself must not rest on what nobody knows. The metric ``SwitchUnreadable`` and its alarm say so.

    Args:
        client: boto3's client of DynamoDB.
        table: the kill switch's.
        prefix: name prefix of the guardrails.
    """

    def __init__(self, client: Any, table: str, prefix: str) -> None:  # noqa: ANN401 - boto3's
        self._client = client
        self._table = table
        self._prefix = prefix
        self._read: KillSwitch | None = None

    def begin(self) -> None:
        """Read anew when asked next."""
        self._read = None

    @property
    def unreadable(self) -> str:
        """Why not all is known of what was read last; empty where all is."""
        return self._read.unreadable if self._read is not None else ""

    def __call__(self, agent: str, time: int) -> str | None:
        """Return the highest level at which an agent was contained at a time, such as K2; None where it was not."""
        if self._read is None:
            self._read = KillSwitch.reading(self._client, self._table, self._prefix)
            if self._read.unreadable:
                _log.error(json.dumps({"kill switch": self._read.unreadable}))
        levels = (one.level for one in self._read.thrown if one.at <= time and one.target.covers(agent))
        return max(levels, default=None)

    def contains(self, agent: str) -> bool:
        """Tell whether an agent is contained now; yes where that cannot be read."""
        return not KillSwitch.reading(self._client, self._table, self._prefix).allows(agent).allowed
