"""Approvals: what no agent may do to them is proved of every role, each proof can fail, and other work goes on."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment, SensitiveRead
from sudo_mcp_guardrails.approval.session.grants import _OVERRIDES
from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Principal, Request, Statement, evaluate
from sudo_mcp_guardrails.iam.properties import CONTEXTS, prove_subject
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.approvals import TASKS, approval_properties
from sudo_mcp_guardrails.policies.boundary.approved import OVERRIDES
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS, AgentPolicies
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.organization.proof import new_agents
from sudo_mcp_guardrails.policies.scope import AgentScope
from tests.policies.test_invariants import ACCOUNT, CAPABILITIES, roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.properties import Property, Subject

PREFIX = "mcp-guardrails"
PROJECT = f"codebuild:us-east-1:{ACCOUNT}:project/{PREFIX}-approval-terraform-flow-bot"
SANDBOX = AgentEnvironment.sandbox(ACCOUNT, regions=["us-east-1"])
VALUES = {"Partition": "aws", "AccountId": ACCOUNT, "Region": "us-east-1"}
DIRECT = {"direct": CONTEXTS["direct"]}


def agent(*services: str, resources: tuple[str, ...] = (), reads: tuple[SensitiveRead, ...] = ()) -> Agent:
    return Agent(
        "flow-bot",
        owner="platform@example.com",
        services=services,
        environments=[SANDBOX],
        resources=resources,
        sensitive_reads=reads,
    )


# Together they hold every service that the workflow is made of; one agent's boundary would be too large for them.
AGENTS = {
    "its state machines and tables": agent("states", "dynamodb"),
    "its functions and objects": agent("lambda", "s3"),
    "its logs and queues, which it may read": agent("logs", "sqs", reads=(SensitiveRead.LOG, SensitiveRead.BULK_DATA)),
    "its state machines, which it may read": agent(
        "states", "dynamodb", reads=(SensitiveRead.LOG, SensitiveRead.BULK_DATA, SensitiveRead.CONFIGURATION)
    ),
    "events and topics": agent("events", "sns"),
    "builds": agent("codebuild"),
    "keys of its own": agent("s3", resources=(f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1*",)),
    "no service of the workflow": agent("sns"),
}


@cache
def subjects(name: str, *, proposes: bool) -> tuple[Subject, ...]:
    return tuple(roles(AGENTS[name], proposes=proposes))


def asked(subject: Subject) -> dict[str, Property]:
    return {p.id.removeprefix("invariant/approval-"): p for p in approval_properties(subject, PREFIX)}


def not_proved(subject: Subject, contexts: object = DIRECT) -> set[str]:
    found = prove_subject(subject, asked(subject).values(), contexts)  # type: ignore[arg-type]
    return {r.property.id.removeprefix("invariant/approval-") for r in found if r.proof.verdict is not Verdict.PROVED}


@pytest.mark.parametrize("proposes", [True, False])
@pytest.mark.parametrize("name", AGENTS)
def test_every_property_of_every_role_in_every_context(name: str, *, proposes: bool) -> None:
    found = subjects(name, proposes=proposes)
    assert {subject.capability for subject in found} == CAPABILITIES
    assert [(s.capability, not_proved(s, CONTEXTS)) for s in found if not_proved(s, CONTEXTS)] == []


def test_they_are_asked_of_every_role() -> None:
    names = {s.capability: set(asked(s)) for s in subjects("no service of the workflow", proposes=True)}
    every = {"tokens", "records", "executions", "tasks", "functions", "calls", "urls", "keys", "aliases", "broker"}
    every |= {"builds", "commands", "plans"}
    assert names == {c: every if c == "plan" else every | {"proposals"} for c in CAPABILITIES}


class TestEachCanFail:
    @pytest.mark.parametrize("capability", sorted(CAPABILITIES))
    def test_a_role_that_may_do_anything_breaks_them_all(self, capability: str) -> None:
        subject = next(s for s in subjects("no service of the workflow", proposes=True) if s.capability == capability)
        free = replace(subject, layers=Layers(identity=(FULL_ACCESS,)))
        assert not_proved(free) == set(asked(free))

    @pytest.mark.parametrize(
        ("name", "action", "resource"),
        [
            ("tokens", "dynamodb:GetItem", f"dynamodb:us-east-1:{ACCOUNT}:table/{PREFIX}-approval-tokens"),
            ("tokens", "dynamodb:ConditionCheckItem", f"dynamodb:us-east-1:{ACCOUNT}:table/{PREFIX}-approval-tokens"),
            ("tokens", "states:GetExecutionHistory", f"states:us-east-1:{ACCOUNT}:execution:{PREFIX}-approval:apr-1"),
            ("tokens", "logs:Unmask", f"logs:us-east-1:{ACCOUNT}:log-group:/aws/vendedlogs/states/{PREFIX}-approval"),
            ("records", "dynamodb:PutItem", f"dynamodb:us-east-1:{ACCOUNT}:table/{PREFIX}-approval-trust"),
            ("records", "dynamodb:UpdateItem", f"dynamodb:us-east-1:{ACCOUNT}:table/{PREFIX}-runs"),
            ("records", "s3:PutObject", f"s3:::{PREFIX}-approval-evidence-{ACCOUNT}-us-east-1/records/x"),
            ("plans", "s3:GetObject", f"s3:::{PREFIX}-approval-evidence-{ACCOUNT}-us-east-1/plans/x"),
            ("plans", "s3:GetObjectVersion", f"s3:::{PREFIX}-approval-evidence-{ACCOUNT}-us-east-1/plans/x"),
            ("executions", "states:RedriveExecution", f"states:us-east-1:{ACCOUNT}:execution:{PREFIX}-approval:apr-1"),
            ("executions", "states:StartExecution", f"states:us-east-1:{ACCOUNT}:stateMachine:{PREFIX}-approval"),
            ("functions", "lambda:UpdateFunctionCode", f"lambda:us-east-1:{ACCOUNT}:function:{PREFIX}-approval-broker"),
            ("calls", "lambda:InvokeFunction", f"lambda:us-east-1:{ACCOUNT}:function:{PREFIX}-approval-intake"),
            ("urls", "lambda:InvokeFunctionUrl", f"lambda:us-east-1:{ACCOUNT}:function:{PREFIX}-approval-api"),
            ("proposals", "lambda:InvokeFunctionUrl", f"lambda:us-east-1:{ACCOUNT}:function:{PREFIX}-approval-intake"),
            ("builds", "codebuild:UpdateProject", PROJECT),
            (
                "builds",
                "codebuild:BatchGetProjects",
                PROJECT,
            ),
            ("builds", "codebuild:RetryBuild", PROJECT),
            ("commands", "codebuild:StartBuild", PROJECT),
            ("keys", "kms:Sign", f"kms:us-east-1:{ACCOUNT}:key/1"),
            ("aliases", "kms:UpdateAlias", f"kms:us-east-1:{ACCOUNT}:alias/{PREFIX}-approval-decision"),
            ("broker", "sts:AssumeRole", f"iam::{ACCOUNT}:role/{PREFIX}/agents/other/{PREFIX}-other-apply"),
            *(("tasks", action, "*") for action in TASKS),
        ],
    )
    def test_one_action_too_many(self, name: str, action: str, resource: str) -> None:
        arn = resource if resource == "*" else f"arn:aws:{resource}"
        found = subjects("no service of the workflow", proposes=False)
        subject = next(s for s in found if s.capability == "apply")
        oops = PolicyDocument("p", (Statement("Oops", "Allow", actions=(action,), resources=(arn,)),))
        # A Deny of all else keeps what resource policies might grant out of it.
        rest = Statement("Rest", "Deny", not_actions=(action,), resources=("*",))
        tight = Statement("Tight", "Deny", actions=(action,), not_resources=(arn,))
        layers = Layers(identity=(oops,), boundary=PolicyDocument("b", (*FULL_ACCESS.statements, rest, tight)))
        assert not_proved(replace(subject, layers=layers)) == {name}


class TestMutation:
    """Without a guardrail, beside an ``Allow *`` in the layers around it, something is no longer proved."""

    @staticmethod
    def opened(name: str, capability: str, sid: str) -> set[str]:
        subject = next(s for s in subjects(name, proposes=True) if s.capability == capability)
        boundary = subject.layers.boundary
        assert boundary is not None
        assert sid in {s.sid for s in boundary.statements}
        alone = replace(subject, layers=Layers(identity=(FULL_ACCESS,), boundary=boundary))
        mutant = replace(subject, layers=Layers(identity=(FULL_ACCESS,), boundary=boundary.without(sid)))
        assert not_proved(alone) == set()
        return not_proved(mutant)

    @pytest.mark.parametrize(
        ("name", "capability", "sid", "opened"),
        [
            ("its functions and objects", "plan", "BoundaryIntake", {"functions"}),
            ("its functions and objects", "apply", "BoundaryIntakePlan", {"proposals"}),
            ("its functions and objects", "workload", "BoundaryIntakePlan", {"proposals"}),
            ("its functions and objects", "plan", "BoundaryIntakeUrl", {"calls"}),
            ("its functions and objects", "apply", "BoundaryOutsideScope", {"functions", "calls", "urls", "records"}),
            (
                "its state machines and tables",
                "apply",
                "BoundaryOutsideScope",
                {"tokens", "records", "executions", "tasks"},
            ),
            ("its state machines, which it may read", "apply", "BoundaryOutsideScope", {"tokens", "records"}),
            ("keys of its own", "apply", "BoundaryKeys", {"keys"}),
            ("builds", "apply", "BoundaryProject", {"builds"}),
            ("builds", "workload", "BoundaryBuilds", {"builds"}),
            ("builds", "apply", "BoundaryCommands", {"commands"}),
            ("no service of the workflow", "apply", "BoundaryCommands", {"commands"}),
            ("its logs and queues, which it may read", "apply", "BoundaryForeignData", {"tokens"}),
        ],
    )
    def test_of_the_boundary(self, name: str, capability: str, sid: str, opened: set[str]) -> None:
        assert self.opened(name, capability, sid) >= opened

    def test_of_the_execution_roles_own_policy(self) -> None:
        found = subjects("keys of its own", proposes=True)
        subject = next(s for s in found if s.capability == "execution")
        own = next(d for d in subject.layers.identity if "ExecutionKeys" in {s.sid for s in d.statements})
        for sid, opened in (("ExecutionKeys", "keys"), ("ExecutionOutsideScope", "records")):
            layers = replace(subject.layers, identity=(FULL_ACCESS, own.without(sid)), boundary=None)
            assert opened in not_proved(replace(subject, layers=layers))
            assert opened not in not_proved(replace(subject, layers=replace(layers, identity=(FULL_ACCESS, own))))


class TestOrganization:
    """What the SCPs hold against an agent that has AdministratorAccess and no boundary."""

    def test_by_themselves(self) -> None:
        names = GuardrailNames()
        left = {s.capability: not_proved(s) for s in new_agents(agent_scps(), names)}
        # Keys keep agents out by their own policies, the project stays as it is, and runs its own
        # commands, by the boundaries alone. Of executions the prover cannot tell: too many kinds of ARNs.
        known = {"keys", "aliases", "tokens", "executions", "builds"}
        assert left == {"read": known, "plan": known | {"urls"}, "apply": known | {"commands"}, "other": known}

    @pytest.mark.parametrize(
        "action", ["GetExecutionHistory", "DescribeExecution", "StopExecution", "RedriveExecution"]
    )
    def test_executions(self, action: str) -> None:
        scps = tuple(d.resolve(VALUES) for d in agent_scps())
        for subject in new_agents(agent_scps(), GuardrailNames()):
            arn = f"arn:aws:states:us-east-1:{ACCOUNT}:execution:{PREFIX}-approval:apr-1"
            request = Request(f"states:{action}", arn, subject.facts.principal, region="us-east-1")
            decision = evaluate(request, Layers(identity=(FULL_ACCESS,), scps=((FULL_ACCESS, *scps),)))
            assert ("scp", "AgentsGuardrails") in decision.statements

    def test_with_the_rest_nothing_is_left(self) -> None:
        scps = tuple(d.resolve(VALUES) for d in agent_scps())
        for subject in subjects("its state machines and tables", proposes=True):
            stacked = replace(subject, layers=replace(subject.layers, scps=((FULL_ACCESS, *scps),)))
            assert not_proved(stacked) == set()


def test_a_session_policy_refuses_whatever_the_apply_role_does() -> None:
    assert {key.removeprefix("codebuild:") for key in OVERRIDES} <= set(_OVERRIDES)


_PROJECT = f"codebuild:us-east-1:{ACCOUNT}:project/{{}}"


def allowed() -> Iterator[tuple[str, str, str, str, dict[str, str]]]:
    """Yield what agents go on doing with what is their own: (agent, role, action, resource, context)."""
    table = f"dynamodb:us-east-1:{ACCOUNT}:table/flow-bot-tokens"
    machine = f"states:us-east-1:{ACCOUNT}:stateMachine:flow-bot-approval"
    execution = f"states:us-east-1:{ACCOUNT}:execution:flow-bot-approval:1"
    function = f"lambda:us-east-1:{ACCOUNT}:function:flow-bot-approval-intake"
    readable = "its state machines, which it may read"
    yield "its state machines and tables", "apply", "states:StartExecution", machine, {}
    yield "its state machines and tables", "apply", "states:RedriveExecution", execution, {}
    yield "its state machines and tables", "apply", "dynamodb:PutItem", table, {}
    yield "its state machines and tables", "execution", "dynamodb:CreateTable", table, {}
    yield "its state machines and tables", "execution", "states:UpdateStateMachine", machine, {}
    yield readable, "read", "states:GetExecutionHistory", execution, {}
    yield readable, "read", "dynamodb:GetItem", table, {}
    yield "its functions and objects", "apply", "lambda:InvokeFunction", function, {}
    yield "its functions and objects", "apply", "lambda:InvokeFunctionUrl", function, {}
    yield "its functions and objects", "execution", "lambda:UpdateFunctionCode", function, {}
    yield "builds", "apply", "codebuild:StartBuild", _PROJECT.format("flow-bot-release"), {}
    yield "builds", "execution", "codebuild:UpdateProject", _PROJECT.format("flow-bot-release"), {}
    yield (
        "keys of its own",
        "apply",
        "kms:Sign",
        f"kms:us-east-1:{ACCOUNT}:key/1",
        {"kms:ResourceAliases": "alias/flow-bot-signing"},
    )


@pytest.mark.parametrize(("name", "kind", "action", "resource", "context"), list(allowed()))
def test_other_work_stays_possible(name: str, kind: str, action: str, resource: str, context: dict[str, str]) -> None:
    policies = AgentPolicies(AgentScope(AGENTS[name], ACCOUNT, proposes=True))
    policies.check_sizes()
    role = f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}/agents/flow-bot/{PREFIX}-flow-bot-{kind}"
    request = Request(
        action, f"arn:aws:{resource}", Principal(role, session="run-1"), context=context, region="us-east-1"
    )
    decision = evaluate(request, policies.layers(kind, VALUES))
    assert decision.allowed, str(decision)


def test_nobody_proposes_where_there_is_no_workflow() -> None:
    policies = AgentPolicies(AgentScope(AGENTS["its functions and objects"], ACCOUNT))
    role = f"arn:aws:iam::{ACCOUNT}:role/{PREFIX}/agents/flow-bot/{PREFIX}-flow-bot-plan"
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{PREFIX}-approval-intake"
    context = {"lambda:FunctionUrlAuthType": "AWS_IAM"}
    principal = Principal(role, session="run-1")
    request = Request("lambda:InvokeFunctionUrl", arn, principal, context=context, region="us-east-1")
    layers = policies.layers("plan", VALUES)
    assert ("boundary", "BoundaryOutsideScope") in evaluate(request, layers).statements
    there = AgentPolicies(AgentScope(AGENTS["its functions and objects"], ACCOUNT, proposes=True))
    assert evaluate(request, there.layers("plan", VALUES)).allowed
