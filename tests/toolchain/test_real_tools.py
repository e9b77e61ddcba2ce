"""The real tools, from the user's cache: installed by whichever run needs them first."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sudo_mcp_guardrails.toolchain import ensure_environment
from sudo_mcp_guardrails.toolchain.cdk_cli import CDK_CLI_VERSION
from sudo_mcp_guardrails.toolchain.checkov import CHECKOV_VERSION
from sudo_mcp_guardrails.toolchain.ministack import MINISTACK, MINISTACK_VERSION

pytestmark = pytest.mark.integration


def toolchain(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sudo_mcp_guardrails.toolchain", *arguments]
    environment = {**os.environ, "CDK_DISABLE_CLI_TELEMETRY": "true"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.parametrize(("tool", "version"), [("cdk", CDK_CLI_VERSION), ("checkov", CHECKOV_VERSION), ("node", "v2")])
def test_tool_is_the_pinned_one(tool: str, version: str) -> None:
    done = toolchain(tool, "--version")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(version)


def test_ministack_is_the_pinned_one() -> None:
    code = "from importlib.metadata import version; print(version('ministack'))"
    done = subprocess.run(
        [ensure_environment(MINISTACK), "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == MINISTACK_VERSION


def test_unknown_tool_is_refused() -> None:
    done = toolchain("terraform")
    assert done.returncode == 2
    assert done.stderr == "tool 'terraform' is unknown, allowed: cdk, checkov, node\n"
