"""Promises about the tree and about what an import costs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sudo_mcp_guardrails.toolchain import environments

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "sudo_mcp_guardrails"
SOURCES = sorted(PACKAGE.rglob("*.py"))


def imported_by(statement: str) -> set[str]:
    """The modules that a fresh process has after ``statement``."""
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    ["import sudo_mcp_guardrails", "import sudo_mcp_guardrails.iam", "import sudo_mcp_guardrails.cli"],
)
def test_import_is_light(statement: str) -> None:
    heavy = {"aws_cdk", "boto3", "botocore", "cdk_nag", "jsii"}
    assert not imported_by(statement) & heavy


def test_the_light_import_test_can_fail() -> None:
    assert "boto3" in imported_by("import boto3")


def test_sources_were_found() -> None:
    assert PACKAGE / "errors.py" in SOURCES


def test_no_literal_partition() -> None:
    literal = re.compile(r"arn:aws(-[a-z-]+)?:")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        # The embedded AWS serves the partition `aws` alone, and what is played on it says so.
        if "local" not in path.relative_to(PACKAGE).parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if literal.search(line)
    ]
    assert found == []


def test_every_room_is_a_package() -> None:
    missing = {path.parent.name for path in SOURCES if not (path.parent / "__init__.py").exists()}
    assert missing == set()


def test_tools_and_project_resolve_as_of_the_same_moment() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r'^exclude-newer = "(.+)"', project, flags=re.MULTILINE) == [environments.EXCLUDE_NEWER]
