from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.toolchain import cdk_cli
from sudo_mcp_guardrails.toolchain.cdk_cli import CDK_CLI_VERSION, ensure_cdk_cli
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.node import NODE_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import MakeExecutable


def fake_npm(executable: MakeExecutable, version: str) -> Path:
    """A Node whose npm "installs" aws-cdk of ``version`` and leaves a line for each install."""
    manifest = json.dumps({"name": "aws-cdk", "version": version})
    # Arguments: npm-cli.js install --prefix DIRECTORY …
    node = executable(
        "node",
        f'if [ "$1" = --version ]; then echo v24.0.0; exit; fi\n'
        f'echo "$@" >> "$(dirname "$0")/installs"\n'
        f'mkdir -p "$4/node_modules/aws-cdk/bin"; touch "$4/node_modules/aws-cdk/bin/cdk"\n'
        f"echo '{manifest}' > \"$4/node_modules/aws-cdk/package.json\"",
    )
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    npm.parent.mkdir(parents=True)
    npm.write_text("", encoding="utf-8")
    return node


def test_installed_once_and_pinned(cache: Path, executable: MakeExecutable, monkeypatch: pytest.MonkeyPatch) -> None:
    node = fake_npm(executable, CDK_CLI_VERSION)
    monkeypatch.setenv(NODE_VARIABLE, str(node))
    script = cache / f"cdk-cli-{CDK_CLI_VERSION}" / "node_modules" / "aws-cdk" / "bin" / "cdk"
    assert ensure_cdk_cli() == [str(node), str(script)]
    assert ensure_cdk_cli() == [str(node), str(script)]
    installs = (node.parent / "installs").read_text(encoding="utf-8").splitlines()
    assert len(installs) == 1
    assert installs[0].endswith(f"aws-cdk@{CDK_CLI_VERSION}")
    assert "--ignore-scripts" in installs[0]
    assert script.is_file()


def test_half_an_installation_is_made_again(
    cache: Path, executable: MakeExecutable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NODE_VARIABLE, str(fake_npm(executable, CDK_CLI_VERSION)))
    package = cache / f"cdk-cli-{CDK_CLI_VERSION}" / "node_modules" / "aws-cdk"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": CDK_CLI_VERSION}), encoding="utf-8")
    ensure_cdk_cli()
    assert (package / "bin" / "cdk").is_file()


@pytest.mark.usefixtures("cache")
def test_registry_that_answers_with_another_version_is_refused(
    executable: MakeExecutable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NODE_VARIABLE, str(fake_npm(executable, "3.0.0")))
    with pytest.raises(ToolchainError, match=r"npm installed aws-cdk 3\.0\.0 where 2\.1148\.1 was"):
        ensure_cdk_cli()
    with pytest.raises(ToolchainError, match=r"npm installed aws-cdk 3\.0\.0"):
        ensure_cdk_cli()


@pytest.mark.parametrize("version", ["2.1148.0", "2.1148.1 (build fcf5e34)", "2.1200.0"])
def test_own_cli_of_a_version_that_serves_is_taken(
    version: str, executable: MakeExecutable, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = executable("cdk", f"echo '{version}'")
    monkeypatch.setenv(cdk_cli.CDK_VARIABLE, str(mine))
    assert ensure_cdk_cli() == [str(mine)]


@pytest.mark.parametrize("version", ["3.0.0 (build 1)", "2.1147.9", "2.177.0 (build x)", "1.204.0", "nonsense", ""])
def test_own_cli_of_another_version_is_refused(
    version: str, executable: MakeExecutable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cdk_cli.CDK_VARIABLE, str(executable("cdk", f"echo '{version}'")))
    with pytest.raises(ToolchainError, match=r"allowed: >=2\.1148\.0,<3") as caught:
        ensure_cdk_cli()
    assert version in str(caught.value)


def test_own_cli_that_is_absent_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cdk_cli.CDK_VARIABLE, "/nowhere/cdk")
    with pytest.raises(ToolchainError, match="'/nowhere/cdk' is no executable file"):
        ensure_cdk_cli()
