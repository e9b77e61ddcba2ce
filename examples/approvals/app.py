"""The example of the approval workflow: one agent whose plans people approve, in one account.

It is deployed to whichever account and Region the context names, and to the embedded AWS as it is. Context:

- ``account``, ``region``: default ``111111111111``, ``us-east-1``;
- ``issuer``, ``audience``: of the identity provider; default ``https://idp.example.com`` and ``approvals``;
- ``origin``: of the page, where it has a domain name; passkeys are bound to it. Default: none;
- ``trust``: ``true`` to have agents earn trust; an agent that nobody introduced is then refused. Default: false;
- ``terraform``: digest of an image of the repository ``terraform``, to have plans of Terraform applied, in the place of
  change sets; the state is in the bucket ``terraform-state-<account>``. Default: none;
- ``throwaway``: ``true`` for a copy that is removed with its stack, to try things out. Default: false.

Who is in which group stands in a table, which something else fills: ``identity`` (as ``issuer#subject``, in lower case)
and ``groups``.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from sudo_mcp_guardrails import (
    Agent,
    AgentEnvironment,
    AgentGuardrails,
    ApprovalDirectory,
    ApprovalIdentity,
    ApprovalWorkflow,
    BrokerCaller,
    GuardrailNames,
    Guardrails,
    LockMode,
    NoticeTarget,
    TerraformProject,
    TerraformState,
    accept_risk,
)
from sudo_mcp_guardrails.approval.authentication.freshness import Freshness, Issuer
from sudo_mcp_guardrails.approval.deciding.decision import FactorKind
from sudo_mcp_guardrails.approval.deciding.people import People, Person
from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy, BreakGlass, Group, Step
from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy

STACK = "Approvals"
AGENT = "release-bot"
HOST_ROLE = "approvals-agent-host"
"""The role of the machine that the agent runs on; the session's name is the person at that machine."""
PACKS = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")


def policy(issuer: str, account: str, host: str = HOST_ROLE) -> ApprovalPolicy:
    """Return who decides: one of sre at once, also one of security after half an hour; rita asks."""
    return ApprovalPolicy(
        people=People(
            (
                Person("rita", (f"{issuer}#rita", f"arn:aws:sts::{account}:assumed-role/{host}/rita")),
                Person("alice", (f"{issuer}#alice",)),
                Person("bob", (f"{issuer}#bob",)),
                Person("carol", (f"{issuer}#carol",)),
            )
        ),
        groups=(Group("sre"), Group("security"), Group("platform", aliases=("platform@example.com",))),
        escalation=(Step(0, ("sre",)), Step(30 * 60, ("security",))),
        freshness=Freshness((Issuer(FactorKind.JWT, issuer),)),
        break_glass=BreakGlass(("security",)),
    )


def build(app: cdk.App) -> ApprovalWorkflow:
    """Add the stack to an app, and return the workflow."""
    context = app.node.try_get_context
    account, region = context("account") or "111111111111", context("region") or "us-east-1"
    issuer, audience = context("issuer") or "https://idp.example.com", context("audience") or "approvals"
    throwaway = context("throwaway") == "true"
    removal = cdk.RemovalPolicy.DESTROY if throwaway else cdk.RemovalPolicy.RETAIN
    names = GuardrailNames(context("prefix") or "mcp-guardrails")
    stack = cdk.Stack(app, context("stack") or STACK, env=cdk.Environment(account=account, region=region))
    agent = Agent(
        AGENT,
        owner="platform@example.com",
        services=["dynamodb", "s3", "sqs"],
        environments=[AgentEnvironment.sandbox(account, regions=[region])],
    )
    key = kms.Key(stack, "Key", enable_key_rotation=True, removal_policy=removal)
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
        deletion_protection=not throwaway,
        removal_policy=removal,
    )
    accept_risk(
        people,
        nag=[f"{pack}::{pack}-DynamoDBInBackupPlan" for pack in PACKS],
        checkov=["CKV_AWS_119"],
        reason="it is a copy of what the directory has, and made again from it",
    )
    topic = sns.Topic(stack, "Notices", master_key=key, enforce_ssl=True)
    topic.grant_publish(iam.ServicePrincipal("events.amazonaws.com"))
    topic.grant_publish(iam.ServicePrincipal("cloudwatch.amazonaws.com"))
    digest = context("terraform")
    terraform = (
        TerraformProject(
            stack,
            "Terraform",
            agent=agent,
            repository=ecr.Repository.from_repository_name(stack, "Images", "terraform"),
            digest=digest,
            state=TerraformState(f"terraform-state-{account}", f"{AGENT}/terraform.tfstate"),
            names=names,
            removal_policy=removal,
        )
        if digest
        else None
    )
    workflow = ApprovalWorkflow(
        stack,
        "Workflow",
        agents=[agent],
        policy=policy(issuer, account, context("host") or HOST_ROLE),
        identity=ApprovalIdentity.oidc(issuer, audience),
        directory=ApprovalDirectory.table(people),
        names=names,
        page_origin=context("origin") or "",
        terraform_project=terraform,
        trust=TrustPolicy() if context("trust") == "true" else None,
        notices=[NoticeTarget.topic(topic)],
        alarm_topic=topic,
        lock_mode=LockMode.GOVERNANCE if throwaway else LockMode.COMPLIANCE,
        removal_policy=removal,
    )
    host = iam.Role(stack, "AgentHost", role_name=context("host") or HOST_ROLE, assumed_by=iam.AccountRootPrincipal())
    guardrails = AgentGuardrails(
        stack,
        "Agents",
        agents=[agent],
        callers=[BrokerCaller.iam_role(host)],
        apply_broker=workflow.broker_role,
        runs=workflow.runs,
        names=names,
        terraform=[terraform] if terraform else [],
    )
    for name, value in {
        "BrokerUrl": guardrails.broker.url.url,
        "IntakeUrl": workflow.intake_url,
        "ApiUrl": workflow.api_url,
        "PageUrl": workflow.page_url,
        "StateMachine": workflow.state_machine.attr_arn,
        "PeopleTable": people.table_name,
        "EvidenceTable": workflow.stores.tables["EVIDENCE_TABLE"].ref,
        "RequestsTable": workflow.stores.tables["APPROVALS_TABLE"].ref,
        "EvidenceBucket": workflow.stores.evidence.bucket.ref,
        "NoticesTopic": topic.topic_arn,
    }.items():
        cdk.CfnOutput(stack, name, value=value)
    return workflow


if __name__ == "__main__":
    application = cdk.App()
    build(application)
    Guardrails.of(application).enforce()
    application.synth()
