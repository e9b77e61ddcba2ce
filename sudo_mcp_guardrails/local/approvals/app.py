"""The approval workflow as it is deployed to the embedded AWS: `add_workflow` for a stack, and an app of its own.

As an app (``python -m sudo_mcp_guardrails.local.approvals.app``) it takes the context ``issuer``, the address of the
identity provider, and makes the stack ``Approvals``. All of it goes with its stack, which is no way to keep evidence:
``examples/approvals`` is the one to begin with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.approval.deciding.quorum import QUORUMS
from sudo_mcp_guardrails.constructs.agent_guardrails import AgentGuardrails
from sudo_mcp_guardrails.constructs.approval.identity import ApprovalDirectory, ApprovalIdentity
from sudo_mcp_guardrails.constructs.approval.workflow import ApprovalWorkflow
from sudo_mcp_guardrails.constructs.immutable_log_bucket import LockMode
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.constructs.session_broker import BrokerCaller
from sudo_mcp_guardrails.local.approvals.people import AUDIENCE, HOST_ROLE, STACK, policy
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.approval.deciding.quorum import Quorum

ACCOUNT: Final = "111111111111"
REGION: Final = "us-east-1"
AGENT: Final = Agent(
    "release-bot",
    owner="platform@example.com",
    services=["dynamodb", "s3", "sqs"],
    environments=[AgentEnvironment.sandbox(ACCOUNT, regions=[REGION])],
)
_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")


def add_workflow(
    stack: cdk.Stack,
    *,
    agent: Agent,
    issuer: str,
    names: GuardrailNames | None = None,
    quorums: Sequence[Quorum] = QUORUMS,
) -> ApprovalWorkflow:
    """Add an agent with its guardrails and the approval workflow to a stack, with all outputs that are needed.

    Args:
        stack: The stack, of a known account.
        agent: The agent that proposes.
        issuer: Of the identity provider, on loopback.
        names: Of the guardrails' own resources. Default: the usual ones.
        quorums: How many decide. Default: as a policy has them that names none.
    """
    names = names or GuardrailNames()
    people = dynamodb.Table(
        stack,
        "People",
        table_name=f"{names.prefix}-approval-people",
        partition_key=dynamodb.Attribute(name="identity", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.AWS_MANAGED,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    accept_risk(
        people,
        nag=[f"{pack}::{pack}-DynamoDBInBackupPlan" for pack in _PACKS],
        checkov=["CKV_AWS_119"],
        reason="it is a copy of what the directory has, and made again from it",
    )
    workflow = ApprovalWorkflow(
        stack,
        "Workflow",
        agents=[agent],
        policy=policy(issuer, stack.account, quorums=quorums),
        identity=ApprovalIdentity.oidc(issuer, AUDIENCE),
        directory=ApprovalDirectory.table(people),
        names=names,
        lock_mode=LockMode.GOVERNANCE,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    host = iam.Role(stack, "AgentHost", role_name=HOST_ROLE, assumed_by=iam.AccountRootPrincipal())
    guardrails = AgentGuardrails(
        stack,
        "Agents",
        agents=[agent],
        callers=[BrokerCaller.iam_role(host)],
        apply_broker=workflow.broker_role,
        runs=workflow.runs,
        names=names,
    )
    for name, value in _outputs(workflow, guardrails, people).items():
        cdk.CfnOutput(stack, name, value=value)
    return workflow


def _outputs(workflow: ApprovalWorkflow, guardrails: AgentGuardrails, people: dynamodb.Table) -> dict[str, Any]:
    stores = workflow.stores
    return {
        "BrokerUrl": guardrails.broker.url.url,
        "IntakeUrl": workflow.intake_url,
        "ApiUrl": workflow.api_url,
        "PageUrl": workflow.page_url,
        "StateMachine": workflow.state_machine.attr_arn,
        "PeopleTable": people.table_name,
        "EvidenceTable": stores.tables["EVIDENCE_TABLE"].ref,
        "TokensTable": stores.tables["TOKENS_TABLE"].ref,
        "EvidenceBucket": stores.evidence.bucket.ref,
        "EvidenceKey": stores.evidence_key.key_arn,
        "DecisionKey": stores.decision_key.key_arn,
    }


def build(app: cdk.App) -> ApprovalWorkflow:
    """Add the stack to an app, and return the workflow."""
    stack = cdk.Stack(app, STACK, env=cdk.Environment(account=ACCOUNT, region=REGION))
    return add_workflow(stack, agent=AGENT, issuer=str(app.node.get_context("issuer")))


if __name__ == "__main__":
    application = cdk.App()
    build(application)
    application.synth()
