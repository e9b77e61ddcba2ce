"""Errors of the gateway."""

from __future__ import annotations

from sudo_mcp_guardrails.errors import GuardrailsError


class GatewayError(GuardrailsError):
    """The guard cannot start, or cannot tell: the message says what came and what is allowed."""
