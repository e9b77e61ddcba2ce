"""What tells identical work: of a plan as of one operation, since a plan is one item of the ledger of trust."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.canonical import digest
from sudo_mcp_guardrails.approval.trust_ledger.entries import operation_digest

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.plan import Plan

_PART_KIND: Final = "operation-part/1"


def operation_of(plan: Plan) -> str:
    """Return the digest by which a plan earns once, 64 hexadecimal digits.

    Each different change counts once, by its operation, type and values, and not by its id: the same thing made ten
    times, or under another logical id, is the same work.
    """
    parts = {
        digest(_PART_KIND, [change.operation.value, change.type, change.after, sorted(change.changed)])
        for change in plan.changes
    }
    operations = ",".join(sorted({change.operation.value for change in plan.changes}))
    types = ",".join(sorted({change.type for change in plan.changes}))
    return operation_digest(operations, types, sorted(parts))
