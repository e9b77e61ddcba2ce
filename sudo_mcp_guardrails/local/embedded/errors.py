"""What the embedded AWS raises."""

from __future__ import annotations

from sudo_mcp_guardrails.errors import GuardrailsError


class EmbeddedAwsError(GuardrailsError):
    """The embedded AWS does not start, does not answer, or decided something wrongly; the message says what to do."""
