"""The CDK CLI, pinned.

``aws-cdk@3.0.0`` on npm is an accidental publish of an April 2025 build that has been tagged ``latest`` more
than once (aws/aws-cdk issues 38113 and 38230); it cannot read what today's library writes. So the CLI is
never taken by tag, and one from outside is taken only after its version was read.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.node import ensure_node
from sudo_mcp_guardrails.toolchain.npm import NpmPackage
from sudo_mcp_guardrails.toolchain.process import run

if TYPE_CHECKING:
    from collections.abc import Callable

CDK_CLI_VERSION = "2.1148.1"
CDK_VARIABLE = "MCP_GUARDRAILS_CDK"

# aws-cdk-lib 2.275 writes cloud assemblies of schema 55, which the CLI reads from 2.1148.0 on.
_LOWEST = (2, 1148, 0)
_BELOW = (3, 0, 0)
_QUICK_SECONDS = 60.0
_ALLOWED = ">=2.1148.0,<3 (3.0.0 on npm was published by accident and is older)"
_PACKAGE = NpmPackage(
    name="aws-cdk",
    version=CDK_CLI_VERSION,
    file="bin/cdk",
    directory=f"cdk-cli-{CDK_CLI_VERSION}",
    title="the CDK CLI",
    advice=f"check the network and npm's registry, or name a CDK CLI {_ALLOWED} in {CDK_VARIABLE}",
)


def ensure_cdk_cli(report: Callable[[str], None] | None = None) -> list[str]:
    """The command that starts the CDK CLI, to which arguments are appended; installs it on first use.

    ``MCP_GUARDRAILS_CDK`` may name another one, as a command or a path; only 2.1148.0 and
    later 2.x are taken.

    Args:
        report: told about installs.

    Raises:
        ToolchainError: no CLI of a version that serves can be had.
    """
    chosen = os.environ.get(CDK_VARIABLE)
    if chosen:
        return _checked(chosen)
    node = ensure_node(report)
    return [str(node.node), str(_PACKAGE.ensure(report))]


def _checked(command: str) -> list[str]:
    found = shutil.which(command)
    if not found:
        raise ToolchainError(
            f"{CDK_VARIABLE}={command!r} is no executable file; name a CDK CLI {_ALLOWED}, or unset it"
        )
    answer = run(
        [found, "--version"],
        doing=f"ask {command} for its version",
        advice=f"name a CDK CLI {_ALLOWED} in {CDK_VARIABLE}, or unset it",
        timeout=_QUICK_SECONDS,
        env={"CDK_DISABLE_CLI_TELEMETRY": "true"},
    )
    parts = re.match(r"(\d+)\.(\d+)\.(\d+)\b", answer.strip())
    version = tuple(int(part) for part in parts.groups()) if parts else ()
    if not _LOWEST <= version < _BELOW:
        raise ToolchainError(f"{CDK_VARIABLE}={command!r} is version {answer.strip()[:40]!r}, allowed: {_ALLOWED}")
    return [found]
