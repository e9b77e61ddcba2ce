"""A build that applies Terraform plans: its execution role is held to every property, and trusts CodeBuild alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.iam import PolicyDocument, Principal, Request, Statement, evaluate
from sudo_mcp_guardrails.iam.assembly import Template
from sudo_mcp_guardrails.iam.properties import CONTEXTS, prove_subject, prove_subjects
from sudo_mcp_guardrails.iam.templates import read_templates
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS, AgentPolicies
from sudo_mcp_guardrails.policies.capabilities.execution import execution_trust
from sudo_mcp_guardrails.policies.declaration import declaration, declarations, to_metadata
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.properties import agent_properties
from sudo_mcp_guardrails.policies.scope import AgentScope
from sudo_mcp_guardrails.policies.subjects import TRUST, read_subjects
from sudo_mcp_guardrails.policies.terraform import TerraformBuild, TerraformNetwork, TerraformState
from sudo_mcp_guardrails.policies.trust import cloudformation, trust_policy
from tests.policies.test_invariants import ACCOUNT, DATA, OPEN, RELEASE, roles

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.iam.properties import Subject

STATE = TerraformState("acme-terraform-state", "release-bot/terraform.tfstate")
LOCKED = replace(STATE, lock_table="terraform-locks")
NETWORK = TerraformNetwork("vpc-0a1b2c3d", ("subnet-0a1b2c3d",), ("sg-0a1b2c3d",))
BUILD = TerraformBuild(STATE)
EVERYWHERE = TerraformBuild(LOCKED, network=NETWORK)
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
KEYS = replace(RELEASE, services=["s3", "kms"], resources=[KEY])
SHAPES: dict[str, tuple[Agent, str | None]] = {
    "its own buckets": (RELEASE, ACCOUNT),
    "an account that is known at deployment": (RELEASE, None),
    "all accounts": (DATA, None),
    "opted in": (OPEN, ACCOUNT),
    "keys of its own": (KEYS, ACCOUNT),
    "keys and their secrets": (replace(KEYS, sensitive_reads=list(SensitiveRead)), ACCOUNT),
}
VALUES = {"Partition": "aws", "AccountId": ACCOUNT, "Region": "us-east-1"}
NAMES = GuardrailNames()
PLAN = f"arn:aws:s3:::mcp-guardrails-approval-evidence-{ACCOUNT}-us-east-1/plans/release-bot/apr-1/x.tfplan"
OTHERS = PLAN.replace("/release-bot/", "/release-bot-2/")
RECORD = f"arn:aws:s3:::mcp-guardrails-approval-evidence-{ACCOUNT}-us-east-1/records/apr-1/1.json"
BUCKET = "arn:aws:s3:::acme-terraform-state"
LOG = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/codebuild/mcp-guardrails-approval-terraform-release-bot"
EC2 = f"arn:aws:ec2:us-east-1:{ACCOUNT}"
DIRECT = {"direct": CONTEXTS["direct"]}


def execution(build: TerraformBuild, agent: Agent = RELEASE) -> Subject:
    return next(s for s in roles(agent, terraform=build) if s.capability == "execution")


def open_properties(subject: Subject) -> set[str]:
    found = prove_subject(subject, agent_properties(subject), DIRECT)
    return {r.property.id for r in found if r.proof.verdict is not Verdict.PROVED}


@pytest.mark.parametrize("build", [BUILD, EVERYWHERE], ids=["locks in S3", "locks in a table, in a VPC"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_property_of_every_role_is_proved(shape: str, build: TerraformBuild) -> None:
    agent, account = SHAPES[shape]
    found = prove_subjects((s, agent_properties(s)) for s in roles(agent, account, terraform=build))
    assert [(r.subject.capability, r.property.id) for r in found if r.proof.verdict is not Verdict.PROVED] == []


@pytest.mark.parametrize(
    ("sid", "broken"),
    [
        ("ExecutionPlanOnly", "invariant/approval-records"),
        ("ExecutionStateOnly", "invariant/changes"),
        ("ExecutionKeysByS3", "invariant/build-keys"),
        ("ExecutionKeys", "invariant/approval-keys"),
        ("ExecutionForeignData", "invariant/approval-plans"),
        ("ExecutionOutsideScope", "invariant/changes"),
        ("ExecutionNetworkOnly", ""),
    ],
)
def test_each_deny_is_needed(sid: str, broken: str) -> None:
    subject = execution(EVERYWHERE)
    assert any(s.sid == sid for document in subject.layers.identity for s in document.statements)
    wide = replace(subject.layers, identity=(*subject.layers.identity, FULL_ACCESS))
    less = replace(wide, identity=tuple(document.without(sid) for document in wide.identity))
    before, after = (open_properties(replace(subject, layers=layers)) for layers in (wide, less))
    if broken:
        assert broken not in before
        assert broken in after
        return
    # Of network interfaces no property asks: this one is decided below.
    request = Request(
        "ec2:DeleteNetworkInterface",
        f"{EC2}:network-interface/eni-1",
        subject.facts.principal,
        {"ec2:Subnet": f"{EC2}:subnet/subnet-99999999"},
        region="us-east-1",
    )
    assert not evaluate(request, wide).allowed
    assert evaluate(request, less).allowed


@pytest.mark.parametrize("more", ["plans/*", "plans/data-bot/*", "*"])
def test_a_build_that_reads_plans_of_others_is_no_use_of_its_own(more: str) -> None:
    """The declaration may say that the build uses them, and the role's policies allow it: it is not proved."""
    subject = execution(BUILD)
    wide = f"arn:aws:s3:::mcp-guardrails-approval-evidence-{ACCOUNT}-us-east-1/{more}"
    plans = Statement("Wide", "Allow", ("s3:GetObjectVersion",), resources=(wide,))
    free = replace(subject.layers, identity=(PolicyDocument("wide", (plans,)),), boundary=None)
    assert "invariant/approval-plans" in open_properties(replace(subject, layers=free, uses=(*subject.uses, wide)))


VIA = {"kms:ViaService": "s3.us-east-1.amazonaws.com"}
EVIDENCE = {
    **VIA,
    "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::mcp-guardrails-approval-evidence-{ACCOUNT}-us-east-1",
}


@pytest.mark.parametrize(
    ("build", "action", "resource", "context", "allowed"),
    [
        (BUILD, "s3:GetObjectVersion", PLAN, {}, True),
        (BUILD, "s3:GetObject", PLAN, {}, False),
        (BUILD, "s3:GetObjectVersion", OTHERS, {}, False),
        (BUILD, "s3:PutObject", PLAN, {}, False),
        (BUILD, "s3:GetObjectVersion", RECORD, {}, False),
        (BUILD, "kms:Decrypt", KEY, EVIDENCE, True),
        (BUILD, "kms:GenerateDataKey", KEY, EVIDENCE, False),
        (BUILD, "kms:Decrypt", KEY, VIA, False),
        (BUILD, "kms:Decrypt", KEY, {**EVIDENCE, "kms:ViaService": "dynamodb.us-east-1.amazonaws.com"}, False),
        (BUILD, "kms:Sign", KEY, {}, False),
        (BUILD, "logs:PutLogEvents", f"{LOG}:log-stream:1", {}, True),
        (BUILD, "logs:GetLogEvents", f"{LOG}:log-stream:1", {}, False),
        (BUILD, "logs:PutLogEvents", f"{LOG}-other:log-stream:1", {}, False),
        (BUILD, "s3:PutObject", f"{BUCKET}/release-bot/terraform.tfstate", {}, True),
        (BUILD, "s3:DeleteObject", f"{BUCKET}/release-bot/terraform.tfstate", {}, False),
        (BUILD, "s3:DeleteObject", f"{BUCKET}/release-bot/terraform.tfstate.tflock", {}, True),
        (BUILD, "s3:PutObject", f"{BUCKET}/data-bot/terraform.tfstate", {}, False),
        (BUILD, "s3:ListBucket", BUCKET, {"s3:prefix": "release-bot/terraform.tfstate"}, True),
        (BUILD, "s3:ListBucket", BUCKET, {"s3:prefix": ""}, False),
        (BUILD, "s3:PutBucketPolicy", BUCKET, {}, False),
        (EVERYWHERE, "dynamodb:PutItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/terraform-locks", {}, True),
        (EVERYWHERE, "dynamodb:DeleteTable", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/terraform-locks", {}, False),
        (EVERYWHERE, "s3:PutObject", f"{BUCKET}/release-bot/terraform.tfstate.tflock", {}, False),
        (EVERYWHERE, "ec2:CreateNetworkInterface", f"{EC2}:subnet/subnet-0a1b2c3d", {}, True),
        (EVERYWHERE, "ec2:CreateNetworkInterface", f"{EC2}:subnet/subnet-99999999", {}, False),
        (EVERYWHERE, "ec2:RunInstances", f"{EC2}:subnet/subnet-0a1b2c3d", {}, False),
        (BUILD, "ec2:CreateNetworkInterface", f"{EC2}:subnet/subnet-0a1b2c3d", {}, False),
        (BUILD, "dynamodb:PutItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/release-bot-orders", {}, True),
        (BUILD, "dynamodb:PutItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/payroll", {}, False),
    ],
)
def test_what_the_build_may(
    build: TerraformBuild, action: str, resource: str, context: dict[str, str], *, allowed: bool
) -> None:
    policies = AgentPolicies(AgentScope(RELEASE, ACCOUNT, proposes=True, terraform=build))
    principal = Principal(f"arn:aws:iam::{ACCOUNT}:role{NAMES.role_path('release-bot')}x", session="AWSCodeBuild-1")
    request = Request(action, resource, principal, {"aws:ResourceAccount": ACCOUNT, **context}, region="us-east-1")
    assert evaluate(request, policies.layers("execution", VALUES)).allowed is allowed


def test_without_a_build_nothing_is_different() -> None:
    policies = AgentPolicies(AgentScope(RELEASE, ACCOUNT, proposes=True))
    assert policies.terraform is None
    [subject] = [s for s in roles(RELEASE) if s.capability == "execution"]
    assert (subject.uses, "build-keys" in {p.id for p in agent_properties(subject)}) == ((), False)
    assert "terraform" not in to_metadata(declaration(AgentScope(RELEASE, ACCOUNT)))[1]


def test_another_execution_role_of_the_account_gains_nothing_by_the_wider_ceiling() -> None:
    from sudo_mcp_guardrails.policies.boundary.execution import execution_boundary

    scopes = (AgentScope(DATA, ACCOUNT), AgentScope(RELEASE, ACCOUNT, terraform=EVERYWHERE))
    [subject] = [s for s in roles(DATA, ACCOUNT) if s.capability == "execution"]
    layers = replace(subject.layers, boundary=execution_boundary(scopes).resolve(VALUES))
    assert open_properties(replace(subject, layers=layers)) == set()


class TestTrust:
    """An execution role trusts one service: CodeBuild for one project, or CloudFormation."""

    def found(self, *statements: Statement, terraform: TerraformBuild | None = BUILD) -> list[str]:
        scope = AgentScope(RELEASE, ACCOUNT, terraform=terraform)
        name = NAMES.role_name("release-bot", "execution")
        role = {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": name,
                "Path": NAMES.role_path("release-bot"),
                "AssumeRolePolicyDocument": trust_policy(*statements).resolve(VALUES).to_dict(),
            },
        }
        body: dict[str, Any] = {"Resources": {"R": role}, "Metadata": dict([to_metadata(declaration(scope))])}
        template = Template("App", body, values=VALUES)
        subjects = read_subjects([template], read_templates([template]))
        return [u.reason for u in subjects.undecided if u.rule == TRUST]

    def test_codebuild(self) -> None:
        trusted = execution_trust(NAMES, "release-bot", terraform=True)
        assert self.found(trusted) == []
        conditions = {key: values for _, key, values in trusted.resolve(VALUES).conditions}
        project = f"arn:aws:codebuild:us-east-1:{ACCOUNT}:project/mcp-guardrails-approval-terraform-release-bot"
        assert conditions == {"aws:SourceAccount": (ACCOUNT,), "aws:SourceArn": (project,)}

    def test_one_service_alone(self) -> None:
        trusted = execution_trust(NAMES, "release-bot", terraform=True)
        [reason] = self.found(trusted, cloudformation())
        assert "lets 'cloudformation.amazonaws.com' do 'sts:assumerole'" in reason
        [reason] = self.found(cloudformation(), trusted, terraform=None)
        assert "lets 'codebuild.amazonaws.com' do 'sts:assumerole'" in reason

    def test_every_condition_is_needed(self) -> None:
        trusted = execution_trust(NAMES, "release-bot", terraform=True)
        for left_out in range(2):
            kept = tuple(c for n, c in enumerate(trusted.conditions) if n != left_out)
            assert len(self.found(replace(trusted, conditions=kept))) == 1
        assert len(self.found(execution_trust(NAMES, "data-bot", terraform=True))) == 1


def test_the_declaration_survives_the_template() -> None:
    wanted = declaration(AgentScope(RELEASE, ACCOUNT, terraform=BUILD))
    template = Template("App", {"Resources": {}, "Metadata": dict([to_metadata(wanted)])})
    [(_, found)] = declarations([template])
    assert found == wanted
    assert any(arn.endswith("/release-bot/terraform.tfstate") for arn in found.terraform)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TerraformState("Bucket", "k"), "bucket of Terraform's state 'Bucket' is not allowed"),
        (lambda: TerraformState("${Token[1]}", "k"), "expected the name of a bucket, known before deployment"),
        (lambda: TerraformState("acme-state", "*"), "key of Terraform's state '*' is not allowed"),
        (lambda: TerraformState("acme-state", ""), "key of Terraform's state '' is not allowed"),
        (lambda: TerraformState("acme-state", "k", "a b"), "lock table of Terraform 'a b' is not allowed"),
        (lambda: TerraformBuild(STATE, "a*"), "log group of Terraform 'a*' is not allowed"),
        (lambda: TerraformNetwork("vpc-1", ("subnet-0a1b2c3d",), ("sg-0a1b2c3d",)), "'vpc-1' is not allowed"),
        (lambda: TerraformNetwork("vpc-0a1b2c3d", (), ("sg-0a1b2c3d",)), "'without one' is not allowed"),
        (
            lambda: AgentScope(RELEASE, ACCOUNT, terraform=TerraformBuild(TerraformState("mcp-guardrails-x", "k"))),
            "place of Terraform's state 'mcp-guardrails-x' is not allowed",
        ),
        (
            lambda: AgentScope(RELEASE, ACCOUNT, terraform=TerraformBuild(TerraformState("acme", "k", "cdk-locks"))),
            "neither the guardrails' nor the CDK's",
        ),
    ],
)
def test_bad_input(make: Any, message: str) -> None:
    with pytest.raises(GuardrailsError) as raised:
        make()
    assert message in str(raised.value)


def test_a_policy_that_lets_the_build_write_plans_is_found() -> None:
    subject = execution(BUILD)
    allow = PolicyDocument("x", (Statement("Oops", "Allow", actions=("s3:PutObject",), resources=("*",)),))
    layers = replace(subject.layers, identity=tuple(d.without("ExecutionPlanOnly") for d in subject.layers.identity))
    wide = replace(layers, identity=(*layers.identity, allow))
    assert "invariant/approval-records" in open_properties(replace(subject, layers=wide))
