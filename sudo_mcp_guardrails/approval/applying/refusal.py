"""What the broker refuses, and how it says so."""

from __future__ import annotations

from sudo_mcp_guardrails.approval.errors import ApprovalError


class ApplyRefused(ApprovalError):  # noqa: N818 - it is an answer, by whose name the state machine catches it
    """The broker does not do this, and trying again would change nothing. Nothing was carried out."""


class AgentContained(ApplyRefused):
    """The kill switch contains the agent, or cannot be read: no session of its apply role is opened."""
