"""The app that a drill deploys on the embedded AWS: two agents, the kill switch, and the SCPs of an organization.

Run as ``python -m sudo_mcp_guardrails.constructs.response.rehearsal_app FOLDER`` it synthesizes into the folder. All of
it goes with its stacks, which is no way to keep evidence: ``examples/kill_switch`` is the one to begin with.
"""

from __future__ import annotations

import sys
from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.constructs.agent_guardrails import AgentGuardrails
from sudo_mcp_guardrails.constructs.immutable_log_bucket import LockMode
from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch
from sudo_mcp_guardrails.constructs.response.organization import ContainmentOrganization
from sudo_mcp_guardrails.constructs.response.props import OrganizationContainment, Responder
from sudo_mcp_guardrails.constructs.session_broker import BrokerCaller
from sudo_mcp_guardrails.policies.naming import GuardrailNames

ACCOUNT: Final = "111111111111"
MANAGEMENT: Final = "000000000000"
REGION: Final = "us-east-1"
CLASS: Final = "release-*"
PEOPLE: Final = ("ann", "ben")


def agents() -> tuple[Agent, ...]:
    """Return the two agents; one of them is of the class."""
    return tuple(
        Agent(
            name,
            owner="platform@example.com",
            services=["dynamodb", "s3", "sqs"],
            environments=[AgentEnvironment.sandbox(ACCOUNT, regions=[REGION])],
        )
        for name in ("cost-bot", "release-bot")
    )


def build(app: cdk.App) -> KillSwitch:
    """Add both stacks to an app, and return the kill switch."""
    organization = cdk.Stack(app, "Organization", env=cdk.Environment(account=MANAGEMENT, region=REGION))
    root = cdk.CfnParameter(organization, "Root", description="ARN of the organization's root")
    made = ContainmentOrganization(
        organization, "Containment", home=ACCOUNT, targets=[root.value_as_string], classes=[CLASS]
    )
    for name, pattern in (("ScpAll", "*"), ("ScpClass", CLASS)):
        cdk.CfnOutput(organization, name, value=made.scps[pattern].attr_id)

    stack = cdk.Stack(app, "Drill", env=cdk.Environment(account=ACCOUNT, region=REGION))
    given = {
        name: cdk.CfnParameter(stack, name, description=f"Id of {name}").value_as_string
        for name in ("ScpAll", "ScpClass", "Root")
    }
    soc, host, stand_in = (
        iam.Role(stack, name, role_name=name.lower(), assumed_by=iam.AccountRootPrincipal())
        for name in ("Soc", "AgentHost", "ApprovalStandIn")
    )
    people = [iam.User(stack, name.capitalize(), user_name=name) for name in PEOPLE]
    stand_in.add_to_policy(
        iam.PolicyStatement(
            actions=["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
            resources=[f"arn:{cdk.Aws.PARTITION}:iam::{ACCOUNT}:role{GuardrailNames().agents_path}*-apply"],
        )
    )
    switch = KillSwitch(
        stack,
        "KillSwitch",
        agents=agents(),
        responders=[
            Responder.iam_role(soc, restores=True),
            *(Responder.iam_user(person, restores=True) for person in people),
        ],
        organization=OrganizationContainment(
            MANAGEMENT, {"*": given["ScpAll"], CLASS: given["ScpClass"]}, [given["Root"]]
        ),
        findings_bus=events.EventBus(stack, "Findings", event_bus_name="drill-findings"),
        lock_mode=LockMode.GOVERNANCE,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    guardrails = AgentGuardrails(
        stack, "Agents", agents=agents(), callers=[BrokerCaller.iam_role(host)], apply_broker=stand_in
    )
    guardrails.broker.obey(switch)
    for name, value in {
        "BrokerUrl": guardrails.broker.url.url,
        "SwitchUrl": switch.url.attr_function_url,
        "DecisionsUrl": switch.decisions_url.attr_function_url if switch.decisions_url else "",
        "SwitchTable": switch.table_name,
        "RecordsBucket": switch.stores.records.ref,
        "StateMachine": switch.machine.attr_arn,
        "EvidenceTable": switch.stores.evidence.ref,
        "EvidenceKey": switch.stores.signing_key.attr_arn,
        "DecisionsKey": switch.stores.decisions_key.attr_arn if switch.stores.decisions_key else "",
    }.items():
        cdk.CfnOutput(stack, name, value=value)
    return switch


if __name__ == "__main__":
    application = cdk.App(
        outdir=sys.argv[1],
        default_stack_synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        analytics_reporting=False,
    )
    build(application)
    application.synth()
