"""Checkov, the template scanner, pinned and apart: it holds boto3 at an old release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.toolchain.environments import ToolEnvironment, ensure_environment

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOV_VERSION = "3.3.30"
CHECKOV = ToolEnvironment("checkov", (f"checkov=={CHECKOV_VERSION}",))


def checkov_command(report: Callable[[str], None] | None = None) -> list[str]:
    """The command that starts Checkov, to which arguments are appended; installs it on first use.

    Raises:
        ToolchainError: it cannot be installed.
    """
    return [str(ensure_environment(CHECKOV, report=report)), "-m", "checkov.main"]
