"""The CDK app of the agents' account: the guardrails around them, as a platform team deploys them."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from benchmarks.detection.benign.agents import ACCOUNT, AGENTS, APPROVAL_ROLE, HOST_ROLE, REGION
from sudo_mcp_guardrails import AgentGuardrails, BrokerCaller

app = cdk.App()
stack = cdk.Stack(app, "Guardrails", env=cdk.Environment(account=ACCOUNT, region=REGION))
approval = iam.Role(
    stack, "Approval", role_name=APPROVAL_ROLE, path="/mcp-guardrails/", assumed_by=iam.AccountRootPrincipal()
)
host = iam.Role(stack, "AgentHost", role_name=HOST_ROLE, assumed_by=iam.AccountRootPrincipal())
guardrails = AgentGuardrails(
    stack, "Agents", agents=AGENTS, callers=[BrokerCaller.iam_role(host)], apply_broker=approval
)
cdk.CfnOutput(stack, "BrokerUrl", value=guardrails.broker.url.url)
app.synth()
