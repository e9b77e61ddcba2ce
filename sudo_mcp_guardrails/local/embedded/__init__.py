"""An AWS in one local process: ministack, pinned, with the gaps that matter here closed, and checked at each start."""

from __future__ import annotations

from sudo_mcp_guardrails.local.embedded.errors import EmbeddedAwsError
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

__all__ = ["EmbeddedAws", "EmbeddedAwsError"]
