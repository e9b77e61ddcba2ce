"""What a plan has in it, and what cannot be planned."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
from sudo_mcp_guardrails.policies.naming import ROLE_KINDS
from sudo_mcp_guardrails.policies.terraform import project_name
from sudo_mcp_guardrails.response.errors import ContainmentError
from sudo_mcp_guardrails.response.estate import Estate, agent_of
from sudo_mcp_guardrails.response.levels import EFFECTS, Level, check_level
from sudo_mcp_guardrails.response.plan import plan_containment, show
from sudo_mcp_guardrails.response.steps.step import Kind
from sudo_mcp_guardrails.response.steps.ways import WAYS
from sudo_mcp_guardrails.state.kill_switch import LEVELS, SwitchError
from sudo_mcp_guardrails.state.targets import Target
from tests.response.estates import CAUSE, ESTATE, FIRST, MANAGEMENT, NAMES, ORGANIZATION, RELEASE, SCPS, SECOND

if TYPE_CHECKING:
    from sudo_mcp_guardrails.response.plan import Plan

BOT = Target.agent("release-bot")
CLASS = Target.of_class("release-*")


def kinds(plan: Plan) -> Counter[str]:
    return Counter(step.kind.value for step in plan.steps)


def test_one_agent_has_a_step_for_each_role_of_each_account() -> None:
    plan = plan_containment(ESTATE, BOT, Level.K2, CAUSE)
    assert kinds(plan) == {
        "switch": 1,
        "deny": 8,
        "boundary": 8,
        "trust": 8,
        "approvals": 1,
        "builds": 1,
        "stacks": 2,
        "requests": 2,
    }
    roles = {(step.account, step.subject) for step in plan.steps if step.kind is Kind.DENY}
    assert roles == {(a, NAMES.role_name("release-bot", k)) for a in (FIRST, SECOND) for k in ROLE_KINDS}
    assert len({step.id for step in plan.steps}) == len(plan.steps)
    assert [step.stage for step in plan.steps] == sorted(step.stage for step in plan.steps)


def test_writing_roles_come_first() -> None:
    found = [s.subject for s in plan_containment(ESTATE, BOT, Level.K2, CAUSE).steps if s.kind is Kind.DENY]
    assert [role.rsplit("-", 1)[1] for role in found] == [
        *["execution"] * 2,
        *["apply"] * 2,
        *["plan"] * 2,
        *["read"] * 2,
    ]


def test_the_same_input_is_the_same_plan() -> None:
    first, second = (show(plan_containment(ESTATE, BOT, Level.K2, CAUSE)) for _ in range(2))
    assert first == second
    assert json.loads(first)["steps"][0]["wanted"]["item"]["level"] == {"S": "K2"}


def test_every_level_is_known_to_the_switch_and_every_kind_has_a_way() -> None:
    assert tuple(level.value for level in Level) == LEVELS
    assert set(EFFECTS) == set(Level)
    assert set(WAYS) == set(Kind)


def test_a_class_is_an_scp_and_what_is_in_flight() -> None:
    plan = plan_containment(ORGANIZATION, CLASS, Level.K3, CAUSE)
    assert kinds(plan) == {"switch": 1, "scp": 1, "approvals": 1, "builds": 1, "stacks": 2, "requests": 2}
    assert plan.steps[1].wanted == {"policy": SCPS["release-*"], "target": "r-abcd", "pattern": "release-*"}
    assert plan.steps[1].account == MANAGEMENT


@pytest.mark.parametrize(
    ("level", "target", "agents"),
    [
        (Level.K1, BOT, []),
        (Level.K2, BOT, ["release-bot"]),
        (Level.K2, Target.agent("cost-bot"), ["cost-bot"]),
        (Level.K3, CLASS, ["release-bot"]),
        (Level.K4, Target.everyone(), ["cost-bot", "release-bot"]),
    ],
)
def test_the_builds_of_the_contained_are_stopped_and_those_of_others_go_on(
    level: Level, target: Target, agents: list[str]
) -> None:
    steps = [s for s in plan_containment(ORGANIZATION, target, level, CAUSE).steps if s.kind is Kind.BUILDS]
    assert [s.subject for s in steps] == [project_name(NAMES, each) for each in agents]
    assert {(s.account, s.region) for s in steps} <= {(ORGANIZATION.account, ORGANIZATION.region)}


def test_who_has_no_project_has_no_step_for_builds() -> None:
    plan = plan_containment(replace(ESTATE, terraform_agents=("cost-bot",)), BOT, Level.K2, CAUSE)
    assert "builds" not in kinds(plan)


def test_where_no_scp_binds_roles_are_contained_one_by_one() -> None:
    estate = replace(ORGANIZATION, unbound_accounts=(SECOND,))
    plan = plan_containment(estate, CLASS, Level.K3, CAUSE)
    assert {step.account for step in plan.steps if step.kind is Kind.DENY} == {SECOND}
    inside = Agent(
        "release-root", owner="a@example.com", services=["s3"], environments=[AgentEnvironment.sandbox(MANAGEMENT)]
    )
    plan = plan_containment(replace(ORGANIZATION, agents=(RELEASE, inside)), CLASS, Level.K3, CAUSE)
    assert {step.account for step in plan.steps if step.kind is Kind.TRUST} == {MANAGEMENT}


def test_roles_of_its_resources_only_where_they_are_named() -> None:
    plan = plan_containment(ESTATE, BOT, Level.K2, CAUSE, workloads=[(FIRST, "release-bot-worker")])
    found = {step.kind for step in plan.steps if step.subject == "release-bot-worker"}
    assert found == {Kind.DENY, Kind.BOUNDARY, Kind.TRUST}


@pytest.mark.parametrize(
    ("level", "target", "match"),
    [
        (Level.K2, CLASS, "K2 is not for target 'class:release-\\*', allowed: a target of kind agent"),
        (Level.K2, Target.everyone(), "kind agent"),
        (Level.K3, BOT, "kind class"),
        (Level.K4, CLASS, "kind all"),
        (Level.K2, Target.agent("release-bto"), "no registered agent's, known are cost-bot, release-bot"),
        (Level.K3, Target.of_class("nobody-*"), "no registered agent's"),
    ],
)
def test_a_target_that_the_level_or_the_registry_does_not_know(level: Level, target: Target, match: str) -> None:
    with pytest.raises(ContainmentError, match=match):
        plan_containment(ORGANIZATION, target, level, CAUSE)


def test_a_level_for_its_targets_is_no_error() -> None:
    check_level(Level.K1, Target.everyone())


def test_a_class_without_an_scp_is_refused() -> None:
    with pytest.raises(ContainmentError, match=r"class 'cost-\*' has no SCP, there are those of \*, release-\*"):
        plan_containment(ORGANIZATION, Target.of_class("cost-*"), Level.K3, CAUSE)


@pytest.mark.parametrize(
    ("by", "match"),
    [
        (f"arn:aws:sts::{FIRST}:assumed-role/mcp-guardrails-release-bot-read/run-1", "is agent 'release-bot'"),
        (f"arn:aws:sts::{FIRST}:assumed-role/mcp-guardrails-cost-bot-apply/run-1", "is agent 'cost-bot'"),
        (f"arn:aws:iam::{FIRST}:role/mcp-guardrails/agents/release-bot/workloads/worker", "is agent 'release-bot'"),
        ("ann", "no caller"),
        ("", "no caller"),
        ("arn:aws:iam::111111111111:user/" + "x" * 9_000, "no caller"),
    ],
)
def test_a_responder_who_is_the_target_or_nobody(by: str, match: str) -> None:
    with pytest.raises(ContainmentError, match=match):
        plan_containment(ESTATE, BOT, Level.K2, replace(CAUSE, by=by))


@pytest.mark.parametrize("role", ["mcp-guardrails-response", "mcp-guardrails-response-organization", "soc"])
def test_the_role_that_contains_is_no_target(role: str) -> None:
    estate = replace(ESTATE, responders=(f"arn:aws:iam::{FIRST}:role/security/soc",))
    with pytest.raises(ContainmentError, match=f"role '{role}' of account {FIRST} contains agents itself"):
        plan_containment(estate, BOT, Level.K2, CAUSE, workloads=[(FIRST, role)])


@pytest.mark.parametrize(
    ("workloads", "level", "match"),
    [
        ([("999999999999", "worker")], Level.K2, "expected the name of a role in one of"),
        ([(FIRST, "a/b")], Level.K2, "workload role 'a/b'"),
        ([(FIRST, "worker")], Level.K1, "not contained at level K1, allowed: K2"),
    ],
)
def test_workloads_that_are_none(workloads: list[tuple[str, str]], level: Level, match: str) -> None:
    with pytest.raises(ContainmentError, match=match):
        plan_containment(ESTATE, BOT, level, CAUSE, workloads=workloads)


@pytest.mark.parametrize(
    "change",
    [
        {"reason": ""},
        {"reason": "x" * 1_001},
        {"incident": ""},
        {"incident": "a b"},
        {"incident": "x" * 200},
        {"at": -1},
    ],
)
def test_a_cause_out_of_bounds(change: dict[str, Any]) -> None:
    cause = replace(CAUSE, **change)
    with pytest.raises(SwitchError):
        plan_containment(ESTATE, BOT, Level.K2, cause)


@pytest.mark.parametrize(
    "change",
    [
        {"account": "1"},
        {"region": "Frankfurt"},
        {"scps": {"*": "p-allagents"}},
        {"scps": {"*": "all"}, "scp_targets": ("r-abcd",), "organization_account": MANAGEMENT},
        {"scps": SCPS, "scp_targets": ("everything",), "organization_account": MANAGEMENT},
        {"scps": SCPS, "scp_targets": ("r-abcd",)},
        {"responders": ("soc",)},
        {"responders": (f"arn:aws:iam::{FIRST}:role/mcp-guardrails/agents/a/mcp-guardrails-a-read",)},
        {"unbound_accounts": ("x",)},
    ],
)
def test_an_estate_that_is_none(change: dict[str, Any]) -> None:
    given: dict[str, Any] = {"agents": (RELEASE,), "account": MANAGEMENT, "region": "eu-central-1"}
    Estate(**given)
    with pytest.raises(ContainmentError):
        Estate(**{**given, **change})


def test_a_plan_is_bounded() -> None:
    accounts = [f"{number:012d}" for number in range(1_700)]
    huge = Agent(
        "release-bot", owner="a@example.com", services=["s3"], environments=[AgentEnvironment.sandbox(*accounts)]
    )
    with pytest.raises(ContainmentError, match="steps, allowed are 20000"):
        plan_containment(replace(ESTATE, agents=(huge,)), BOT, Level.K2, CAUSE)


@pytest.mark.parametrize(
    ("arn", "agent"),
    [
        ("arn:aws:iam::111111111111:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-read", "bot"),
        ("arn:aws-us-gov:iam::111111111111:role/mcp-guardrails/agents/bot/workloads/x", "bot"),
        ("arn:aws:sts::111111111111:assumed-role/mcp-guardrails-release-bot-read-plan/s", "release-bot-read"),
        ("arn:aws:sts::111111111111:assumed-role/mcp-guardrails-session-broker/s", None),
        ("arn:aws:sts::111111111111:assumed-role/mcp-guardrails-read/s", None),
        ("arn:aws:iam::111111111111:role/other/agents/bot/mcp-guardrails-bot-read", None),
        ("arn:aws:iam::111111111111:user/mcp-guardrails/agents/bot/x", None),
        ("arn:aws:iam::111111111111:root", None),
        ("cloudformation.amazonaws.com", None),
    ],
)
def test_whose_an_arn_is(arn: str, agent: str | None) -> None:
    assert agent_of(arn, NAMES) == agent
