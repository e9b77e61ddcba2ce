"""Remove each statement in turn: some scenario must notice, layer by layer."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.policies.mutation import policy_mutants, stack_mutants
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.registry import SCENARIOS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.bundle import AgentPolicies
    from sudo_mcp_guardrails.policies.mutation import Mutant

REPORT = Path(__file__).parents[2] / "build" / "mutation.json"


@pytest.fixture(scope="module")
def alone(policies: AgentPolicies, values: dict[str, str]) -> tuple[Mutant, ...]:
    return policy_mutants(policies, values, SCENARIOS, scps=agent_scps())


@pytest.fixture(scope="module")
def stacked(policies: AgentPolicies, values: dict[str, str]) -> tuple[Mutant, ...]:
    return stack_mutants(policies, values, SCENARIOS, scps=agent_scps())


def _score(mutants: tuple[Mutant, ...]) -> dict[str, dict[str, int]]:
    score: dict[str, dict[str, int]] = defaultdict(lambda: {"mutants": 0, "killed": 0})
    for mutant in mutants:
        row = score[f"{mutant.policy} {mutant.effect}"]
        row["mutants"] += 1
        row["killed"] += bool(mutant.killed_by)
    return dict(score)


def test_every_missing_deny_is_noticed(alone: tuple[Mutant, ...]) -> None:
    denies = [m for m in alone if m.effect == "Deny"]
    assert [m.sid for m in denies if not m.killed_by] == []
    assert {m.layer for m in denies} == {"identity", "boundary", "scp"}
    assert len(denies) == 60


def test_every_missing_allow_is_noticed(alone: tuple[Mutant, ...]) -> None:
    allows = [m for m in alone if m.effect == "Allow"]
    assert [m.sid for m in allows if not m.killed_by] == []


def test_the_mutation_test_can_fail(policies: AgentPolicies, values: dict[str, str]) -> None:
    fewer = [s for s in SCENARIOS if s.id != "execution-run-everywhere"]
    survivors = [m.sid for m in policy_mutants(policies, values, fewer) if not m.killed_by]
    assert survivors == ["ExecutionReach"]


def test_redundant_statements_say_why_they_stay(
    alone: tuple[Mutant, ...], stacked: tuple[Mutant, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    redundant = [m for m in stacked if not m.killed_by]
    assert all(m.reason for m in redundant)
    # Without any redundancy the layers would not overlap, and one mistake would be a way out.
    assert 0 < len(redundant) < len(stacked)
    score = _score(alone)
    REPORT.parent.mkdir(exist_ok=True)
    report = {
        "score": score,
        "mutants": [asdict(m) for m in alone],
        "redundant": [{"sid": m.sid, "policy": m.policy, "effect": m.effect, "reason": m.reason} for m in redundant],
    }
    REPORT.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    with capsys.disabled():
        print()  # noqa: T201 - the score is what this test is for
        for name, row in score.items():
            print(f"  mutation: {name}: {row['killed']} of {row['mutants']} noticed")  # noqa: T201 - as above
        print(f"  mutation: {len(redundant)} of {len(stacked)} statements redundant in the whole stack")  # noqa: T201
