"""What the toolchain raises."""

from __future__ import annotations

from sudo_mcp_guardrails.errors import GuardrailsError


class ToolchainError(GuardrailsError):
    """A tool (an environment, Node, the CDK CLI) cannot be had; the message says what to do about it."""
