"""What detection refuses."""

from __future__ import annotations

from sudo_mcp_guardrails.errors import GuardrailsError


class DetectionError(GuardrailsError):
    """Something about a detection that cannot be done: an option that does not fit, a baseline that is damaged."""


class RuleError(DetectionError):
    """A rule that cannot be used: it does not parse, or asks for what the engine does not offer.

    A rule is refused as a whole, with its place: a rule that is used by half watches less than its reader believes.
    """
