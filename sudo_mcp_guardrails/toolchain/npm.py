"""Packages of npm, each pinned, installed once into the cache."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.toolchain.cache import cache_dir, exclusive
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.node import ensure_node, wheel_node
from sudo_mcp_guardrails.toolchain.process import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_INSTALL_SECONDS: Final = 600.0
_OPTIONS: Final = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error")


@dataclass(frozen=True)
class NpmPackage:
    """One package of one version.

    Attributes:
        name: as npm has it.
        version: the only one that is taken.
        file: in the package; without it, it counts as half installed.
        directory: name in the cache.
        title: what people are told is installed.
        advice: what to do where npm fails.
    """

    name: str
    version: str
    file: str
    directory: str
    title: str
    advice: str = "check the network and npm's registry"

    def ensure(self, report: Callable[[str], None] | None = None) -> Path:
        """Return the path of :attr:`file`; the package is installed on first use.

        Args:
            report: told about installs.

        Raises:
            ToolchainError: it cannot be installed.
        """
        prefix = cache_dir() / self.directory
        if self._installed(prefix) != self.version:
            with exclusive(prefix.with_name(prefix.name + ".lock"), timeout=_INSTALL_SECONDS, report=report):
                if self._installed(prefix) != self.version:
                    self._install(prefix, report)
        return self._package(prefix) / self.file

    def _package(self, prefix: Path) -> Path:
        return prefix / "node_modules" / self.name

    def _installed(self, prefix: Path) -> str:
        """The version that the installed package itself states; empty where there is none or half of one."""
        package = self._package(prefix)
        try:
            manifest = json.loads((package / "package.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        return str(manifest.get("version", "")) if (package / self.file).is_file() else ""

    def _install(self, prefix: Path, report: Callable[[str], None] | None) -> None:
        node = ensure_node(report)
        if node.npm_cli is None:
            node = wheel_node(report)  # a distribution may package Node without npm
        if report:
            report(f"installing {self.title} {self.version} (once)")
        # npm moves a package into place file by file: build beside, then rename, so that nobody sees half of one.
        building = prefix.with_name(prefix.name + ".new")
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        package = f"{self.name}@{self.version}"
        run(
            [str(node.node), str(node.npm_cli), "install", "--prefix", str(building), *_OPTIONS, package],
            doing=f"install {package}",
            advice=self.advice,
            timeout=_INSTALL_SECONDS,
            cwd=building,
        )
        found = self._installed(building)
        if found != self.version:
            raise ToolchainError(
                f"npm installed {self.name} {found or 'without a version'} where {self.version} was asked for; "
                "check its registry"
            )
        shutil.rmtree(prefix, ignore_errors=True)
        building.rename(prefix)
