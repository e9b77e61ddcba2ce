"""What the approval room refuses."""

from __future__ import annotations

from sudo_mcp_guardrails.errors import GuardrailsError


class ApprovalError(GuardrailsError):
    """The root of this room's errors."""


class PlanError(ApprovalError):
    """What came is no plan, or one that is out of bounds."""


class DecisionError(ApprovalError):
    """A decision that does not count: not this person's, not now, or not about this plan."""


class EvidenceError(ApprovalError):
    """A record that cannot be added, or a chain that is broken."""


class TrustError(ApprovalError):
    """A ledger of trust that cannot be replayed, or an entry that it does not take."""
