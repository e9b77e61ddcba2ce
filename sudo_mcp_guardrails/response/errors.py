"""What the response room refuses."""

from __future__ import annotations

from sudo_mcp_guardrails.errors import GuardrailsError


class ResponseError(GuardrailsError):
    """The root of this room's errors."""


class ContainmentError(ResponseError):
    """A containment that cannot be planned: of this target, at this level, by this responder, or from what is known."""


class RecordError(ResponseError):
    """A restore record that is none, is damaged, or cannot be written down; then nothing is changed."""


class RestoreError(ResponseError):
    """A restoration that is refused, before anything was changed."""


class VerifyError(ResponseError):
    """Events that cannot be looked through."""
