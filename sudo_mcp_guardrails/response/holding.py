"""Whether what a containment put there is still there: reads each place of its record, and changes none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.response.outcome import said
from sudo_mcp_guardrails.response.steps.ways import WAYS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.response.estate import Clients
    from sudo_mcp_guardrails.response.record import RestoreRecord


def not_holding(record: RestoreRecord, clients: Clients) -> tuple[str, ...]:
    """Return the steps that do not hold, or cannot be told to, each with the reason; empty where all do.

    Args:
        record: Of the containment. What cannot be undone, such as a cancelled update, is not looked at again.
        clients: Where the clients come from.
    """
    found = []
    for entry in record.entries:
        step, way = entry.step, WAYS[entry.step.kind]
        if not way.restorable:
            continue
        try:
            holds = way.holds(step, way.read(step, clients.client(way.service, step.account, step.region)))
        except Exception as error:  # noqa: BLE001 - what cannot be read counts as not holding
            found.append(f"{step.id}: not read: {said(error)}")
            continue
        if not holds:
            found.append(f"{step.id}: is not as containment left it")
    return tuple(found)
