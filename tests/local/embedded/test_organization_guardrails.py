"""The organization's policies, deployed as CloudFormation stacks: whom they bind on the embedded AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk

from sudo_mcp_guardrails import OrganizationGuardrails, OrganizationSettings, ResourceGuardrails
from tests.local.embedded.conftest import Account

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
    from sudo_mcp_guardrails.local.embedded.organization import Organization

    Refusal = Callable[[Callable[[], Any]], str]

ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
AGENTS = "/mcp-guardrails/agents/new-bot/"


def synthesized(account: str, target: str, organization: str) -> dict[str, Any]:
    """A template with the packs of agents and of the perimeter, as CloudFormation gets it."""
    app = cdk.App(analytics_reporting=False)
    env = cdk.Environment(account=account, region="us-east-1")
    stack = cdk.Stack(app, "Organization", env=env, synthesizer=cdk.BootstraplessSynthesizer())
    settings = OrganizationSettings(organization_id=organization)
    OrganizationGuardrails(stack, "Guardrails", targets=[target], settings=settings)
    ResourceGuardrails(stack, "Resources", targets=[target], settings=settings)
    found: dict[str, Any] = app.synth().get_stack_by_name("Organization").template
    return found


def test_a_deployed_stack_binds_agents_with_administrator_access_and_nobody_else(
    aws: EmbeddedAws, account: Account, organization: Organization, refusal: Refusal
) -> None:
    unit = organization.add_unit("workloads")
    organization.add_account(account.id, unit)
    agent = account.assume(account.role("new-bot-apply", ALL, path=AGENTS))
    person = account.assume(account.role("admin", ALL))

    def calls(session: Any, user: str) -> dict[str, str]:
        users = account.client("iam", session)
        return {
            "list": refusal(users.list_users),
            "user": refusal(lambda: users.create_user(UserName=user)),
            "bucket": refusal(account.client("s3", session).list_buckets),
        }

    free = {"list": "", "user": "", "bucket": ""}
    assert (calls(agent, "a"), calls(person, "b")) == (free, free)

    management = Account(aws, organization.management_account)
    root = management.client("organizations")
    root.enable_policy_type(RootId=organization.root_id, PolicyType="RESOURCE_CONTROL_POLICY")
    template = synthesized(management.id, unit, organization.id)
    assert management.deploy(template) == "CREATE_COMPLETE", management.reasons()
    attached = {
        kind: [p["Name"] for p in root.list_policies_for_target(TargetId=unit, Filter=kind)["Policies"]]
        for kind in ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
    }
    assert set(attached["SERVICE_CONTROL_POLICY"]) >= {"mcp-guardrails-agents-1", "mcp-guardrails-agents-2"}
    assert "mcp-guardrails-perimeter-1" in attached["RESOURCE_CONTROL_POLICY"]

    again = account.assume(f"arn:aws:iam::{account.id}:role{AGENTS}new-bot-apply")
    assert calls(again, "c") == {"list": "", "user": "AccessDenied", "bucket": ""}
    assert calls(account.assume(f"arn:aws:iam::{account.id}:role/admin"), "d") == free

    management.client("cloudformation").delete_stack(StackName="stack")
    assert "mcp-guardrails" not in json.dumps(root.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"])
