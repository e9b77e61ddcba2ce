"""The demo's app: two agents in a member account, under every rule pack, and with ``-c trail=true`` their trail.

With ``-c issuer=ADDRESS`` a third agent too, whose plans people approve after they signed in there. ``make demo``
deploys all three to the embedded AWS. For the first two agents ``ApprovalStandIn`` takes the place of the approval
workflow: it alone may mint their apply sessions.
"""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from sudo_mcp_guardrails import AgentGuardrails, BrokerCaller, Guardrails
from sudo_mcp_guardrails.compliance.frameworks import Framework
from sudo_mcp_guardrails.compliance.retention import Retention
from sudo_mcp_guardrails.constructs.agent_trail import AgentTrail
from sudo_mcp_guardrails.constructs.immutable_log_bucket import ImmutableLogBucket
from sudo_mcp_guardrails.constructs.log_pipeline import LogPipeline
from sudo_mcp_guardrails.constructs.log_pipeline_props import IngesterSize
from sudo_mcp_guardrails.constructs.log_pipeline_sources import TrailSource
from sudo_mcp_guardrails.constructs.search_network import Placement, SearchNetwork
from sudo_mcp_guardrails.constructs.search_target import SearchTarget
from sudo_mcp_guardrails.local.approvals.app import add_workflow
from sudo_mcp_guardrails.local.approvals.people import STACK
from sudo_mcp_guardrails.local.demo.agents import (
    ACCOUNT,
    AGENTS,
    APPROVAL_ROLE,
    CHANGE_BOT,
    CHANGE_NAMES,
    HOST_ROLE,
    REGION,
)
from sudo_mcp_guardrails.local.demo.approvals.quorums import QUORUMS
from sudo_mcp_guardrails.policies.log_archive import trail_arn

ENVIRONMENT = cdk.Environment(account=ACCOUNT, region=REGION)


def build(app: cdk.App) -> cdk.Stack:
    """Add the guardrails' stack to an app."""
    stack = cdk.Stack(app, "Guardrails", env=ENVIRONMENT)
    approval = iam.Role(stack, "ApprovalStandIn", role_name=APPROVAL_ROLE, assumed_by=iam.AccountRootPrincipal())
    host = iam.Role(stack, "AgentHost", role_name=HOST_ROLE, assumed_by=iam.AccountRootPrincipal())
    guardrails = AgentGuardrails(
        stack,
        "Agents",
        agents=AGENTS,
        callers=[BrokerCaller.iam_role(host)],
        apply_broker=approval,
    )
    cdk.CfnOutput(stack, "BrokerUrl", value=guardrails.broker.url.url)
    return stack


def build_trail(app: cdk.App) -> cdk.Stack:
    """Add the audit pipeline's stack to an app: into a search domain that is there, since none is made locally."""
    stack = cdk.Stack(app, "Trail", env=ENVIRONMENT)
    endpoint = cdk.CfnParameter(stack, "SearchEndpoint", description="Address of the search domain")
    ingesting = cdk.CfnParameter(
        stack,
        "Ingesting",
        default="true",
        allowed_values=["true", "false"],
        description="Whether the function reads its queues; where there is no search domain, somebody else does",
    )
    reads = cdk.CfnCondition(stack, "Reads", expression=cdk.Fn.condition_equals(ingesting.value_as_string, "true"))
    archive = ImmutableLogBucket(
        stack, "Archive", retention=Retention.for_(Framework.SOC2), trails=[trail_arn("mcp-guardrails-trail")]
    )
    trail = AgentTrail(stack, "Trail", bucket=archive)
    key = kms.Key(stack, "Key", enable_key_rotation=True, removal_policy=cdk.RemovalPolicy.RETAIN)
    network = SearchNetwork(
        stack, "Network", log_key=key, log_retention=logs.RetentionDays.ONE_YEAR, path="/mcp-guardrails/"
    )
    group = ec2.CfnSecurityGroup(
        stack, "Inside", group_description="Functions of the audit pipeline", vpc_id=network.placement.vpc_id
    )
    pipeline = LogPipeline(
        stack,
        "Pipeline",
        source=TrailSource(archive.bucket, "AWSLogs/"),
        domain=SearchTarget(
            endpoint.value_as_string,
            stack.format_arn(service="es", resource="domain", resource_name="agent-trail"),
            Placement(network.placement.vpc_id, network.placement.subnet_ids, (group.attr_group_id,)),
            replicas=0,
        ),
        encryption_key=key,
        ingester=IngesterSize(concurrency=4),
    )
    for mapping in pipeline.node.find_all():
        if isinstance(mapping, lambda_.CfnEventSourceMapping):
            mapping.add_property_override("Enabled", {"Fn::If": [reads.logical_id, True, False]})
    functions = pipeline.functions
    if pipeline.fast_queue is None:
        raise RuntimeError("the pipeline has a fast path by default")
    for name, value in {
        "TrailBucket": archive.bucket.bucket_name,
        "TrailName": trail.trail_arn,
        "TrailQueue": pipeline.queue.queue.ref,
        "TrailFastQueue": pipeline.fast_queue.queue.ref,
        "TrailFunction": functions.ingester.function.ref,
        "TrailReconciler": functions.reconciler.function.ref,
    }.items():
        cdk.CfnOutput(stack, name, value=value)
    return stack


def build_approvals(app: cdk.App, issuer: str) -> cdk.Stack:
    """Add the stack of an agent whose plans people approve, with the approval workflow."""
    stack = cdk.Stack(app, STACK, env=ENVIRONMENT)
    add_workflow(stack, agent=CHANGE_BOT, issuer=issuer, names=CHANGE_NAMES, quorums=QUORUMS)
    return stack


if __name__ == "__main__":
    application = cdk.App()
    build(application)
    if application.node.try_get_context("issuer"):
        build_approvals(application, str(application.node.get_context("issuer")))
    if application.node.try_get_context("trail") == "true":
        build_trail(application)
    Guardrails.of(application).enforce()
    application.synth()
