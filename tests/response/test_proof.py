"""After each level nothing is allowed to whom it is about, and all is as it was for everybody else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.properties import CONTEXTS, Subject, prove_subject
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS, AgentPolicies
from sudo_mcp_guardrails.policies.containment.properties import contained_properties, responder_properties
from sudo_mcp_guardrails.policies.containment.roles import deny_trust
from sudo_mcp_guardrails.policies.naming import ROLE_KINDS
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.scope import AgentScope
from sudo_mcp_guardrails.policies.subjects import workload
from sudo_mcp_guardrails.response.levels import Level
from sudo_mcp_guardrails.response.plan import plan_containment
from sudo_mcp_guardrails.response.proof import applied, binding, closes_for_all, prove_contained, who_assumes
from sudo_mcp_guardrails.response.steps.step import Kind
from sudo_mcp_guardrails.state.targets import Target
from tests.response.estates import CAUSE, ESTATE, FIRST, NAMES, ORGANIZATION, OTHER, RELEASE, trust

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.iam.layers import Layers

VALUES: Final = {"Partition": "aws", "AccountId": FIRST, "Region": "eu-central-1"}
BOT, CLASS, ALL = Target.agent("release-bot"), Target.of_class("release-*"), Target.everyone()
PLANS: Final = {
    "K2": (plan_containment(ESTATE, BOT, Level.K2, CAUSE), ESTATE),
    "K3": (plan_containment(ORGANIZATION, CLASS, Level.K3, CAUSE), ORGANIZATION),
    "K4": (plan_containment(ORGANIZATION, ALL, Level.K4, CAUSE), ORGANIZATION),
    "K3-without-scps": (plan_containment(ESTATE, CLASS, Level.K3, CAUSE), ESTATE),
}
IDS: Final = ("everything", "role-chaining", "oauth")


def subject(agent: Agent, kind: str, *, layers: Layers | None = None) -> Subject:
    scope = AgentScope(agent, FIRST, proposes=True)
    arn = f"arn:aws:iam::{FIRST}:role{NAMES.role_path(agent.name)}{NAMES.role_name(agent.name, kind)}"
    return Subject(
        agent.name,
        kind,
        layers or AgentPolicies(scope).layers(kind, VALUES),
        Facts(Principal(arn, session="run-00000000000000000000000000")),
    )


def with_everything(kind: str = "apply") -> Subject:
    """A role of the agent that was given all there is, and lost its boundary."""
    from sudo_mcp_guardrails.iam.layers import Layers

    return subject(RELEASE, kind, layers=Layers(identity=(FULL_ACCESS,)))


class TestNothingIsAllowed:
    @pytest.mark.parametrize("level", PLANS)
    @pytest.mark.parametrize("kind", ROLE_KINDS)
    def test_any_action_in_any_context(self, level: str, kind: str) -> None:
        plan, estate = PLANS[level]
        results = list(prove_contained(plan, estate, [subject(RELEASE, kind), with_everything(kind)]))
        assert {result.proof.verdict for result in results} == {Verdict.PROVED}
        assert {result.context for result in results} == set(CONTEXTS)
        assert {result.property.id for result in results} == {f"invariant/contained-{name}" for name in IDS}

    @pytest.mark.parametrize("level", ["K3", "K4"])
    def test_also_for_the_roles_of_its_resources(self, level: str) -> None:
        plan, estate = PLANS[level]
        worker = workload(subject(RELEASE, "read"))
        assert {r.proof.verdict for r in prove_contained(plan, estate, [worker])} == {Verdict.PROVED}

    def test_before_everything_is_open_so_that_the_proof_is_the_plans_doing(self) -> None:
        results = list(prove_subject(with_everything(), contained_properties()))
        assert {result.proof.verdict for result in results} == {Verdict.WITNESS}
        found = list(prove_subject(subject(RELEASE, "apply"), contained_properties()))
        assert Verdict.WITNESS in {r.proof.verdict for r in found if r.property.id.endswith("everything")}

    @pytest.mark.parametrize("kept", [Kind.DENY, Kind.BOUNDARY])
    def test_policy_and_boundary_each_hold_alone(self, kept: Kind) -> None:
        plan, estate = PLANS["K2"]
        less = replace(plan, steps=tuple(step for step in plan.steps if step.kind is kept))
        results = prove_contained(less, estate, [with_everything()])
        assert {result.proof.verdict for result in results} == {Verdict.PROVED}

    def test_a_plan_that_forgets_a_role_is_no_proof(self) -> None:
        plan, estate = PLANS["K2"]
        name = NAMES.role_name("release-bot", "apply")
        less = replace(plan, steps=tuple(step for step in plan.steps if step.subject != name))
        results = prove_contained(less, estate, [with_everything()])
        assert Verdict.WITNESS in {result.proof.verdict for result in results}

    def test_freezing_changes_no_policy(self) -> None:
        plan = plan_containment(ESTATE, BOT, Level.K1, CAUSE)
        before = subject(RELEASE, "apply")
        assert applied(plan, ESTATE, before) is before


class TestOthersAreUnchanged:
    @pytest.mark.parametrize("level", ["K2", "K3", "K3-without-scps"])
    @pytest.mark.parametrize("kind", ROLE_KINDS)
    def test_an_agent_that_is_not_contained(self, level: str, kind: str) -> None:
        plan, estate = PLANS[level]
        assert binding(plan, estate, subject(OTHER, kind)) == ()

    def test_one_whose_name_begins_with_the_classs_without_its_hyphen(self) -> None:
        plan, estate = PLANS["K3"]
        near = replace(OTHER, name="released")
        assert binding(plan, estate, subject(near, "read")) == ()

    @pytest.mark.parametrize("level", PLANS)
    def test_the_contained_one_is_bound(self, level: str) -> None:
        plan, estate = PLANS[level]
        assert binding(plan, estate, subject(RELEASE, "read"))

    def test_a_person_is_bound_through_an_mcp_server_and_at_sign_in_to_one_alone(self) -> None:
        plan, estate = PLANS["K4"]
        person = subject(RELEASE, "read")
        person = replace(person, facts=Facts(Principal(f"arn:aws:iam::{FIRST}:role/admin", session="ann")))
        assert set(binding(plan, estate, person)) == {"ContainedViaMcp", "ContainedCalledViaMcp", "ContainedOAuth"}
        plan, estate = PLANS["K3"]
        assert binding(plan, estate, person) == ()

    def test_an_account_that_no_scp_binds_is_not_taken_for_bound(self) -> None:
        plan, estate = PLANS["K4"]
        before = subject(RELEASE, "read")
        assert applied(plan, replace(estate, unbound_accounts=(FIRST,)), before) is before


class TestNobodyAssumes:
    CALLERS: Final = (
        Principal(f"arn:aws:iam::{FIRST}:role/mcp-guardrails/mcp-guardrails-session-broker", session="b"),
        Principal(f"arn:aws:iam::{FIRST}:role/admin", session="ann"),
        Principal(f"arn:aws:iam::{FIRST}:user/ann", mfa_age=10),
        Principal(f"arn:aws:iam::{FIRST}:root"),
        Principal("arn:aws:iam::999999999999:role/outside", session="x"),
        Principal("cloudformation.amazonaws.com"),
        Principal("lambda.amazonaws.com"),
    )

    @pytest.mark.parametrize("kind", ROLE_KINDS)
    def test_once_it_is_contained(self, kind: str) -> None:
        role = subject(RELEASE, kind).facts.principal.arn
        closed = next(step for step in PLANS["K2"][0].steps if step.kind is Kind.TRUST).wanted["document"]
        assert who_assumes(closed, role, self.CALLERS) == ()
        assert closes_for_all(closed)
        assert not closes_for_all(trust(FIRST, "release-bot", kind))

    def test_before_cloudformation_could(self) -> None:
        role = subject(RELEASE, "execution").facts.principal.arn
        found = who_assumes(trust(FIRST, "release-bot", "execution"), role, self.CALLERS)
        assert [caller.arn for caller in found] == ["cloudformation.amazonaws.com"]

    def test_every_statement_and_action_is_needed(self) -> None:
        document = deny_trust()
        statement = document.statements[0]
        for action in statement.actions:
            less = replace(statement, actions=tuple(a for a in statement.actions if a != action))
            assert not closes_for_all(replace(document, statements=(less,)).to_json())
        some = replace(statement, conditions=(("Bool", "aws:SecureTransport", ("true",)),))
        assert not closes_for_all(replace(document, statements=(some,)).to_json())
        assert not closes_for_all(document.without("ContainedTrust").to_json())


class TestResponder:
    """No agent, contained or not, can use or change what contains it."""

    @pytest.mark.parametrize("kind", [*ROLE_KINDS, "workload"])
    @pytest.mark.parametrize("scps", [(), agent_scps()], ids=["boundary-alone", "with-scps"])
    def test_by_its_own_layers(self, kind: str, scps: tuple[object, ...]) -> None:
        layers = AgentPolicies(AgentScope(RELEASE, FIRST, proposes=True)).layers(
            "read" if kind == "workload" else kind,
            VALUES,
            scps=scps,  # type: ignore[arg-type]
        )
        role = subject(RELEASE, "read" if kind == "workload" else kind, layers=layers)
        role = workload(role) if kind == "workload" else role
        role = replace(role, own=(f"arn:aws:iam::{FIRST}:role/mcp-guardrails/agents/release-bot/workloads/*",))
        results = list(prove_subject(role, responder_properties(role, NAMES.prefix)))
        left = [(r.property.id, r.context, r.proof.reason) for r in results if r.proof.verdict is not Verdict.PROVED]
        assert left == []
        assert {result.property.id for result in results} == {
            f"invariant/contained-{name}"
            for name in (
                "responder-assumed",
                "responder-passed",
                "responder-changed",
                "policy-attached",
                "switch",
                "containment-asked",
                "containment-started",
                "containment-called",
                "finding-forged",
            )
        }

    @pytest.mark.parametrize("kind", ROLE_KINDS)
    def test_and_by_the_scps_of_agents_alone(self, kind: str) -> None:
        """Whatever policies somebody gave it, and without its boundary."""
        from sudo_mcp_guardrails.iam.layers import Layers

        scps = ((FULL_ACCESS, *(scp.resolve(VALUES) for scp in agent_scps())),)
        role = subject(RELEASE, kind, layers=Layers(identity=(FULL_ACCESS,), scps=scps))
        # One document for all agents: it tells roles of resources from agents' own, and not whose they are.
        role = replace(role, own=(f"arn:aws:iam::{FIRST}:role/mcp-guardrails/agents/*/workloads/*",))
        results = list(prove_subject(role, responder_properties(role, NAMES.prefix)))
        left = {r.property.id for r in results if r.proof.verdict is not Verdict.PROVED}
        # Plan roles call URLs of the guardrails, to propose. Their policies and boundary say of which: see above.
        assert left == ({"invariant/contained-containment-asked"} if kind == "plan" else set())

    @pytest.mark.parametrize(
        ("name", "action", "resource"),
        [
            ("containment-asked", "lambda:InvokeFunctionUrl", "lambda:{}:function:{prefix}-containment-intake"),
            (
                "containment-asked",
                "lambda:InvokeFunctionUrl",
                "lambda:{}:function:{prefix}-containment-decisions",
            ),
            ("containment-called", "lambda:InvokeFunction", "lambda:{}:function:{prefix}-containment-decisions"),
            ("containment-called", "lambda:InvokeFunction", "lambda:{}:function:{prefix}-responder"),
            ("containment-started", "states:StartExecution", "states:{}:stateMachine:{prefix}-containment"),
            ("containment-started", "states:StopExecution", "states:{}:execution:{prefix}-containment:1"),
        ],
    )
    def test_one_way_to_ask_is_a_witness(self, name: str, action: str, resource: str) -> None:
        from sudo_mcp_guardrails.iam.layers import Layers

        arn = f"arn:aws:{resource.format(f'eu-central-1:{FIRST}', prefix=NAMES.prefix)}"
        policy = PolicyDocument("one way", (Statement("OneWay", "Allow", (action,), resources=(arn,)),))
        role = subject(RELEASE, "plan", layers=Layers(identity=(policy,)))
        asked = [each for each in responder_properties(role, NAMES.prefix) if each.id.endswith(f"-{name}")]
        [found] = prove_subject(role, asked, {"direct": CONTEXTS["direct"]})
        assert found.proof.verdict is Verdict.WITNESS
        assert {each.action for each in found.proof.requests} == {action}

    def test_all_are_open_to_whoever_may_do_everything(self) -> None:
        role = with_everything()
        results = prove_subject(role, responder_properties(role, NAMES.prefix))
        assert {result.proof.verdict for result in results} == {Verdict.WITNESS}
