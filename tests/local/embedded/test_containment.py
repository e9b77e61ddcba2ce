"""Containment on the embedded AWS: a live session between two calls, by its own evaluator and not by ours."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.config import Config

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.policies.containment.names import boundary_name, containment_path, deny_name, table_name
from sudo_mcp_guardrails.policies.containment.roles import deny_boundary, deny_policy
from sudo_mcp_guardrails.policies.containment.scps import all_scp, class_scp
from sudo_mcp_guardrails.policies.naming import ROLE_KINDS, GuardrailNames
from sudo_mcp_guardrails.response.drill import drill
from sudo_mcp_guardrails.response.estate import Estate
from sudo_mcp_guardrails.response.execute import contain
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.plan import Cause, plan_containment
from sudo_mcp_guardrails.response.records import S3Records
from sudo_mcp_guardrails.response.restore import Restoration, restore
from sudo_mcp_guardrails.state.kill_switch import KillSwitch
from sudo_mcp_guardrails.state.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable

REGION = "us-east-1"
NAMES = GuardrailNames()
BUCKET = "mcp-guardrails-containment-records"
ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
BOT, CLASS, ALL = Target.agent("release-bot"), Target.of_class("release-*"), Target.everyone()
VIA = Config(user_agent_extra="mcp-guardrails-via/aws-mcp.amazonaws.com")


class World:
    """A member account with two agents' roles, and the management account with switch, records and SCPs."""

    def __init__(self, aws: Any, organization: Any, member: Any) -> None:
        self.aws, self.member = aws, member
        self.home = organization.management_account
        values = {"Partition": "aws", "AccountId": member.id, "Region": REGION}
        iam = member.client("iam")
        policies = ((deny_name(NAMES), deny_policy()), (boundary_name(NAMES), deny_boundary()))
        for name, document in policies:
            iam.create_policy(PolicyName=name, Path=containment_path(NAMES), PolicyDocument=document.to_json())
        for agent in ("release-bot", "cost-bot"):
            for kind in ROLE_KINDS:
                member.role(NAMES.role_name(agent, kind), ALLOW_ALL, path=NAMES.role_path(agent))
        organizations = self.client("organizations", self.home, "")
        found = {}
        for pattern, document in (("release-*", class_scp(NAMES, "release-*")), ("*", all_scp(NAMES))):
            made = organizations.create_policy(
                Name=document.name,
                Description="contains",
                Type="SERVICE_CONTROL_POLICY",
                Content=document.resolve(values).to_json(),
            )
            found[pattern] = made["Policy"]["PolicySummary"]["Id"]
        dynamodb = self.client("dynamodb", self.home, REGION)
        dynamodb.create_table(
            TableName=table_name(NAMES),
            KeySchema=[{"AttributeName": "switch", "KeyType": "HASH"}, {"AttributeName": "target", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("switch", "target")],
            BillingMode="PAY_PER_REQUEST",
        )
        s3 = self.client("s3", self.home, REGION)
        s3.create_bucket(Bucket=f"{BUCKET}-{self.home}")
        self.records = S3Records(s3, f"{BUCKET}-{self.home}")
        environment = AgentEnvironment.sandbox(member.id, regions=[REGION])
        self.estate = Estate(
            agents=tuple(
                Agent(name, owner="a@example.com", services=["s3", "sqs"], environments=[environment])
                for name in ("release-bot", "cost-bot")
            ),
            account=self.home,
            region=REGION,
            scps=found,
            scp_targets=(organization.root_id,),
            organization_account=self.home,
        )
        self.live = {
            (agent, kind): member.assume(self.arn(agent, kind))
            for agent in ("release-bot", "cost-bot")
            for kind in ("read", "apply")
        }

    def client(self, service: str, account: str, region: str) -> Any:
        """A client of the responder's."""
        return self.aws.client(service, account=account, region=region or REGION)

    def arn(self, agent: str, kind: str) -> str:
        return f"arn:aws:iam::{self.member.id}:role{NAMES.role_path(agent)}{NAMES.role_name(agent, kind)}"

    def plan(self, target: Target, level: Level) -> Any:
        responder = f"arn:aws:iam::{self.home}:role/security/soc"
        return plan_containment(self.estate, target, level, Cause(responder, "a test", "INC-1", int(time.time())))

    def undo(self, target: Target) -> Any:
        wanted = Restoration(target, f"arn:aws:iam::{self.home}:role/security/soc")
        return restore(wanted, self, self.records, NAMES)

    def acts(self, agent: str, kind: str = "apply", config: Config | None = None) -> Callable[[], Any]:
        """What a session does that was made before."""
        session = self.live[agent, kind]
        sqs = session.client("sqs", endpoint_url=self.aws.endpoint_url, config=config or Config())
        return lambda: sqs.create_queue(QueueName=f"{agent}-{kind}")

    def roles(self) -> Any:
        """What the roles have."""
        iam = self.member.client("iam")
        found = {}
        for agent in ("release-bot", "cost-bot"):
            for kind in ROLE_KINDS:
                name = NAMES.role_name(agent, kind)
                role = iam.get_role(RoleName=name)["Role"]
                attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
                found[name] = json.dumps([role["AssumeRolePolicyDocument"], role.get("PermissionsBoundary"), attached])
        return found


@pytest.fixture
def world(aws: Any, organization: Any, member: Any) -> World:
    return World(aws, organization, member)


def test_one_agent_is_stopped_between_two_calls_and_given_back(world: World, refusal: Any) -> None:
    before = world.roles()
    for kind in ("read", "apply"):
        assert refusal(world.acts("release-bot", kind)) == ""
    report = contain(world.plan(BOT, Level.K2), world, world.records)
    assert report.complete, report.failed
    for kind in ("read", "apply"):
        assert refusal(world.acts("release-bot", kind)) == "AccessDenied"
        # No new session, by whomever: not by the account's root, and not by the contained session itself.
        for by in (None, world.live["release-bot", "apply"], world.live["cost-bot", "apply"]):
            assert refusal(lambda by=by, kind=kind: world.member.assume(world.arn("release-bot", kind), by)) != ""
    session = world.live["release-bot", "apply"]
    chained = world.arn("cost-bot", "apply")
    assert refusal(lambda: world.member.assume(chained, session)) == "AccessDenied"
    assert refusal(world.acts("cost-bot")) == ""
    assert contain(world.plan(BOT, Level.K2), world, world.records).already
    assert world.undo(BOT).complete
    assert world.roles() == before
    assert refusal(world.acts("release-bot")) == ""
    assert refusal(lambda: world.member.assume(world.arn("release-bot", "read"))) == ""


def test_a_class_is_stopped_and_another_agent_goes_on(world: World, refusal: Any) -> None:
    assert contain(world.plan(CLASS, Level.K3), world, world.records).complete
    assert refusal(world.acts("release-bot")) == "AccessDenied"
    assert refusal(world.acts("cost-bot")) == ""
    assert world.undo(CLASS).complete
    assert refusal(world.acts("release-bot")) == ""


def test_all_are_stopped_and_whoever_works_through_an_mcp_server(world: World, refusal: Any) -> None:
    person = world.member.assume(world.member.role("person", ALLOW_ALL))
    world.live["person", "apply"] = person
    assert refusal(world.acts("person", config=VIA)) == ""
    assert contain(world.plan(ALL, Level.K4), world, world.records).complete
    assert refusal(world.acts("release-bot")) == "AccessDenied"
    assert refusal(world.acts("cost-bot", "read")) == "AccessDenied"
    assert refusal(world.acts("person", config=VIA)) == "AccessDenied"
    assert refusal(world.acts("person")) == ""
    assert world.undo(ALL).complete
    assert refusal(world.acts("cost-bot", "read")) == ""


def test_the_switch_is_what_the_broker_reads(world: World) -> None:
    def allowed(agent: str) -> bool:
        dynamodb = world.client("dynamodb", world.home, REGION)
        return KillSwitch.reading(dynamodb, table_name(NAMES), NAMES.prefix).allows(agent).allowed

    assert allowed("release-bot")
    assert contain(world.plan(BOT, Level.K1), world, world.records).complete
    assert (allowed("release-bot"), allowed("cost-bot")) == (False, True)
    assert world.undo(BOT).complete
    assert allowed("release-bot")


def test_a_drill_leaves_everything_as_it_was(world: World, refusal: Any) -> None:
    before = world.roles()

    def probe() -> int:
        return sum(refusal(world.acts("release-bot", kind)) == "" for kind in ("read", "apply"))

    assert probe() == 2
    found = drill(world.plan(BOT, Level.K2), world, world.records, NAMES, probe)
    assert found.passed, found
    assert world.roles() == before
    assert probe() == 2
