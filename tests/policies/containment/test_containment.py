"""The policies that contain: each statement is needed, within AWS's limits, and binds whom it should."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Request, Statement, evaluate
from sudo_mcp_guardrails.iam.catalogue import all_actions
from sudo_mcp_guardrails.iam.documents import MANAGED_POLICY_LIMIT, SCP_LIMIT, TRUST_POLICY_LIMIT
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.containment import names as named
from sudo_mcp_guardrails.policies.containment import responder_trust, responders, roles, scps
from sudo_mcp_guardrails.policies.containment.names import ContainmentPolicyError
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization.packs import PACKS
from sudo_mcp_guardrails.policies.registry import SCENARIOS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.scenario import Scenario

NAMES = GuardrailNames()
ACCOUNT = "111111111111"
VALUES = {"Partition": "aws", "AccountId": ACCOUNT, "Region": "eu-central-1"}
IAM = f"arn:aws:iam::{ACCOUNT}"
FUNCTION = f"{IAM}:role/mcp-guardrails/mcp-guardrails-responder"
ANYBODY = PolicyDocument(
    "open", (Statement("Anything", "Allow", actions=("*",), resources=("*",), principals=(("*", "*"),)),)
)
EVERYBODY = (Statement("Open", "Allow", actions=roles.ASSUMING, principals=(("*", "*"),)),)

DOCUMENTS: dict[str, tuple[PolicyDocument, str, tuple[Scenario, ...]]] = {
    "deny": (roles.deny_policy(), "identity", roles.DENY_SCENARIOS),
    "boundary": (roles.deny_boundary(), "boundary", roles.BOUNDARY_SCENARIOS),
    "trust": (roles.deny_trust(), "resource", roles.TRUST_SCENARIOS),
    "class": (scps.class_scp(NAMES, "release-*"), "scp", scps.CLASS_SCENARIOS),
    "one": (scps.class_scp(NAMES, "release-bot"), "scp", scps.CLASS_SCENARIOS),
    "all": (scps.all_scp(NAMES), "scp", scps.ALL_SCENARIOS),
    "response-trust": (responder_trust.response_trust(NAMES, [FUNCTION]), "resource", responder_trust.TRUST_SCENARIOS),
}
ROWS = [(name, scenario) for name, (_, _, found) in DOCUMENTS.items() for scenario in found]


def layers(document: PolicyDocument, layer: str) -> Layers:
    """The document, and everything around it open."""
    if layer == "identity":
        return Layers(identity=(FULL_ACCESS, document), resource=ANYBODY)
    if layer == "boundary":
        return Layers(
            identity=(FULL_ACCESS,),
            boundary=PolicyDocument("b", (*document.statements, *FULL_ACCESS.statements)),
            resource=ANYBODY,
        )
    if layer == "scp":
        return Layers(identity=(FULL_ACCESS,), resource=ANYBODY, scps=((FULL_ACCESS, document),))
    return Layers(identity=(FULL_ACCESS,), resource=PolicyDocument("t", (*document.statements, *EVERYBODY)))


def decision(scenario: Scenario, document: PolicyDocument, layer: str) -> Any:
    request = scenario.request(agent="release-bot", prefix="release-bot-", names=NAMES, values=VALUES)
    return evaluate(request, layers(document.resolve(VALUES), layer))


@pytest.mark.parametrize(("name", "scenario"), ROWS, ids=[f"{name}-{scenario.id}" for name, scenario in ROWS])
def test_each_scenario_is_decided_by_its_statement(name: str, scenario: Scenario) -> None:
    document, layer, _ = DOCUMENTS[name]
    found = decision(scenario, document, layer)
    assert found.allowed == scenario.allowed
    if scenario.sid:
        assert scenario.sid in {sid for _, sid in found.statements}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_each_deny_is_needed(name: str) -> None:
    document, layer, scenarios = DOCUMENTS[name]
    for statement in document.statements:
        if statement.effect != "Deny":
            continue
        less = document.without(statement.sid)
        changed = [s.id for s in scenarios if decision(s, less, layer).allowed != decision(s, document, layer).allowed]
        assert changed, statement.sid


@pytest.mark.parametrize("index", range(len(roles.ASSUMING)))
def test_each_action_of_the_trust_policy_is_needed(index: int) -> None:
    """An action that is missing lets somebody in who names it in a statement of his own."""
    action = roles.ASSUMING[index]
    role = f"{IAM}:role/mcp-guardrails/agents/a/mcp-guardrails-a-read"
    request = Request(action, role, Principal(f"{IAM}:user/ann"))
    document = roles.deny_trust()
    statement = document.statements[0]
    less = replace(statement, actions=tuple(a for a in statement.actions if a != action))
    assert not evaluate(request, layers(document, "resource")).allowed
    assert evaluate(request, layers(replace(document, statements=(less,)), "resource")).allowed


def test_sids_and_ids_are_unique_in_the_library() -> None:
    documents: list[PolicyDocument] = [
        *{id(d): d for n, (d, _, _) in DOCUMENTS.items() if n != "one"}.values(),
        responders.response_policy(NAMES, ["arn:aws:cloudformation:*:1:stack/a"]),
        responders.responder_policy(NAMES),
        responders.organization_policy(
            ["arn:aws:organizations::1:policy/o-1/p-1"], ["arn:aws:organizations::1:root/r"]
        ),
    ]
    sids = [statement.sid for document in documents for statement in document.statements]
    assert len(set(sids)) == len(sids)
    assert all(statement.reason for document in documents for statement in document.statements)
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

    others = {s.sid for pack in PACKS.values() for g in pack for s in g.build(OrganizationSettings())}
    assert not others & set(sids)
    ids = [scenario.id for name, scenario in ROWS if name != "one"]
    assert len(set(ids)) == len(ids)
    assert not set(ids) & {scenario.id for scenario in SCENARIOS}


def test_nothing_rests_on_a_tag() -> None:
    for document, _, _ in DOCUMENTS.values():
        keys = {key.lower() for statement in document.statements for _, key, _ in statement.conditions}
        assert keys <= {"aws:principalarn", "aws:viaawsmcpservice", "aws:calledviaawsmcp"}


def test_sizes() -> None:
    longest = GuardrailNames("a" + "b" * 19)
    assert roles.deny_policy().check_size(MANAGED_POLICY_LIMIT) < 200
    assert roles.deny_trust().check_size(TRUST_POLICY_LIMIT) < 400
    for document in (scps.class_scp(longest, "a" * 30 + "-*"), scps.all_scp(longest)):
        assert document.check_size(SCP_LIMIT) < 1_000
    policy = responders.response_policy(longest, [f"arn:aws:cloudformation:*:1:stack/{'x' * 40}{n}" for n in range(20)])
    assert policy.check_size(MANAGED_POLICY_LIMIT) < MANAGED_POLICY_LIMIT
    assert len(named.scp_name(longest, "a" * 30 + "-*")) <= 128


@pytest.mark.parametrize("pattern", ["*", "", "re*", "*-bot", "a-*-b", "A-*", "-*", "a b", "rel-*\n"])
def test_classes_that_are_none(pattern: str) -> None:
    with pytest.raises(ContainmentPolicyError, match="no class of agents"):
        scps.class_scp(NAMES, pattern)


class TestResponseRole:
    """What the role may do, and what it may not."""

    POLICY = responders.response_policy(NAMES, [f"arn:aws:cloudformation:*:{ACCOUNT}:stack/release-bot-*"])
    ROLE = f"{IAM}:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-apply"

    def allowed(self, action: str, resource: str, **context: str) -> bool:
        caller = Principal(f"{IAM}:role/mcp-guardrails/response/mcp-guardrails-response", session="i")
        request = Request(action, resource, caller, {k.replace("_", ":"): v for k, v in context.items()})
        return evaluate(request, Layers(identity=(self.POLICY.resolve(VALUES),))).allowed

    def test_it_does_every_call_of_a_containment(self) -> None:
        deny = named.deny_arn(NAMES, partition="aws", account=ACCOUNT)
        contained = named.boundary_arn(NAMES, partition="aws", account=ACCOUNT)
        own = f"{IAM}:policy/mcp-guardrails/boundary/mcp-guardrails-agent-release-bot"
        shared = f"{IAM}:policy/mcp-guardrails/boundary/mcp-guardrails-execution"
        for action in ("iam:GetRole", "iam:ListAttachedRolePolicies", "iam:UpdateAssumeRolePolicy"):
            assert self.allowed(action, self.ROLE)
        for action in ("iam:AttachRolePolicy", "iam:DetachRolePolicy"):
            assert self.allowed(action, self.ROLE, iam_PolicyARN=deny)
        for boundary in (contained, own, shared):
            assert self.allowed("iam:PutRolePermissionsBoundary", self.ROLE, iam_PermissionsBoundary=boundary)
        stack = f"arn:aws:cloudformation:eu-central-1:{ACCOUNT}:stack/release-bot-api/1"
        for name in ("CancelUpdateStack", "DeleteChangeSet", "ListChangeSets"):
            assert self.allowed(f"cloudformation:{name}", stack)
        build = f"arn:aws:codebuild:eu-central-1:{ACCOUNT}:project/mcp-guardrails-approval-terraform-release-bot"
        for name in ("StopBuild", "ListBuildsForProject", "BatchGetBuilds"):
            assert self.allowed(f"codebuild:{name}", build)

    @pytest.mark.parametrize(
        ("action", "resource", "context"),
        [
            ("iam:AttachRolePolicy", ROLE, {"iam_PolicyARN": "arn:aws:iam::aws:policy/AdministratorAccess"}),
            ("iam:AttachRolePolicy", f"{IAM}:role/admin", {}),
            ("iam:DetachRolePolicy", ROLE, {"iam_PolicyARN": f"{IAM}:policy/mcp-guardrails/policies/x"}),
            ("iam:PutRolePermissionsBoundary", ROLE, {"iam_PermissionsBoundary": f"{IAM}:policy/mine"}),
            ("iam:DeleteRolePermissionsBoundary", ROLE, {}),
            ("iam:UpdateAssumeRolePolicy", f"{IAM}:role/admin", {}),
            ("iam:UpdateAssumeRolePolicy", f"{IAM}:role/mcp-guardrails/response/mcp-guardrails-response", {}),
            ("iam:PutRolePolicy", ROLE, {}),
            ("iam:CreatePolicyVersion", f"{IAM}:policy/mcp-guardrails/containment/mcp-guardrails-contained", {}),
            ("sts:AssumeRole", f"{IAM}:role/admin", {}),
            (
                "cloudformation:DeleteStack",
                f"arn:aws:cloudformation:eu-central-1:{ACCOUNT}:stack/release-bot-api/1",
                {},
            ),
            ("cloudformation:DeleteChangeSet", f"arn:aws:cloudformation:eu-central-1:{ACCOUNT}:stack/payroll/1", {}),
        ],
    )
    def test_and_nothing_else(self, action: str, resource: str, context: dict[str, str]) -> None:
        assert not self.allowed(action, resource, **context)

    def test_only_actions_that_there_are(self) -> None:
        known = {action.name for action in all_actions()}
        policies = (self.POLICY, responders.responder_policy(NAMES), self._organization())
        for document in policies:
            for statement in document.statements:
                assert set(statement.actions) <= known
                assert statement.effect == "Allow"

    def test_the_scps_that_it_attaches_are_named(self) -> None:
        scp, root = (
            "arn:aws:organizations::1:policy/o-1/service_control_policy/p-1",
            "arn:aws:organizations::1:root/o-1/r-1",
        )
        with pytest.raises(ContainmentPolicyError, match="expected whole ARNs"):
            responders.organization_policy([], [root])
        with pytest.raises(ContainmentPolicyError, match="expected whole ARNs"):
            responders.organization_policy([scp], ["arn:aws:organizations::1:root/*"])
        assert responders.organization_policy([scp], [root]).statements[0].resources == (scp, root)

    def _organization(self) -> PolicyDocument:
        return responders.organization_policy(
            ["arn:aws:organizations::1:policy/p"], ["arn:aws:organizations::1:root/r"]
        )

    @pytest.mark.parametrize(
        "trusted",
        [
            [],
            ["*"],
            [f"{IAM}:role/*"],
            [f"{IAM}:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-apply"],
            ["lambda.amazonaws.com"],
        ],
    )
    def test_who_may_not_be_trusted(self, trusted: list[str]) -> None:
        with pytest.raises(ContainmentPolicyError, match="expected the ARN of"):
            responder_trust.response_trust(NAMES, trusted)

    def test_the_function_becomes_the_roles_that_are_named_and_no_other(self) -> None:
        policy = responders.responder_policy(NAMES, ["222222222222"]).resolve(VALUES)
        caller = Principal(FUNCTION, session="i")
        role = named.response_arn(NAMES, partition="aws", account="222222222222")
        trust = PolicyDocument(
            "t", (Statement("T", "Allow", actions=("sts:AssumeRole",), principals=(("AWS", FUNCTION),)),)
        )
        for resource, wanted in (
            (role, True),
            (role.replace("2", "3"), False),
            ("arn:aws:iam::222222222222:role/admin", False),
        ):
            found = evaluate(Request("sts:AssumeRole", resource, caller), Layers(identity=(policy,), resource=trust))
            assert found.allowed is wanted
