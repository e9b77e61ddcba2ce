"""``python -m sudo_mcp_guardrails.toolchain TOOL [ARGUMENT…]``: run a tool from the cache, installed on first use.

For the Makefile, CI and people: the same pinned tools that the library itself calls.
"""

from __future__ import annotations

import os
import sys

from sudo_mcp_guardrails.toolchain.cdk_cli import ensure_cdk_cli
from sudo_mcp_guardrails.toolchain.checkov import checkov_command
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.node import use_node


def _report(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - this module is a program, and standard output is the tool's


def _cdk() -> list[str]:
    use_node(_report)  # the app that the CLI starts needs the same Node for jsii
    return ensure_cdk_cli(_report)


_TOOLS = {
    "cdk": _cdk,
    "checkov": lambda: checkov_command(_report),
    "node": lambda: [str(use_node(_report).node)],
}


def main(arguments: list[str]) -> int:
    """Replace this process by the tool; returns only when the tool cannot be had (2)."""
    if not arguments or arguments[0] not in _TOOLS:
        _report(f"tool {arguments[:1]!r} is unknown, allowed: {', '.join(_TOOLS)}")
        return 2
    try:
        command = [*_TOOLS[arguments[0]](), *arguments[1:]]
    except ToolchainError as error:
        _report(str(error))
        return 2
    os.execv(command[0], command)  # noqa: S606 - the command is built here, and no shell is wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
