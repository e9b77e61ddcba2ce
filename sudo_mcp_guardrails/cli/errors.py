"""What the commands raise."""

from __future__ import annotations

from sudo_mcp_guardrails.errors import GuardrailsError


class InputError(GuardrailsError):
    """A file or an option that a command cannot use; the message names it and what is allowed."""
