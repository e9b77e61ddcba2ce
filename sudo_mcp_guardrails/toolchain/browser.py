"""What the approval page is tested with: a Chromium, and axe-core from npm.

A browser takes the distribution's libraries with it, so that it is not one to unpack into the cache: Debian's package
``chromium`` needs some ninety others. It is taken from where ``apt-get install chromium`` puts it, or from where
``MCP_GUARDRAILS_CHROMIUM`` says. axe-core is one file of JavaScript, pinned, and comes through npm as the CDK CLI does.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.toolchain.cache import cache_dir, exclusive
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.node import ensure_node, wheel_node
from sudo_mcp_guardrails.toolchain.process import run

if TYPE_CHECKING:
    from collections.abc import Callable

CHROMIUM_VARIABLE = "MCP_GUARDRAILS_CHROMIUM"
AXE_VERSION = "4.14.1"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_INSTALL_SECONDS = 300.0


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
    prefix = cache_dir() / f"axe-core-{AXE_VERSION}"
    if _version(prefix) != AXE_VERSION:
        with exclusive(prefix.with_name(prefix.name + ".lock"), timeout=_INSTALL_SECONDS, report=report):
            if _version(prefix) != AXE_VERSION:
                _install(prefix, report)
    return _package(prefix) / "axe.min.js"


def _package(prefix: Path) -> Path:
    return prefix / "node_modules" / "axe-core"


def _version(prefix: Path) -> str:
    package = _package(prefix)
    try:
        manifest = json.loads((package / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(manifest.get("version", "")) if (package / "axe.min.js").is_file() else ""


def _install(prefix: Path, report: Callable[[str], None] | None) -> None:
    node = ensure_node(report)
    if node.npm_cli is None:
        node = wheel_node(report)  # a distribution may package Node without npm
    if report:
        report(f"installing axe-core {AXE_VERSION} (once)")
    # Built beside, then renamed, so that nobody sees half of one.
    building = prefix.with_name(prefix.name + ".new")
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    run(
        [str(node.node), str(node.npm_cli), "install", "--prefix", str(building), *options, f"axe-core@{AXE_VERSION}"],
        doing=f"install axe-core@{AXE_VERSION}",
        advice="check the network and npm's registry",
        timeout=_INSTALL_SECONDS,
        cwd=building,
    )
    if _version(building) != AXE_VERSION:
        raise ToolchainError(f"npm installed another axe-core than {AXE_VERSION}; check its registry")
    shutil.rmtree(prefix, ignore_errors=True)
    building.rename(prefix)
