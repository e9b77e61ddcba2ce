"""The SCPs of agents: what they stop by themselves, what stays possible, and whom they do not bind."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Statement, evaluate
from sudo_mcp_guardrails.iam.catalogue import all_actions
from sudo_mcp_guardrails.iam.escalation import escalation_paths
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.properties import CONTEXTS, Property, prove_subject
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization import agents
from sudo_mcp_guardrails.policies.organization.agents import credentials, direct, steering
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
from sudo_mcp_guardrails.policies.organization.packs import PACKS, QUOTAS, agent_scps, document
from sudo_mcp_guardrails.policies.organization.proof import KINDS, asked_of, lost_by_others, new_agents
from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings
from sudo_mcp_guardrails.policies.registry import SCENARIOS
from sudo_mcp_guardrails.policies.sensitive import sensitive_actions

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.bundle import AgentPolicies
    from sudo_mcp_guardrails.policies.scenario import Scenario

NAMES = GuardrailNames()
VALUES = {"Partition": "aws", "AccountId": "111111111111", "Region": "us-east-1"}
STEPS = {*credentials.STEPS, *direct.STEPS, *steering.STEPS}
RESOLVED = tuple(scp.resolve(VALUES) for scp in agent_scps())
PATHS = [Property(path.id, path.title, path.steps) for path in escalation_paths()]


def open_sets(scps: tuple[PolicyDocument, ...]) -> set[tuple[str, str]]:
    """Return (role, path) of what a new agent role can do that may do everything."""
    found = set()
    for subject in new_agents(scps, NAMES):
        asked = [replace(path, steps=asked_of(subject, path.steps, NAMES)) for path in PATHS]
        for result in prove_subject(subject, asked):
            if result.proof.verdict is not Verdict.PROVED:
                found.add((subject.capability, result.property.id))
    return found


class TestNewAgents:
    def test_every_path_is_blocked_by_two_scps_alone(self) -> None:
        assert len(PATHS) >= 80
        assert len(agent_scps()) == 2
        assert open_sets(agent_scps()) == set()

    def test_without_them_every_path_is_open(self) -> None:
        nothing = PolicyDocument("none", (Statement("None", "Deny", actions=("none:None",), resources=("*",)),))
        assert open_sets((nothing,)) == {(kind, path.id) for kind in KINDS for path in PATHS}

    @pytest.mark.parametrize(
        "sid",
        [
            *("AgentsIdentities", "AgentsRoleChanges", "AgentsSessions", "AgentsMembership", "AgentsStacks"),
            *("AgentsDirect", "AgentsAssets", "AgentsCredentials", "AgentsSignIn", "AgentsSteering"),
            *("AgentsBuilds", "AgentsExecuteChangeSet", "AgentsPassRole"),
        ],
    )
    def test_each_that_stops_a_path_is_needed(self, sid: str) -> None:
        less = tuple(d.without(sid) if sid in {s.sid for s in d.statements} else d for d in agent_scps())
        opened = open_sets(less)
        assert opened

    @pytest.mark.parametrize(
        ("sids", "opened"),
        [
            (("AgentsCreateChangeSet", "AgentsExecuteChangeSet", "AgentsChangeSetRole"), "cloudformation-change-set"),
            (("AgentsRolesElsewhere", "AgentsRoleChanges", "AgentsRolesNeedBoundary"), "iam-put-role-policy"),
        ],
    )
    def test_those_that_overlap_are_needed_together(self, sids: tuple[str, ...], opened: str) -> None:
        less = agent_scps()
        for sid in sids:
            less = tuple(d.without(sid) if sid in {s.sid for s in d.statements} else d for d in less)
        assert opened in {path for _, path in open_sets(less)}

    def test_what_agents_may_do_directly_opens_its_paths(self) -> None:
        settings = OrganizationSettings(direct_actions=("lambda:UpdateFunctionCode",))
        assert {path for _, path in open_sets(agent_scps(settings))} == {"lambda-update-code"}

    def test_an_execution_role_is_left_to_its_own_boundary_for_the_rest(self) -> None:
        layers = next(new_agents(agent_scps(), NAMES)).layers
        role = "arn:aws:iam::111111111111:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-execution"
        prover = Prover(layers, Facts(Principal(role, session="s")))
        blocked = [p for p in PATHS if prover.prove(p.steps).verdict is Verdict.PROVED]
        # What it is; a change is looked at, and written into docs/organization.md.
        assert len(blocked) == 160

    def test_every_step_is_an_action_that_there_is(self) -> None:
        assert {action.name for action in all_actions()} >= STEPS

    def test_a_credential_that_is_left_has_a_reason(self) -> None:
        """The rest of the class: descriptions, public calls, and what pulling an image or reading a bucket takes."""
        left = {
            *("appsync:ListApiKeys", "athena:GetSession", "chatbot:GetMicrosoftTeamsOauthParameters"),
            *("chatbot:GetSlackOauthParameters", "cognito-idp:GetSigningCertificate"),
            *("cognito-idp:GetTokensFromRefreshToken", "cognito-idp:GetUserAttributeVerificationCode"),
            *("connect:ListSecurityKeys", "directconnect:DescribeVirtualInterfaces", "ec2:DescribeVpnConnections"),
            *("ecr-public:GetAuthorizationToken", "ecr:GetAuthorizationToken", "elasticache:Connect"),
            *("glue:GetDashboardUrl", "lightsail:GetBucketAccessKeys", "lightsail:GetKeyPair", "lightsail:GetKeyPairs"),
            *("memorydb:Connect", "s3express:CreateSession", "snowball:GetJobUnlockCode"),
            *("waf-regional:GetChangeToken", "waf:GetChangeToken"),
        }
        subject = next(new_agents(agent_scps(), NAMES))
        proofs = Prover(subject.layers, subject.facts).actions(sensitive_actions(SensitiveRead.CREDENTIAL))
        assert {name for name, proof in proofs.items() if proof.verdict is not Verdict.PROVED} == left


class TestApplyWork:
    """What the roles of an agent are for stays possible."""

    @pytest.mark.parametrize("scenario", [s for s in SCENARIOS if s.allowed], ids=lambda s: s.id)
    def test_scenario_by_scenario(self, scenario: Scenario, policies: AgentPolicies) -> None:
        request = scenario.request(
            agent=policies.scope.agent.name,
            prefix=policies.scope.agent.prefixes(policies.scope.environments[0])[0],
            names=policies.scope.names,
            values=VALUES,
        )
        layers = policies.layers(scenario.capability, VALUES, scps=agent_scps())
        assert evaluate(request, layers).allowed
        # The prover finds such a request too, so that it is the SCPs' doing and not the scenario's luck.
        step = Statement("Work", "Allow", actions=(scenario.action,), resources=(request.resource,))
        known = {key: (value,) for key, value in request.context.items()}
        proof = Prover(layers, Facts(request.principal, known=known)).prove((step,))
        assert proof.verdict is Verdict.WITNESS

    @pytest.mark.parametrize("capability", ["read", "plan", "apply", "execution"])
    def test_what_a_role_loses_is_steps_of_escalation_paths_alone(
        self, capability: str, policies: AgentPolicies
    ) -> None:
        principal = Principal(
            f"arn:aws:iam::111111111111:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-{capability}",
            session="run",
        )
        facts = Facts(principal, resource_policies="none")
        before = Prover(policies.layers(capability, VALUES), facts)
        after = Prover(policies.layers(capability, VALUES, scps=agent_scps()), facts)
        names = [
            a for d in policies.identity(capability) for s in d.statements if s.effect == "Allow" for a in s.actions
        ]
        allowed = {n for n, p in before.actions(names).items() if p.verdict is Verdict.WITNESS}
        still = {n for n, p in after.actions(names).items() if p.verdict is Verdict.WITNESS}
        assert allowed - still <= STEPS
        assert capability == "apply" or allowed <= still


class TestNobodyElse:
    def test_nobody_else_loses_anything(self) -> None:
        assert lost_by_others(RESOLVED, NAMES) == ()

    @pytest.mark.parametrize(
        "conditions",
        [
            (),
            (("ArnLike", "aws:PrincipalArn", ("arn:*:iam::*:role/mcp-guardrails/agents/*", "arn:*:iam::*:role/x/*")),),
            (("ArnLikeIfExists", "aws:PrincipalArn", ("arn:*:iam::*:role/mcp-guardrails/agents/*",)),),
            (("ForAnyValue:ArnLike", "aws:PrincipalArn", ("arn:*:iam::*:role/mcp-guardrails/agents/*",)),),
            (("StringLike", "aws:PrincipalArn", ("arn:*:iam::*:role/mcp-guardrails/agents/*",)),),
            (("ArnNotLike", "aws:PrincipalArn", ("arn:*:iam::*:role/mcp-guardrails/agents/*",)),),
            (("ArnLike", "aws:PrincipalArn", ("arn:*:iam::*:role/mcp-*",)),),
            (("ArnLike", "aws:SourceArn", ("arn:*:iam::*:role/mcp-guardrails/agents/*",)),),
            (("StringEquals", "aws:PrincipalType", ("User",)),),
        ],
    )
    def test_a_deny_that_may_bind_others_is_found(self, conditions: Any) -> None:
        statement = replace(RESOLVED[0].statements[0], conditions=conditions)
        assert statement.sid in lost_by_others((PolicyDocument("p", (statement,)),), NAMES)[0]

    @pytest.mark.parametrize("principal", ["user/ann", "role/admin", "role/mcp-guardrails/broker", "role/agents/x"])
    def test_by_example(self, principal: str) -> None:
        who = Principal(f"arn:aws:iam::111111111111:{principal}", session=None if "user" in principal else "s")
        layers = Layers(identity=(FULL_ACCESS,), scps=((FULL_ACCESS, *RESOLVED),))
        for scenario in agents.SCENARIOS:
            request = scenario.request(agent="bot", prefix="bot-", names=NAMES, values=VALUES)
            assert not evaluate(replace(request, principal=who), layers).explicit


class TestDocuments:
    def test_they_fit_and_are_the_same_every_time(self) -> None:
        sizes = [len(json.dumps(d.to_dict(), separators=(",", ":"))) for d in agent_scps()]
        assert max(sizes) <= QUOTAS[PolicyKind.SCP].characters
        agent_scps.cache_clear()
        assert [d.to_dict() for d in agent_scps()] == [d.to_dict() for d in agent_scps(OrganizationSettings())]

    def test_with_regions_there_is_one_more(self) -> None:
        settings = OrganizationSettings(regions=("eu-central-1", "eu-west-1"))
        assert len(agent_scps(settings)) == 3
        assert "AgentsRegions" in {s.sid for d in agent_scps(settings) for s in d.statements}

    def test_every_guardrail_says_why(self) -> None:
        whole = document(["agents"], OrganizationSettings(regions=("us-east-1",)))
        assert all(s.reason and s.effect == "Deny" and s.conditions for s in whole.statements)
        assert len({s.sid for s in whole.statements}) == len(whole.statements)
        ids = [g.id for g in PACKS["agents"]]
        assert len(set(ids)) == len(ids)
        assert all(g.stops for g in PACKS["agents"])

    def test_every_context_is_asked(self) -> None:
        assert len(CONTEXTS) == 3
