from __future__ import annotations

import stat
import zipfile
from typing import TYPE_CHECKING, Protocol

import pytest

from sudo_mcp_guardrails.toolchain import cdk_cli, node
from sudo_mcp_guardrails.toolchain.cache import CACHE_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path


class MakeExecutable(Protocol):
    def __call__(self, name: str, body: str) -> Path: ...


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of tools, and no choices of the user's own."""
    directory = tmp_path / "cache"
    monkeypatch.setenv(CACHE_VARIABLE, str(directory))
    monkeypatch.delenv(node.NODE_VARIABLE, raising=False)
    monkeypatch.delenv(cdk_cli.CDK_VARIABLE, raising=False)
    return directory


@pytest.fixture
def executable(tmp_path: Path) -> MakeExecutable:
    """Makes a shell script in tmp_path/bin."""

    def make(name: str, body: str) -> Path:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return make


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel of one module, so that installs need no network."""
    path = tmp_path / "probe_tool-1.0-py3-none-any.whl"
    information = "probe_tool-1.0.dist-info"
    files = {
        "probe_tool.py": "ANSWER = 42\n",
        f"{information}/METADATA": "Metadata-Version: 2.1\nName: probe-tool\nVersion: 1.0\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{information}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**files, f"{information}/RECORD": record}.items():
            archive.writestr(name, content)
    return path
