"""Errors of the decision."""

from __future__ import annotations

from sudo_mcp_guardrails.gateway.errors import GatewayError


class DecidingError(GatewayError):
    """The decision cannot be set up as it was given."""


class RuleError(DecidingError):
    """A team's rule is not understood, or can never match.

    Attributes:
        line: Of the rules' text, from 1; 0 for the whole.
    """

    def __init__(self, where: str, line: int, what: str) -> None:
        super().__init__(f"{where} line {line}: {what}" if line else f"{where}: {what}")
        self.line = line
