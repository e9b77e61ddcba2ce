"""Errors of the provenance room."""

from __future__ import annotations

from sudo_mcp_guardrails.gateway.errors import GatewayError


class ProvenanceError(GatewayError):
    """A record cannot be written or read: the message says what came and what is allowed."""
