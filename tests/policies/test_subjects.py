"""From roles in templates to subjects of a proof; whatever does not fit is undecided, never left out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment, SensitiveRead
from sudo_mcp_guardrails.iam import Request, evaluate
from sudo_mcp_guardrails.iam.assembly import Template, TemplateError
from sudo_mcp_guardrails.iam.templates import read_templates
from sudo_mcp_guardrails.policies.declaration import declaration, declarations, to_metadata
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.scope import AgentScope
from sudo_mcp_guardrails.policies.subjects import TRUST, read_subjects
from sudo_mcp_guardrails.policies.trust import cloudformation, direct, minted, nobody, trust_policy

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam import Statement
    from sudo_mcp_guardrails.policies.subjects import Subjects

ACCOUNT, OTHER = "111111111111", "222222222222"
VALUES = {"Partition": "aws", "AccountId": ACCOUNT, "Region": "eu-central-1"}
PATH = "/mcp-guardrails/agents/bot/"
Json = dict[str, Any]


def agent(name: str = "bot", *accounts: str, **more: Any) -> Agent:
    environment = AgentEnvironment.sandbox(*(accounts or (ACCOUNT,)), regions=["eu-central-1"])
    return Agent(name, owner="me", services=["s3"], environments=[environment], **more)


def metadata(*agents: Agent, account: str | None = ACCOUNT) -> Json:
    return dict(to_metadata(declaration(AgentScope(a, account))) for a in agents)


def policy(resource: Any = "*", **properties: Any) -> Json:
    statement = {"Sid": "Cap", "Effect": "Allow", "Action": "s3:*", "Resource": resource}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document, **properties}}


def role(name: str | None = "mcp-guardrails-bot-read", path: Any = PATH, **properties: Any) -> Json:
    named: Json = {"AssumeRolePolicyDocument": trust_policy(nobody()).to_dict()}
    if name is not None:
        named["RoleName"] = name
    return {"Type": "AWS::IAM::Role", "Properties": {"Path": path, **named, **properties}}


def read(resources: Json, declared: Json | None = None, **more: Any) -> Subjects:
    body = {"Resources": resources, "Metadata": metadata(agent()) if declared is None else declared}
    templates = [Template("App", body, **{"values": VALUES, **more})]
    return read_subjects(templates, read_templates(templates))


def test_a_declaration_survives_the_template() -> None:
    wanted = declaration(
        AgentScope(agent("bot", ACCOUNT, OTHER, sensitive_reads=[SensitiveRead.LOG]), None, GuardrailNames("other"))
    )
    template = Template("App", {"Resources": {}, "Metadata": dict([to_metadata(wanted)])})
    assert declarations([template]) == ((template, wanted),)
    assert wanted.accounts == (ACCOUNT, OTHER)
    assert wanted.path == "/other/agents/bot/"
    assert wanted.sensitive_reads == ("log",)
    assert any(arn.endswith(":::bot-*") for arn in wanted.own)


def test_a_role_whose_account_nobody_tells_is_undecided() -> None:
    [(key, declared)] = metadata(agent()).items()
    found = read({"R": role()}, {key: {**declared, "regions": []}}, values={"Partition": "aws"})
    assert found.decided == ()
    assert [u.reason for u in found.undecided] == [
        "its account is known at deployment alone, and agent 'bot' declares none"
    ]
    assert read({"R": role()}, {key: {**declared, "regions": []}}).decided


def test_a_role_of_a_declared_agent_is_a_subject() -> None:
    found = read(
        {"R": role(ManagedPolicyArns=[{"Ref": "P"}]), "P": policy({"Fn::Sub": "arn:${AWS::Partition}:s3:::b"})}
    )
    [(subject, made), (workload, _)] = found.decided
    assert found.undecided == ()
    assert (subject.agent, subject.capability, subject.source) == ("bot", "read", "App/R")
    assert subject.facts.principal.arn == f"arn:aws:iam::{ACCOUNT}:role{PATH}mcp-guardrails-bot-read"
    assert subject.facts.partition == "aws"
    assert workload.capability == "workload"
    assert workload.facts.principal.arn == f"arn:aws:iam::{ACCOUNT}:role{PATH}workloads/any"
    assert workload.layers.boundary == subject.layers.boundary
    assert subject.regions == ("eu-central-1",)
    assert subject.accounts == (ACCOUNT,)
    assert f"arn:aws:iam::{ACCOUNT}:role{PATH}workloads/*" in subject.own
    assert subject.passable == (f"arn:aws:iam::{ACCOUNT}:role{PATH}mcp-guardrails-bot-execution",)
    assert made.logical_id == "R"
    assert evaluate(Request("s3:GetObject", "arn:aws:s3:::b", subject.facts.principal), subject.layers).allowed
    assert not evaluate(Request("s3:GetObject", "arn:aws:s3:::c", subject.facts.principal), subject.layers).allowed


def test_nothing_is_stated_of_a_sessions_tags_and_origin() -> None:
    (subject, _), _ = read({"R": role()}).decided
    assert not [key for key in subject.facts.fixed if key.startswith(("aws:principaltag/", "aws:sourceidentity"))]


@pytest.mark.parametrize("kind", ["read", "plan", "apply", "execution"])
def test_capabilities(kind: str) -> None:
    found = [s.capability for s, _ in read({"R": role(f"mcp-guardrails-bot-{kind}")}).decided]
    assert found == ([kind, "workload"] if kind == "read" else [kind])


def test_an_unknown_account_is_a_subject_for_each_declared_one() -> None:
    declared = metadata(agent("bot", ACCOUNT, OTHER), account=None)
    found = read({"R": role(), "P": policy(Roles=[{"Ref": "R"}])}, declared, values={})
    made = [(subject.facts.principal.account, subject.capability) for subject, _ in found.decided]
    assert made == [(account, kind) for account in (ACCOUNT, OTHER) for kind in ("read", "workload")]
    assert "${" not in str([(s.layers, s.own, s.regions) for s, _ in found.decided])


def test_roles_share_what_they_share() -> None:
    shared = {"ManagedPolicyArns": [{"Ref": "P"}]}
    roles = {kind: role(f"mcp-guardrails-bot-{kind}", **shared) for kind in ("read", "plan")}
    (first, _), _, (second, _) = read({**roles, "P": policy()}).decided
    assert first.layers.identity[0] is second.layers.identity[0]


def test_other_roles_are_nobodys_business() -> None:
    found = read({"R": role("anything", "/"), "S": role("x", "/mcp-guardrails/"), "T": role(None, "/team/")})
    assert (found.decided, found.undecided) == ((), ())


@pytest.mark.parametrize(
    ("made", "declared", "reason"),
    [
        (role(), {}, "no template of its account declares agent 'bot'"),
        (role(path="/mcp-guardrails/agents/nobody/"), None, "no template of its account declares agent 'nobody'"),
        (role("something-else"), None, "is none of the agent's: expected one of mcp-guardrails-bot-read"),
        (role(None), None, "is none of the agent's"),
        (role(path=PATH + "deeper/"), None, "is none of the agent's"),
        (role(ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]), None, "is in no template"),
        (role(path={"Ref": "Where"}), None, "is known at deployment alone"),
        (role(path={"Fn::Sub": "/mcp-guardrails/agents/${Where}/"}), None, "no template of its account declares"),
        (role(None, PATH + "workloads/"), None, "its boundary is None, expected the agent's"),
        (
            role(None, PATH + "workloads/", PermissionsBoundary=f"arn:aws:iam::{ACCOUNT}:policy/mine"),
            None,
            f"its boundary is 'arn:aws:iam::{ACCOUNT}:policy/mine', expected the agent's",
        ),
    ],
)
def test_undecided(made: Json, declared: Json | None, reason: str) -> None:
    resources = {"R": made, "Where": {"Type": "AWS::SSM::Parameter"}}
    found = read(resources, declared)
    assert found.decided == ()
    [undecided] = found.undecided
    assert reason in undecided.reason


def test_a_workload_role_under_the_agents_boundary_is_fine() -> None:
    names = GuardrailNames()
    boundary = policy(ManagedPolicyName=names.boundary_name("bot"), Path=names.boundary_path)
    made = role(
        None, PATH + "workloads/", PermissionsBoundary={"Ref": "B"}, ManagedPolicyArns=["arn:aws:iam::aws:policy/X"]
    )
    found = read({"R": made, "B": boundary})
    assert (found.decided, found.undecided) == ((), ())


def test_another_accounts_declaration_does_not_count() -> None:
    here = Template("A", {"Resources": {"R": role()}}, values=VALUES)
    there = Template(
        "B", {"Resources": {}, "Metadata": metadata(agent("bot", OTHER), account=OTHER)}, {**VALUES, "AccountId": OTHER}
    )
    found = read_subjects([here, there], read_templates([here, there]))
    assert [u.reason for u in found.undecided] == ["no template of its account declares agent 'bot'"]


class TestTrust:
    BROKER = f"arn:aws:iam::{ACCOUNT}:role/approval"

    def reasons(self, kind: str, *statements: Statement, extra: Json | None = None) -> list[str]:
        document = trust_policy(*statements).to_dict()
        document["Statement"] += [] if extra is None else [extra]
        broker = json.dumps({"in": "", "arn": self.BROKER})
        people = (f"arn:aws:iam::{ACCOUNT}:user/ann",)
        scope = AgentScope(agent(), ACCOUNT)
        declared = dict([to_metadata(declaration(scope, broker=broker, apply_broker=broker, direct=people))])
        found = read({"R": role(f"mcp-guardrails-bot-{kind}", AssumeRolePolicyDocument=document)}, declared)
        assert found.decided  # what else is proved of it, is
        assert {u.rule for u in found.undecided} <= {TRUST}
        return [u.reason for u in found.undecided]

    @pytest.mark.parametrize("kind", ["read", "plan", "apply"])
    def test_the_librarys_own_is_fine(self, kind: str) -> None:
        assert self.reasons(kind, *minted("bot", kind, self.BROKER)) == []

    def test_that_of_the_other_kinds_is_too(self) -> None:
        account = cloudformation().resolve(VALUES)
        assert self.reasons("execution", account) == []
        assert self.reasons("read", *direct((f"arn:aws:iam::{ACCOUNT}:user/ann",)), nobody()) == []

    def test_an_extra_condition_only_takes_away(self) -> None:
        first, *rest = minted("bot", "read", self.BROKER)
        more = replace(first, conditions=(*first.conditions, ("Bool", "aws:SecureTransport", ("true",))))
        assert self.reasons("read", more, *rest) == []

    def test_a_condition_less_is_a_finding(self) -> None:
        first, *rest = minted("bot", "read", self.BROKER)
        [reason] = self.reasons("read", replace(first, conditions=first.conditions[1:]), *rest)
        assert "statement 'TrustBroker' of its trust policy lets" in reason

    @pytest.mark.parametrize(
        ("kind", "statements"),
        [
            ("apply", minted("bot", "read", BROKER)),
            ("read", minted("other", "read", BROKER)),
            ("read", minted("bot", "read", f"arn:aws:iam::{ACCOUNT}:role/else")),
            ("read", direct((f"arn:aws:iam::{ACCOUNT}:user/eve",))),
            ("apply", direct((f"arn:aws:iam::{ACCOUNT}:user/ann",))),
            ("read", (cloudformation(),)),
        ],
    )
    def test_others_are_a_finding(self, kind: str, statements: tuple[Statement, ...]) -> None:
        assert len(self.reasons(kind, *statements)) == 1

    @pytest.mark.parametrize(
        "extra",
        [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"},
            {"Effect": "Allow", "Action": "sts:*", "Principal": {"AWS": BROKER}},
            {"Effect": "Allow", "NotAction": "sts:AssumeRole", "Principal": {"AWS": BROKER}},
            {"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": BROKER}},
            {"Effect": "Allow", "Action": "sts:AssumeRoleWithSAML", "Principal": {"Federated": "x"}},
            {"Effect": "Maybe"},
        ],
    )
    def test_so_is_whatever_else_is_allowed_or_not_understood(self, extra: Json) -> None:
        assert len(self.reasons("read", *minted("bot", "read", self.BROKER), extra=extra)) == 1


def test_every_agent_has_its_four_roles_once() -> None:
    kinds = ("read", "plan", "apply", "execution")
    four = {kind.title(): role(f"mcp-guardrails-bot-{kind}") for kind in kinds}
    assert read(four).problems == ()
    [missing] = read({id_: made for id_, made in four.items() if id_ != "Plan"}).problems
    assert f"no template has its role '{PATH}mcp-guardrails-bot-plan', expected it once" in missing
    [double] = read({**four, "Again": role()}).problems
    assert "2 templates have its role" in double


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("mcp-guardrails-bot-read", "/"),
        ("MCP-Guardrails-Bot-Apply", "/team/"),
        ("acme-bot-read", "/acme/agents/bot/"),
    ],
)
def test_an_agents_name_elsewhere_is_undecided(name: str, path: str) -> None:
    [undecided] = read({"R": role(name, path)}).undecided
    assert "it has the name of an agent's role" in undecided.reason


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"agent": 1}, "expected an object with agent and prefix"),
        ({"prefix": "X"}, r"\.prefix: name prefix 'X' is not allowed"),
        ({"regions": {}}, r"\.regions: expected a list of objects"),
        ({"regions": [{"accounts": "x", "regions": []}]}, r"\.accounts: expected a list of strings"),
        ({"own": None}, r"\.own: expected a list of strings"),
        ({"own": ["*"]}, r"\.own: expected ARN patterns of six parts"),
        ({"own": ["arn:*:*:*:*:*"]}, r"\.own: expected ARN patterns of six parts"),
        ({"broker": 1}, r"\.broker: expected a list of strings"),
    ],
)
def test_a_malformed_declaration(change: Json, message: str) -> None:
    [(key, value)] = metadata(agent()).items()
    with pytest.raises(TemplateError, match=message):
        read({}, {key: {**value, **change}})


class TestWorkflowRoles:
    """The roles of the approval workflow are assumed by the services that run it, and by nobody else."""

    def problems(self, name: str, *principals: Json, effect: str = "Allow", key: str = "Principal") -> tuple[str, ...]:
        statements = [
            {"Sid": f"S{n}", "Effect": effect, "Action": "sts:AssumeRole", key: who} for n, who in enumerate(principals)
        ]
        made = role(name, "/", AssumeRolePolicyDocument={"Version": "2012-10-17", "Statement": statements})
        return tuple(p for p in read({"R": made}).problems if p.startswith(f"role '/{name}'"))

    @pytest.mark.parametrize(
        ("name", "principal"),
        [
            ("mcp-guardrails-approval-broker", {"Service": "lambda.amazonaws.com"}),
            ("mcp-guardrails-approval-workflow", {"Service": "states.amazonaws.com"}),
            ("mcp-guardrails-approval-terraform", {"Service": "codebuild.amazonaws.com"}),
            ("mcp-guardrails-approvals", {"AWS": "*"}),
            ("approval-broker", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}),
        ],
    )
    def test_let_through(self, name: str, principal: Json) -> None:
        assert self.problems(name, principal) == ()

    @pytest.mark.parametrize(
        ("name", "principal", "expected"),
        [
            ("broker", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "lambda.amazonaws.com alone"),
            ("broker", {"AWS": f"arn:aws:iam::{ACCOUNT}:role/admin"}, "lambda.amazonaws.com alone"),
            ("broker", {"AWS": "*"}, "lambda.amazonaws.com alone"),
            ("broker", {"Service": "ec2.amazonaws.com"}, "lambda.amazonaws.com alone"),
            ("record", {"AWS": f"arn:aws:iam::{OTHER}:root"}, "services of AWS alone"),
            ("record", {"Federated": "cognito-identity.amazonaws.com"}, "services of AWS alone"),
        ],
    )
    def test_found(self, name: str, principal: Json, expected: str) -> None:
        own = {"Service": "lambda.amazonaws.com"}
        [problem] = self.problems(f"mcp-guardrails-approval-{name}", own, principal)
        assert problem.startswith(f"role '/mcp-guardrails-approval-{name}' of template 'App': statement 'S1' of its tr")
        assert problem.endswith(f"trusts {next(iter(principal.values()))!r}, expected {expected}")

    def test_all_but_somebody(self) -> None:
        name = "mcp-guardrails-approval-broker"
        [problem] = self.problems(name, {"AWS": f"arn:aws:iam::{ACCOUNT}:role/x"}, key="NotPrincipal")
        assert problem.endswith("statement 'S0' of its trust policy allows all but what it names")
        assert self.problems(name, {"AWS": "*"}, effect="Deny") == ()

    def test_what_is_not_understood(self) -> None:
        made = role("mcp-guardrails-approval-broker", "/", AssumeRolePolicyDocument={"Fn::Sub": "x"})
        assert any("its trust policy is not understood" in problem for problem in read({"R": made}).problems)
