"""Errors of the taint room."""

from __future__ import annotations

from sudo_mcp_guardrails.gateway.errors import GatewayError


class TaintError(GatewayError):
    """A value cannot be labelled: the message says what came and what is allowed."""
