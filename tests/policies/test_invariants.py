"""Every property of agents of every shape is proved, and each of them can fail."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment, SensitiveRead
from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Principal, Statement
from sudo_mcp_guardrails.iam.documents import resolve
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.properties import CONTEXTS, Subject, prove_subject, prove_subjects
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS, AgentPolicies
from sudo_mcp_guardrails.policies.declaration import declaration
from sudo_mcp_guardrails.policies.naming import REGION, ROLE_KINDS
from sudo_mcp_guardrails.policies.properties import SubjectError, agent_properties
from sudo_mcp_guardrails.policies.scope import AgentScope
from sudo_mcp_guardrails.policies.subjects import workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.properties import Property, Result
    from sudo_mcp_guardrails.policies.terraform import TerraformBuild

ACCOUNT, PRODUCTION = "111111111111", "222222222222"
SANDBOX = AgentEnvironment.sandbox(ACCOUNT, regions=["eu-central-1", "us-east-1"])
RELEASE = Agent(
    "release-bot",
    owner="platform@example.com",
    services=["dynamodb", "lambda", "s3"],
    environments=[AgentEnvironment.sandbox(ACCOUNT, regions=["us-east-1"])],
)
DATA = Agent(
    "data-bot",
    owner="data@example.com",
    services=["sqs"],
    environments=[SANDBOX, AgentEnvironment.production(PRODUCTION, regions=["eu-west-1"])],
    resources=["arn:aws:s3:::shared-reports", "arn:aws:s3:::shared-reports/*"],
    sensitive_reads=[SensitiveRead.LOG],
)
OPEN = Agent(
    "open-bot",
    owner="data@example.com",
    services=["sns", "sqs"],
    environments=[SANDBOX],
    resources=["arn:aws:s3:::shared-reports"],
    sensitive_reads=[SensitiveRead.BULK_DATA, SensitiveRead.CONFIGURATION],
    transforms=["AWS::Serverless-2016-10-31"],
)
SHAPES = {
    "demo": (RELEASE, ACCOUNT),
    "an account that is known at deployment": (RELEASE, None),
    "all accounts": (DATA, None),
    "production": (DATA, PRODUCTION),
    "opted in": (OPEN, ACCOUNT),
}
CAPABILITIES = {*ROLE_KINDS, "workload"}


def roles(
    agent: Agent, account: str | None = ACCOUNT, *, proposes: bool = True, terraform: TerraformBuild | None = None
) -> Iterator[Subject]:
    """Yield the subjects of an agent: its four roles and any role under its boundary, in each of its accounts."""
    scope = AgentScope(agent, account, proposes=proposes, terraform=terraform)
    policies, declared = AgentPolicies(scope), declaration(scope)
    policies.check_sizes()
    for each in scope.accounts:
        regions = [region for accounts, named in declared.regions if each in accounts for region in named]
        values = {
            "Partition": "aws",
            "AccountId": each,
            "Region": next((r for r in regions if r != REGION), "us-east-1"),
        }
        own = (*declared.own, scope.names.workload_roles(agent.name))
        for kind in ROLE_KINDS:
            uses = declared.terraform if kind == "execution" else ()
            made = Subject(
                agent=agent.name,
                capability=kind,
                layers=policies.layers(kind, values),
                facts=Facts(Principal(resolve(scope.names.role_arn(agent.name, kind), values), session="run-0")),
                own=tuple(resolve(p, values) for p in (*own, *uses)),
                passable=(resolve(scope.names.role_arn(agent.name, "execution"), values),),
                services=declared.services,
                regions=tuple(resolve(region, values) for region in regions),
                accounts=declared.accounts,
                sensitive_reads=declared.sensitive_reads,
                uses=tuple(resolve(p, values) for p in uses),
            )
            yield made
            if kind == "read":
                yield workload(made)


@cache
def results(shape: str) -> tuple[Result, ...]:
    return prove_subjects((subject, agent_properties(subject)) for subject in roles(*SHAPES[shape]))


def role(capability: str, agent: Agent = RELEASE) -> Subject:
    return next(subject for subject in roles(agent) if subject.capability == capability)


def invariant(subject: Subject, name: str) -> Property:
    return next(p for p in agent_properties(subject) if p.id == f"invariant/{name}")


def verdict(subject: Subject, asked: Property, context: str = "direct") -> Verdict:
    [result] = prove_subject(subject, [asked], {context: CONTEXTS[context]})
    return result.proof.verdict


@pytest.mark.parametrize("shape", SHAPES)
class TestProved:
    def test_every_property_of_every_role_in_every_context(self, shape: str) -> None:
        found = results(shape)
        open_ = [
            (r.subject.capability, r.context, r.property.id, r.proof.reason)
            for r in found
            if r.proof.verdict is not Verdict.PROVED
        ]
        assert open_ == []

    def test_nothing_is_left_out(self, shape: str) -> None:
        found = results(shape)
        agent, account = SHAPES[shape]
        accounts = AgentScope(agent, account).accounts
        asked = {(r.subject.facts.principal.account, r.subject.capability, r.context) for r in found}
        assert asked == {(a, c, context) for a in accounts for c in CAPABILITIES for context in CONTEXTS}
        for capability in CAPABILITIES:
            escalations = {
                r.property.id for r in found if r.subject.capability == capability and r.property.kind == "escalation"
            }
            assert len(escalations) > 200


def test_where_there_is_no_workflow_to_propose_to() -> None:
    found = prove_subjects((subject, agent_properties(subject)) for subject in roles(RELEASE, proposes=False))
    assert [(r.subject.capability, r.property.id) for r in found if r.proof.verdict is not Verdict.PROVED] == []


class TestWhatIsAsked:
    def ids(self, subject: Subject) -> set[str]:
        return {p.id.removeprefix("invariant/") for p in agent_properties(subject) if p.kind == "invariant"}

    def test_of_every_role(self) -> None:
        common = set.intersection(*(self.ids(subject) for subject in roles(RELEASE)))
        assert common >= {
            *("trail", "organization", "approvers", "sessions", "hooks", "long-term-keys", "guardrails", "tier"),
            *("changes", "pass-role", "bounded-roles", "role-policies", "roles", "boundary-removed", "regions"),
            *("sensitive-secret", "sensitive-credential", "sensitive-bulk-data", "sensitive-log"),
        }

    def test_of_some(self) -> None:
        asked = {subject.capability: self.ids(subject) for subject in roles(RELEASE)}
        assert {c for c, ids in asked.items() if "readers" in ids} == {"read", "plan"}
        assert {c for c, ids in asked.items() if "workloads-deploy" in ids} == {"workload"}
        assert {c for c, ids in asked.items() if "accounts" not in ids} == {"execution"}

    def test_what_an_agent_opted_into_is_not(self) -> None:
        subject = role("apply", OPEN)
        assert not self.ids(subject) & {"sensitive-bulk-data", "sensitive-configuration"}
        assert self.ids(subject) >= {"sensitive-secret", "sensitive-credential", "sensitive-log"}
        # Of what is not its own it is.
        assert {name for name in self.ids(subject) if name.startswith("foreign-")} == {
            "foreign-bulk-data",
            "foreign-configuration",
        }

    def test_a_path_of_what_was_given_is_asked_where_a_prefix_owns_it(self) -> None:
        def paths(*services: str, reads: list[SensitiveRead]) -> set[str]:
            subject = role("apply", replace(RELEASE, services=services, sensitive_reads=reads))
            return {p.id.removeprefix("escalation/") for p in agent_properties(subject) if p.kind == "escalation"}

        every = paths("ec2", reads=[])
        given = paths("ec2", reads=[SensitiveRead.SECRET, SensitiveRead.CREDENTIAL])
        assert every - given == {"ec2-get-password-data"}
        assert paths("redshift", reads=[SensitiveRead.CREDENTIAL]) == every

    def test_ids_are_unique_and_titles_are_ends_of_a_sentence(self) -> None:
        for subject in roles(RELEASE):
            asked = agent_properties(subject)
            assert len({p.id for p in asked}) == len(asked)
            assert all(
                p.title and p.title[0].islower() and not p.title.endswith(".") for p in asked if p.kind == "invariant"
            )

    @pytest.mark.parametrize("arn", [f"arn:aws:iam::{ACCOUNT}:role/admin", f"arn:aws:iam::{ACCOUNT}:role/x/agents/bot"])
    def test_of_a_role_that_is_no_agents(self, arn: str) -> None:
        subject = role("read")
        stray = replace(subject, facts=Facts(Principal(arn, session="s")))
        with pytest.raises(SubjectError, match=r"is no agent's, expected arn:…:role/PREFIX/agents/AGENT/NAME$"):
            agent_properties(stray)


@pytest.mark.parametrize("service", ["apigateway", "cognito-identity", "kms", "mediapackage", "redshift", "s3"])
def test_an_agent_that_opted_into_every_class_reads_nothing_of_others(service: str) -> None:
    agent = replace(RELEASE, services=[service], sensitive_reads=list(SensitiveRead))
    found = prove_subjects((subject, agent_properties(subject)) for subject in roles(agent))
    open_ = [(r.subject.capability, r.property.id) for r in found if r.proof.verdict is not Verdict.PROVED]
    assert open_ == []


class TestEachCanFail:
    @pytest.mark.parametrize("capability", sorted(CAPABILITIES))
    def test_a_role_that_may_do_anything_breaks_them_all(self, capability: str) -> None:
        free = replace(role(capability), layers=Layers(identity=(FULL_ACCESS,)))
        found = prove_subject(free, agent_properties(free), {"direct": CONTEXTS["direct"]})
        held = [(r.property.id, r.proof.reason) for r in found if r.proof.verdict is not Verdict.WITNESS]
        assert held == []

    @pytest.mark.parametrize("sid", ["BoundaryForeignData", "BoundaryOutsideScope"])
    def test_a_class_that_was_opted_into_is_not_read_of_others(self, sid: str) -> None:
        subject = role("apply", OPEN)
        boundary = subject.layers.boundary
        assert boundary is not None
        layers = Layers(identity=(FULL_ACCESS,), boundary=boundary)
        asked = invariant(subject, "foreign-bulk-data")
        assert verdict(replace(subject, layers=layers), asked) is Verdict.PROVED
        without = replace(layers, boundary=boundary.without(sid))
        assert verdict(replace(subject, layers=without), asked) is Verdict.WITNESS

    @pytest.mark.parametrize("capability", ["read", "plan", "apply"])
    def test_the_boundary_stops_what_is_added_to_a_role(self, capability: str) -> None:
        attach = Statement("Oops", "Allow", actions=("iam:AttachRolePolicy",), resources=("*",))
        subject = role(capability)
        wider = replace(subject.layers, identity=(*subject.layers.identity, PolicyDocument("added", (attach,))))
        bounded, unbounded = (replace(subject, layers=replace(wider, boundary=b)) for b in (wider.boundary, None))
        asked = next(p for p in agent_properties(subject) if p.id == "escalation/iam-attach-role-policy")
        assert verdict(subject, asked) is Verdict.PROVED
        assert verdict(bounded, asked) is Verdict.PROVED
        assert verdict(unbounded, asked) is Verdict.WITNESS
        [result] = prove_subject(unbounded, [asked], {"direct": CONTEXTS["direct"]})
        assert ("identity", "Oops") in result.proof.statements

    @pytest.mark.parametrize(
        ("name", "action", "resource"),
        [
            ("trail", "cloudtrail:StopLogging", "*"),
            ("organization", "organizations:LeaveOrganization", "*"),
            ("approvers", "states:SendTaskSuccess", "*"),
            ("sessions", "sts:GetWebIdentityToken", "*"),
            ("hooks", "cloudformation:DeactivateType", "*"),
            ("long-term-keys", "iam:CreateAccessKey", "*"),
            ("guardrails", "s3:DeleteBucket", "arn:aws:s3:::mcp-guardrails-ledger"),
            (
                "guardrails",
                "lambda:UpdateFunctionCode",
                f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:mcp-guardrails-broker",
            ),
            ("tier", "iam:TagRole", f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/release-bot/*"),
            ("changes", "s3:DeleteBucket", "arn:aws:s3:::somebody-elses"),
            ("pass-role", "iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/admin"),
            (
                "bounded-roles",
                "iam:CreateRole",
                f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/release-bot/workloads/x",
            ),
            ("boundary-removed", "iam:DeleteRolePermissionsBoundary", "*"),
            ("regions", "ec2:DescribeInstances", "*"),
            ("sensitive-secret", "secretsmanager:GetSecretValue", "*"),
            ("sensitive-credential", "ecr:GetAuthorizationToken", "*"),
        ],
    )
    def test_one_action_too_many(self, name: str, action: str, resource: str) -> None:
        subject = role("apply")
        asked = invariant(subject, name)
        oops = PolicyDocument("p", (Statement("Oops", "Allow", actions=(action,), resources=(resource,)),))
        # A Deny of all else keeps what resource policies might grant out of it.
        rest = Statement("Rest", "Deny", not_actions=(action,), resources=("*",))
        tight = Statement("Tight", "Deny", actions=(action,), not_resources=(resource,))
        layers = Layers(identity=(oops,), boundary=PolicyDocument("b", (*FULL_ACCESS.statements, rest, tight)))
        assert verdict(replace(subject, layers=layers), asked) is Verdict.WITNESS
        closed = replace(
            layers, identity=(PolicyDocument("n", (replace(rest, sid="All", not_actions=("sts:GetCallerIdentity",)),)),)
        )
        assert verdict(replace(subject, layers=closed), asked) is Verdict.PROVED
