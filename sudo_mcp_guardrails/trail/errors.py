"""What the audit trail refuses."""

from __future__ import annotations

from sudo_mcp_guardrails.errors import GuardrailsError


class TrailError(GuardrailsError):
    """Something about a trail that cannot be done: a store that is damaged, an option that does not fit."""


class SinkUnavailableError(TrailError):
    """A sink that took nothing of a batch, or only a part of it, after all retries; the batch may be written again."""


class UnreadableFileError(TrailError):
    """A file of a source that is there but cannot be read: refused, archived, larger than allowed, or a bad disk."""
