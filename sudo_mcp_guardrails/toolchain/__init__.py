"""Tools that the project runs but does not import: ministack, Checkov, Node and the CDK CLI.

The bottom room: standard library only. Each tool is pinned, kept in the user's cache and made on first use.
"""

from __future__ import annotations

from sudo_mcp_guardrails.toolchain.cache import cache_dir
from sudo_mcp_guardrails.toolchain.environments import ToolEnvironment, ensure_environment
from sudo_mcp_guardrails.toolchain.errors import ToolchainError

__all__ = ["ToolEnvironment", "ToolchainError", "cache_dir", "ensure_environment"]
