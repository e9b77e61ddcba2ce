"""Errors of the sandbox."""

from __future__ import annotations

from sudo_mcp_guardrails.gateway.errors import GatewayError


class SandboxError(GatewayError):
    """A server cannot be sandboxed here, or not by this profile; the message says why and what to do."""
