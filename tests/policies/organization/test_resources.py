"""The RCPs: who reaches the organization's data, who signs in all the same, and what AWS takes as an RCP."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Statement
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.lint import Kind, lint
from sudo_mcp_guardrails.iam.lint_rules.elements import RCP_LIMIT
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.rcp import supports_rcps
from sudo_mcp_guardrails.iam.request import Principal, Request
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization import resources
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
from sudo_mcp_guardrails.policies.organization.packs import document, packed
from sudo_mcp_guardrails.policies.organization.reference import ORGANIZATION, REFERENCE, VENDOR
from sudo_mcp_guardrails.policies.organization.resources._parts import DATA, ROLES
from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.iam import Decision
    from sudo_mcp_guardrails.iam.verdict import Proof
    from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail
    from sudo_mcp_guardrails.policies.scenario import Scenario

    Decide = Callable[..., Decision]

GUARDRAILS = resources.GUARDRAILS
RULES = {g.id: PolicyDocument(g.id, g.build(REFERENCE)) for g in GUARDRAILS}
STATEMENTS = [(g, s) for g in GUARDRAILS for s in g.build(REFERENCE)]
SCENARIOS = [(g, s) for g in GUARDRAILS for s in g.scenarios]
WHOLE = document(["perimeter"], REFERENCE)
KEY = "arn:aws:kms:us-east-1:111111111111:key/0123"
VALUES = {"Partition": "aws", "AccountId": "111111111111", "Region": "us-east-1"}
OPEN = PolicyDocument(
    "open", (Statement("Anything", "Allow", actions=("*",), resources=("*",), principals=(("*", "*"),)),)
)
MEMBER = Principal("arn:aws:iam::111111111111:role/ann", session="x")
STRANGER = Principal("arn:aws:iam::888888888888:role/somebody", session="x")


def agrees(scenario: Scenario, decision: Decision) -> bool:
    return decision.allowed == scenario.allowed and (
        not scenario.sid or (scenario.layer, scenario.sid) in decision.statements
    )


class TestScenarios:
    @pytest.mark.parametrize(("guardrail", "scenario"), SCENARIOS, ids=lambda x: x.id)
    def test_decides_as_stated(self, guardrail: OrganizationGuardrail, scenario: Scenario, decide: Decide) -> None:
        decision = decide(scenario, RULES[guardrail.id], guardrail.kind)
        assert agrees(scenario, decision), str(decision)

    @pytest.mark.parametrize(("guardrail", "statement"), STATEMENTS, ids=lambda x: getattr(x, "sid", ""))
    def test_without_a_statement_or_condition_a_scenario_fails(
        self, guardrail: OrganizationGuardrail, statement: Statement, decide: Decide
    ) -> None:
        whole = RULES[guardrail.id]
        mutants = {"statement": whole.without(statement.sid)}
        for place, condition in enumerate(statement.conditions):
            kept = statement.conditions[:place] + statement.conditions[place + 1 :]
            changed = tuple(replace(s, conditions=kept) if s.sid == statement.sid else s for s in whole.statements)
            mutants[str(condition)] = PolicyDocument("mutant", changed)
        survivors = [
            name
            for name, mutant in mutants.items()
            if all(agrees(s, decide(s, mutant, guardrail.kind)) for s in guardrail.scenarios)
        ]
        assert survivors == []

    @pytest.mark.parametrize("kept", ["execution", "AWSControlTowerExecution"])
    def test_each_role_that_networks_let_through_is_needed(self, kept: str, decide: Decide) -> None:
        whole = RULES["perimeter-networks"]
        for statement in whole.statements:
            [(operator, key, patterns)] = [c for c in statement.conditions if c[1] == "aws:PrincipalArn"]
            fewer = (operator, key, tuple(p for p in patterns if not p.endswith(kept)))
            assert len(fewer[2]) == len(patterns) - 1
            conditions = tuple(fewer if c[1] == key else c for c in statement.conditions)
            mutant = PolicyDocument(
                "mutant",
                tuple(replace(s, conditions=conditions) if s is statement else s for s in whole.statements),
            )
            assert [
                s.id for g, s in SCENARIOS if g.id == whole.name and not agrees(s, decide(s, mutant, PolicyKind.RCP))
            ]

    @pytest.mark.parametrize("pattern", [*DATA, *ROLES])
    def test_without_any_action_a_scenario_fails(self, pattern: str, decide: Decide) -> None:
        whole = RULES["perimeter-identities"]
        fewer = tuple(replace(s, actions=tuple(a for a in s.actions if a != pattern)) for s in whole.statements)
        mutant = PolicyDocument("mutant", fewer)
        wrong = [s.id for s in GUARDRAILS[0].scenarios if not agrees(s, decide(s, mutant, PolicyKind.RCP))]
        assert wrong


class TestEverybody:
    """Beside the scenarios: requests whose keys are lists, or are absent."""

    @pytest.mark.parametrize("action", ["s3:GetObject", "s3:ListBucket", "sqs:ReceiveMessage"])
    def test_nobody_in_particular_gets_nothing(self, action: str, decide: Decide) -> None:
        """An unsigned request has no key of a principal at all, that of services included."""
        keys = ("PrincipalArn", "PrincipalAccount", "PrincipalType", "PrincipalIsAWSService", "ViaAWSMCPService")
        request = Request(action, "arn:aws:s3:::payroll/x", STRANGER, {f"aws:{key}": () for key in keys})
        decision = decide(request, WHOLE, PolicyKind.RCP)
        assert not decision.allowed
        assert ("rcp", "PerimeterIdentities") in decision.statements

    def test_a_member_through_mcp_works(self, decide: Decide) -> None:
        context = {"aws:PrincipalOrgID": ORGANIZATION, "aws:ViaAWSMCPService": "true"}
        agent = Principal("arn:aws:iam::111111111111:role/mcp-guardrails/agents/a/mcp-guardrails-a-read", session="run")
        assert decide(Request("kms:Decrypt", KEY, agent, context), WHOLE, PolicyKind.RCP).allowed

    @pytest.mark.parametrize("path", ["/acme/agents/a/acme-a-execution", "/acme/agents/a/acme-a-plan"])
    def test_networks_know_the_execution_roles_of_another_prefix(self, path: str, decide: Decide) -> None:
        rcp = document(["perimeter"], replace(REFERENCE, names=GuardrailNames("acme"), exempt=()))
        agent = Principal(f"arn:aws:iam::111111111111:role{path}", session="x")
        request = Request("kms:Decrypt", KEY, agent, {"aws:PrincipalOrgID": ORGANIZATION, "aws:SourceIp": "192.0.2.1"})
        assert decide(request, rcp, PolicyKind.RCP).allowed == path.endswith("-execution")

    @pytest.mark.parametrize(
        "action",
        ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"],
    )
    def test_sign_in_from_outside_goes_on_working(self, action: str, decide: Decide) -> None:
        """Whoever signs in by SAML or OIDC is in no organization yet, and may bring session tags."""
        role = "arn:aws:iam::111111111111:role/deploy"
        assert decide(Request(action, role, STRANGER), WHOLE, PolicyKind.RCP).allowed
        assert not decide(Request("sts:AssumeRole", role, STRANGER), WHOLE, PolicyKind.RCP).allowed

    def test_service_linked_roles_are_not_bound(self, decide: Decide) -> None:
        linked = Principal("arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/X", session="x")
        context = {"aws:PrincipalOrgID": "o-zzzzzzzzzz"}
        assert decide(Request("kms:Decrypt", KEY, linked, context), WHOLE, PolicyKind.RCP).allowed

    def test_services_without_rcps_are_not_bound(self, decide: Decide) -> None:
        """What the perimeter does not reach: it promises nothing of services that take no RCP."""
        assert not supports_rcps("lambda:InvokeFunction")
        function = "arn:aws:lambda:us-east-1:111111111111:function:f"
        assert decide(Request("lambda:InvokeFunction", function, STRANGER), WHOLE, PolicyKind.RCP).allowed


class TestProved:
    """For every action of a service, whatever the rest of the request, and though every resource is shared with all."""

    @pytest.mark.parametrize("pattern", [*DATA, *ROLES])
    @pytest.mark.parametrize("organization", ["o-zzzzzzzzzz", None])
    def test_no_stranger_gets_in(self, pattern: str, organization: str | None) -> None:
        assert self._ask(WHOLE, STRANGER, organization, pattern).verdict is Verdict.PROVED

    @pytest.mark.parametrize("pattern", [*DATA, *ROLES])
    def test_a_member_and_a_trusted_account_do(self, pattern: str) -> None:
        assert self._ask(WHOLE, MEMBER, ORGANIZATION, pattern).verdict is Verdict.WITNESS
        vendor = Principal(f"arn:aws:iam::{VENDOR}:role/collector", session="x")
        assert self._ask(WHOLE, vendor, "o-zzzzzzzzzz", pattern).verdict is Verdict.WITNESS

    @pytest.mark.parametrize("sid", ["PerimeterIdentities", "PerimeterBuckets"])
    def test_by_no_other_statement_than_these(self, sid: str) -> None:
        """Without the first every bucket is open, but for the guardrails' own."""
        proof = self._ask(WHOLE.without(sid), STRANGER, "o-zzzzzzzzzz", "s3:*")
        assert (proof.verdict is Verdict.WITNESS) == (sid == "PerimeterIdentities")
        own = "arn:aws:s3:::mcp-guardrails-trail/*"
        assert self._ask(WHOLE.without(sid), STRANGER, None, "s3:GetObject", own).verdict is Verdict.PROVED

    @staticmethod
    def _ask(rcp: PolicyDocument, who: Principal, organization: str | None, pattern: str, on: str = "*") -> Proof:
        layers = Layers(identity=(FULL_ACCESS,), rcps=((OPEN, rcp.resolve(VALUES)),), resource=OPEN)
        question = Statement("Q", "Allow", actions=(pattern,), resources=(on,))
        return Prover(layers, Facts(who, {"aws:PrincipalOrgID": (organization,)})).prove([question])


class TestDocument:
    def test_is_what_aws_takes(self) -> None:
        for _, statement in STATEMENTS:
            assert statement.effect == "Deny"
            assert statement.principals == (("*", "*"),)
            assert not statement.not_actions
            assert [a for a in statement.actions if not supports_rcps(a)] == []
        assert lint(WHOLE, Kind.RCP) == ()

    def test_is_one_rcp(self) -> None:
        found = packed(["perimeter"], REFERENCE)
        assert found is not None
        assert len(found.documents) == 1
        assert found.documents[0].check_size(RCP_LIMIT) <= RCP_LIMIT
        assert found.documents[0].to_dict()["Statement"][0]["Principal"] == "*"

    def test_every_statement_is_named_and_says_why(self) -> None:
        sids = [s.sid for _, s in STATEMENTS]
        assert len(set(sids)) == len(sids)
        assert {s.sid for _, s in SCENARIOS} - {""} == set(sids)
        assert all(s.reason and s.sid.isalnum() and s.sid.startswith("Perimeter") for _, s in STATEMENTS)
        assert all(g.stops and g.kind is PolicyKind.RCP for g in GUARDRAILS)

    def test_without_an_organization_there_is_none(self) -> None:
        assert packed(["perimeter"], OrganizationSettings()) is None
        assert packed(["perimeter"], OrganizationSettings(networks=("203.0.113.0/24",))) is None

    def test_without_networks_there_is_no_limit_of_them(self) -> None:
        sids = {s.sid for s in document(["perimeter"], OrganizationSettings(organization_id=ORGANIZATION)).statements}
        assert sids == {"PerimeterIdentities", "PerimeterDeputies", "PerimeterBuckets"}

    def test_without_trusted_accounts_nobody_outside_is_let_through(self, decide: Decide) -> None:
        strict = document(["perimeter"], replace(REFERENCE, trusted_accounts=()))
        vendors = [s for _, s in SCENARIOS if s.id in {"vendor-reads", "deputy-of-vendor"}]
        assert len(vendors) == 2
        for scenario in vendors:
            assert decide(scenario, WHOLE, PolicyKind.RCP).allowed
            assert not decide(scenario, strict, PolicyKind.RCP).allowed
