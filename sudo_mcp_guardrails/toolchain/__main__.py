"""``python -m sudo_mcp_guardrails.toolchain TOOL [ARGUMENT…]``: run a pinned tool from the user's cache.

For the Makefile, CI and people: the same tools that the library itself calls, installed on first use.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from sudo_mcp_guardrails.toolchain.cdk_cli import ensure_cdk_cli
from sudo_mcp_guardrails.toolchain.checkov import checkov_command
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    from collections.abc import Callable


def _report(line: str) -> None:
    print(line, file=sys.stderr)  # noqa: T201 - this module is a program, and standard output is the tool's


def _cdk() -> list[str]:
    use_node(_report)  # the app that the CLI starts needs the same Node for jsii
    return ensure_cdk_cli(_report)


_TOOLS: dict[str, Callable[[], list[str]]] = {
    "cdk": _cdk,
    "checkov": lambda: checkov_command(_report),
    "node": lambda: [str(use_node(_report).node)],
}


def _command(tool: str) -> list[str]:
    if tool not in _TOOLS:
        raise ToolchainError(f"tool {tool!r} is unknown, allowed: {', '.join(_TOOLS)}")
    return _TOOLS[tool]()


def main(arguments: list[str]) -> NoReturn:
    """Replace this process by the tool; exits with 2 where the tool cannot be had."""
    try:
        command = [*_command(arguments[0] if arguments else ""), *arguments[1:]]
    except ToolchainError as error:
        _report(str(error))
        sys.exit(2)
    os.execv(command[0], command)  # noqa: S606 - the command is built here, and no shell is wanted


if __name__ == "__main__":
    main(sys.argv[1:])
