"""The front door: what it creates, where it synthesizes, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import RootConstruct

from sudo_mcp_guardrails import (
    Agent,
    AgentEnvironment,
    AgentGuardrails,
    BrokerCaller,
    Capability,
    DirectAssumption,
    GuardrailNames,
    Guardrails,
    GuardrailsError,
    InvalidAgentError,
    SensitiveRead,
    accept_risk,
)
from sudo_mcp_guardrails.constructs.guardrails import UnknownPackError
from sudo_mcp_guardrails.constructs.risk import RiskError
from sudo_mcp_guardrails.iam import PolicySizeError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
ACCOUNT = "111111111111"
PER_AGENT = 9
"""Four roles, four policies and a boundary."""
SHARED = 11
"""The broker's five (function, URL, role, policy, log group), five sensitive policies, the execution boundary."""

Template = dict[str, Any]


def new_stack(region: str | None = "us-east-1", *, account: str | None = ACCOUNT, **context: Any) -> cdk.Stack:
    env = cdk.Environment(account=account, region=region) if region else None
    return cdk.Stack(cdk.App(context=context), "Guardrails", env=env)


def template(stack: cdk.Stack) -> Template:
    return dict(assertions.Template.from_stack(stack).to_json())


@pytest.mark.parametrize("count", [1, 3])
def test_resources_per_agent(make: Callable[..., Agent], count: int) -> None:
    stack = new_stack()
    AgentGuardrails(stack, "Agents", agents=[make(f"bot{n}") for n in range(count)])
    kinds = Counter(r["Type"] for r in template(stack)["Resources"].values())
    assert sum(kinds.values()) == SHARED + PER_AGENT * count
    assert kinds["AWS::IAM::Role"] == 1 + 4 * count
    assert kinds["AWS::IAM::ManagedPolicy"] == 7 + 5 * count


def test_no_agent_may_see_a_secret_by_default_and_opting_in_drops_the_class(make: Callable[..., Agent]) -> None:
    stack = new_stack()
    AgentGuardrails(stack, "Agents", agents=[make(sensitive_reads=[SensitiveRead.SECRET, SensitiveRead.LOG])])
    described = [
        r["Properties"]["Description"]
        for r in template(stack)["Resources"].values()
        if r["Type"] == "AWS::IAM::ManagedPolicy" and r["Properties"]["Description"].startswith("Denies reads")
    ]
    assert sorted(described) == [f"Denies reads of class {k}" for k in ("bulk-data", "configuration", "credential")]


@pytest.mark.parametrize("with_flags", [False, True])
@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1"])
def test_partitions(make: Callable[..., Agent], flags: dict[str, Any], region: str, *, with_flags: bool) -> None:
    stack = new_stack(region, **(flags if with_flags else {}))
    AgentGuardrails(stack, "Agents", agents=[make()])
    found = template(stack)
    assert len(found["Resources"]) == SHARED + PER_AGENT
    assert re.findall(r"arn:aws[a-z-]*:", json.dumps(found)) == []


def test_environment_agnostic_stack(make: Callable[..., Agent]) -> None:
    stack = new_stack(None)
    AgentGuardrails(stack, "Agents", agents=[make()])
    found = json.dumps(template(stack))
    assert f":{ACCOUNT}:table/release-bot-*" in found
    assert re.findall(r"arn:aws[a-z-]*:", found) == []


def test_two_copies_with_different_prefixes(make: Callable[..., Agent]) -> None:
    stack = new_stack()
    AgentGuardrails(stack, "One", agents=[make()])
    AgentGuardrails(stack, "Two", agents=[make()], names=GuardrailNames("other-guardrails"))
    named = Counter(
        (r["Type"], name)
        for r in template(stack)["Resources"].values()
        for key in ("RoleName", "ManagedPolicyName", "FunctionName", "LogGroupName")
        if (name := r["Properties"].get(key))
    )
    assert len(named) == 2 * (5 + 2 + 1 + 1)
    assert set(named.values()) == {1}


CODE = """
import sys
from sudo_mcp_guardrails.toolchain.node import use_node
use_node()
import aws_cdk as cdk
import app
application = cdk.App(outdir=sys.argv[1])
app.build(application)
application.synth()
"""


def test_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    written = []
    for seed in ("1", "4242"):
        out = tmp_path / seed
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", CODE, str(out)], env=env, cwd=ROOT, timeout=120, check=True)
        written.append({p.name: p.read_bytes() for p in sorted(out.glob("*.json")) if "template" in p.name})
    assert len(written[0]) == 1
    assert written[0] == written[1]


class TestGrants:
    def test_the_roles_are_a_grantee(self, make: Callable[..., Agent]) -> None:
        stack = new_stack()
        roles = AgentGuardrails(stack, "Agents", agents=[make()]).roles("release-bot")
        grant = s3.Bucket(stack, "Bucket").grant_read(roles)
        assert grant.success
        resources = template(stack)["Resources"]
        [policy] = [r for r in resources.values() if r["Type"] == "AWS::IAM::Policy"]
        [role] = [id_ for id_ in policy["DependsOn"] if resources[id_]["Type"] == "AWS::IAM::Role"]
        assert policy["Properties"]["Roles"] == [resources[role]["Properties"]["RoleName"]]
        assert resources[role]["Properties"]["RoleName"] == "mcp-guardrails-release-bot-read"

    def test_roles_by_capability(self, make: Callable[..., Agent]) -> None:
        stack = new_stack()
        guardrails = AgentGuardrails(stack, "Agents", agents=[make()])
        roles = guardrails.roles("release-bot")
        assert [roles.role(c).node.path for c in Capability] == [
            r.node.path for r in (roles.read_role, roles.plan_role, roles.apply_role)
        ]
        with pytest.raises(KeyError):
            guardrails.roles("nobody")

    def test_a_pipeline_may_pass_the_execution_role(self, make: Callable[..., Agent]) -> None:
        stack = new_stack()
        roles = AgentGuardrails(stack, "Agents", agents=[make()]).roles("release-bot")
        pipeline = iam.Role(stack, "Pipeline", assumed_by=iam.ServicePrincipal("codepipeline.amazonaws.com"))
        roles.grant_pass_execution_role(pipeline)
        [policy] = [r for r in template(stack)["Resources"].values() if r["Type"] == "AWS::IAM::Policy"]
        [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Action"] == "iam:PassRole"
        path = ":iam::111111111111:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-execution"
        assert statement["Resource"] == {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, path]]}


class TestTrust:
    def trust(self, stack: cdk.Stack, kind: str) -> list[dict[str, Any]]:
        roles = [r["Properties"] for r in template(stack)["Resources"].values() if r["Type"] == "AWS::IAM::Role"]
        [role] = [r for r in roles if r["RoleName"] == f"mcp-guardrails-release-bot-{kind}"]
        statements: list[dict[str, Any]] = role["AssumeRolePolicyDocument"]["Statement"]
        return statements

    def test_nobody_can_apply_without_an_approval_workflow(self, make: Callable[..., Agent]) -> None:
        stack = new_stack()
        AgentGuardrails(stack, "Agents", agents=[make()])
        assert self.trust(stack, "apply") == [
            {
                "Sid": "TrustNobody",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
            }
        ]

    def test_a_person_with_an_iam_user_calls_the_broker_with_a_second_factor(self, make: Callable[..., Agent]) -> None:
        stack = new_stack()
        callers = [
            BrokerCaller.iam_user(iam.User(stack, "Ann")),
            BrokerCaller.iam_role(iam.Role.from_role_name(stack, "Host", "host")),
        ]
        AgentGuardrails(stack, "Agents", agents=[make()], callers=callers)
        invoke = [
            r["Properties"]["PolicyDocument"]["Statement"]
            for r in template(stack)["Resources"].values()
            if r["Type"] == "AWS::IAM::ManagedPolicy" and "BrokerInvoke" in str(r)
        ]
        user, role = sorted(invoke, key=lambda statements: "MultiFactor" not in str(statements))
        assert len(invoke) == 2
        for statement in user:
            assert statement["Condition"]["Bool"]["aws:MultiFactorAuthPresent"] == "true"
            assert statement["Condition"]["NumericLessThan"]["aws:MultiFactorAuthAge"] == "3600"
        assert "MultiFactor" not in str(role)

    def test_direct_assumption_is_marked_needs_a_second_factor_and_warns(self, make: Callable[..., Agent]) -> None:
        stack = new_stack()
        person = f"arn:aws:iam::{ACCOUNT}:user/oncall"
        AgentGuardrails(stack, "Agents", agents=[make()], direct_assumption=DirectAssumption((person,)))
        for kind in ("read", "plan"):
            assert self.trust(stack, kind)[-1] == {
                "Sid": "TrustDirectUsers",
                "Effect": "Allow",
                "Principal": {"AWS": person},
                "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
                "Condition": {
                    "StringLike": {"sts:SourceIdentity": "direct-*"},
                    "StringNotLike": {"sts:RoleSessionName": "run-*"},
                    "Bool": {"aws:MultiFactorAuthPresent": "true"},
                },
            }
        assert len(self.trust(stack, "apply")) == 1
        warnings = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
        assert [w for w in warnings if "directAssumption" in str(w.entry.data)]


class TestBadInput:
    def refused(self, message: str, error: type[GuardrailsError] = InvalidAgentError, **props: Any) -> None:
        with pytest.raises(error, match=message):
            AgentGuardrails(new_stack(account=props.pop("account", ACCOUNT)), "Agents", **props)

    def test_agents(self, make: Callable[..., Agent]) -> None:
        self.refused(r"agents \(\) is not allowed: expected at least one Agent", agents=[])
        self.refused("agent name 'release-bot' is not allowed", agents=[make(), make()])
        self.refused("'release-bot-two' is not allowed", agents=[make(), make("release-bot-two")])

    def test_account(self, make: Callable[..., Agent]) -> None:
        self.refused(f"'999999999999' is not allowed: expected one of {ACCOUNT}", agents=[make()], account="9" * 12)

    def test_session_duration(self, make: Callable[..., Agent]) -> None:
        for minutes in (14, 61):
            duration = cdk.Duration.minutes(minutes)
            self.refused("session duration", agents=[make()], session_duration=duration)

    def test_callers(self, make: Callable[..., Agent]) -> None:
        caller = BrokerCaller("arn:aws:iam::111111111111:role/x", agents=("other-bot",))
        self.refused("'other-bot' is not allowed: expected one of release-bot", agents=[make()], callers=[caller])
        with pytest.raises(InvalidAgentError, match="permission set 'Admin\\*'"):
            BrokerCaller.permission_set("Admin*")

    @pytest.mark.parametrize("principal", ["*", "arn:aws:iam::111111111111:role/*", "arn:aws:iam::111111111111:root"])
    def test_direct_principals(self, principal: str) -> None:
        with pytest.raises(InvalidAgentError, match="the ARN of one role or user, without wildcards"):
            DirectAssumption((principal,))

    @pytest.mark.parametrize("prefix", ["X", "a", "-ab", "ab-", "a" * 21, "a_b"])
    def test_names(self, prefix: str) -> None:
        with pytest.raises(InvalidAgentError, match="2 to 20 lower-case letters"):
            GuardrailNames(prefix)

    def test_prefixes_that_reach_into_the_cdk_or_the_guardrails(self) -> None:
        for prefix in ("cdk-", "c", "mcp-guardrails-x", "aws-"):
            agent = Agent(
                "bot",
                owner="me",
                services=["s3"],
                environments=[AgentEnvironment.sandbox(ACCOUNT, prefixes=[prefix])],
            )
            self.refused(f"resource-name prefix '{prefix}' is not allowed", agents=[agent])

    def test_oversize_boundary_names_its_largest_statements(self) -> None:
        prefixes = [f"team{n}-" for n in range(40)]
        agent = Agent(
            "bot",
            owner="me",
            services=["s3", "lambda", "dynamodb"],
            environments=[AgentEnvironment.sandbox(ACCOUNT, prefixes=prefixes)],
        )
        self.refused(
            r"policy '\w+' has \d+ characters, \d+ over the limit of 6144; its largest statements are \w+ \d+, ",
            PolicySizeError,
            agents=[agent],
        )


class TestChecks:
    def test_an_unacknowledged_wildcard_fails_synthesis(self) -> None:
        app = cdk.App()
        stack = cdk.Stack(app, "Plain")
        iam.ManagedPolicy(stack, "Policy", statements=[iam.PolicyStatement(actions=["s3:*"], resources=["*"])])
        Guardrails.of(app).enforce(["AwsSolutions"], guard_rules=[])
        with pytest.raises(RuntimeError, match=r"[Vv]alidation"):
            app.synth()

    def test_unknown_pack(self) -> None:
        with pytest.raises(UnknownPackError, match="'Nope' is not known, allowed are AwsSolutions"):
            Guardrails.of(cdk.App()).enforce(["Nope"])

    def test_outside_an_app(self) -> None:
        with pytest.raises(GuardrailsError, match="is in no cdk"):
            Guardrails.of(RootConstruct())

    @pytest.mark.parametrize(
        ("risk", "message"),
        [
            ({"nag": ["AwsSolutions-IAM5"]}, "finding 'AwsSolutions-IAM5' has no pack, expected PACK::RULE"),
            ({"nag": ["AwsSolutions::AwsSolutions-IAM5"], "reason": "  "}, "without a reason"),
            ({"checkov": ["AWS_1"]}, "check 'AWS_1' is no Checkov id"),
        ],
    )
    def test_risks_that_would_leave_no_trace(self, risk: dict[str, Any], message: str) -> None:
        bucket = s3.Bucket(new_stack(), "Bucket")
        with pytest.raises(RiskError, match=message):
            accept_risk(bucket, **{"reason": "because it is so", **risk})

    def test_checkov_needs_a_resource(self) -> None:
        with pytest.raises(RiskError, match="has no CloudFormation resource"):
            accept_risk(new_stack(), checkov=["CKV_AWS_18"], reason="because it is so")
