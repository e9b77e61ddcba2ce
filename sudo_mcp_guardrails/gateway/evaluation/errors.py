"""Errors of evaluations."""

from __future__ import annotations

from sudo_mcp_guardrails.gateway.errors import GatewayError


class EvaluationError(GatewayError):
    """An evaluation cannot run, or was not run whole: the message says what came and what is allowed."""
