"""AgentDojo, the benchmark of prompt injection, pinned and apart: it brings the clients of many model providers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.toolchain.environments import ToolEnvironment, ensure_environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AGENTDOJO_VERSION = "0.1.35"
AGENTDOJO = ToolEnvironment("agentdojo", (f"agentdojo=={AGENTDOJO_VERSION}",))


def agentdojo_python(report: Callable[[str], None] | None = None) -> Path:
    """The Python that has AgentDojo; installs it on first use.

    Raises:
        ToolchainError: it cannot be installed.
    """
    return ensure_environment(AGENTDOJO, report=report)
