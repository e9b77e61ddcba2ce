"""Errors of pins."""

from __future__ import annotations

from sudo_mcp_guardrails.gateway.errors import GatewayError


class PinError(GatewayError):
    """A lock file, a definition or a server's answer is not what can be pinned; the message says where and why."""
