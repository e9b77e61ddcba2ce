"""Install servers of AWS Labs and keep what they say of themselves, for ``test_awslabs.py`` to read.

``python -m tests.gateway.pins.awslabs`` writes ``build/mcp-servers/NAME.json``, each from an environment of its own:
they need different releases of ``mcp``. It takes minutes and a gigabyte, so no test starts it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.pins.asking_stdio import ask_command
from sudo_mcp_guardrails.toolchain.environments import EXCLUDE_NEWER

COLLECTED: Final = Path(__file__).parents[3] / "build" / "mcp-servers"
SERVERS: Final = (
    "iam-mcp-server",
    "cloudtrail-mcp-server",
    "aws-iac-mcp-server",
    "aws-documentation-mcp-server",
    "cloudwatch-mcp-server",
    "aws-pricing-mcp-server",
    "dynamodb-mcp-server",
    "eks-mcp-server",
    "ecs-mcp-server",
    "s3-tables-mcp-server",
    "billing-cost-management-mcp-server",
    "amazon-sns-sqs-mcp-server",
    "aws-serverless-mcp-server",
    "aws-api-mcp-server",
)


def collect(name: str) -> str:
    """Install one server, ask it, and return what became of it in one line."""
    target = COLLECTED / f"{name}.json"
    if target.exists():
        return f"{name}: collected before"
    home = COLLECTED / "envs" / name
    uv = [sys.executable, "-m", "uv", "--quiet"]
    shutil.rmtree(home, ignore_errors=True)
    for command in (
        [*uv, "venv", str(home)],
        [*uv, "pip", "install", "--exclude-newer", EXCLUDE_NEWER, "--python", str(home), f"awslabs.{name}"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
        if done.returncode:
            return f"{name}: not installed: {done.stderr.strip()[-200:]}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": folder,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_EC2_METADATA_DISABLED": "true",
            "FASTMCP_LOG_LEVEL": "ERROR",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        try:
            snapshots = asyncio.run(ask_command([str(home / "bin" / f"awslabs.{name}")], environment=environment))
        except GatewayError as error:
            return f"{name}: {error}"
    document = [{"era": each.era, "introduction": each.introduction, "lists": each.lists} for each in snapshots]
    target.write_text(json.dumps(document), encoding="utf-8")
    return f"{name}: " + ", ".join(f"{each.era} {len(each.lists.get('tools', ()))} tools" for each in snapshots)


if __name__ == "__main__":
    COLLECTED.mkdir(parents=True, exist_ok=True)
    for server in SERVERS:
        print(collect(server), flush=True)  # noqa: T201 - a script
