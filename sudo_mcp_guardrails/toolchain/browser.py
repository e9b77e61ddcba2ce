"""What the approval page is tested with: a Chromium, and axe-core from npm.

A browser takes the distribution's libraries with it, so that it is not one to unpack into the cache: Debian's package
``chromium`` needs some ninety others. It is taken from where ``apt-get install chromium`` puts it, or from where
``MCP_GUARDRAILS_CHROMIUM`` says. axe-core is one file of JavaScript, pinned, and comes through npm as the CDK CLI does.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.npm import NpmPackage

if TYPE_CHECKING:
    from collections.abc import Callable

CHROMIUM_VARIABLE = "MCP_GUARDRAILS_CHROMIUM"
AXE_VERSION = "4.14.1"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_AXE = NpmPackage(
    name="axe-core",
    version=AXE_VERSION,
    file="axe.min.js",
    directory=f"axe-core-{AXE_VERSION}",
    title="axe-core",
)


def find_chromium() -> Path:
    """The Chromium of this machine: the one that ``MCP_GUARDRAILS_CHROMIUM`` names, else the one on PATH.

    Raises:
        ToolchainError: there is none; the message says how to get one.
    """
    chosen = os.environ.get(CHROMIUM_VARIABLE)
    for name in [chosen] if chosen else _NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    advice = f"run 'apt-get install --no-install-recommends chromium', or name one in {CHROMIUM_VARIABLE}"
    raise ToolchainError(f"no Chromium on this machine{f' at {chosen!r}' if chosen else ''}; {advice}")


def ensure_axe(report: Callable[[str], None] | None = None) -> Path:
    """The file of axe-core; installed on first use.

    Args:
        report: told about installs.

    Raises:
        ToolchainError: it cannot be installed.
    """
    return _AXE.ensure(report)
