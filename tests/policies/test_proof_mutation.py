"""Without any one Deny of a role's policies, the proof finds a way through."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Statement, evaluate
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.proof_mutation import proof_mutants
from tests.policies.test_invariants import ACCOUNT, RELEASE, role, roles

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.proof_mutation import ProofMutant

Mutants = dict[tuple[str, str, str], list["ProofMutant"]]
"""By layer, document and Sid."""


@pytest.fixture(scope="module")
def mutants() -> Mutants:
    """The mutants of all roles of an agent; what the read role carries, the plan role does too."""
    found: Mutants = {}
    for mutant in proof_mutants(subject for subject in roles(RELEASE) if subject.capability != "read"):
        found.setdefault((mutant.layer, mutant.document.name, mutant.sid), []).append(mutant)
    return found


def test_every_missing_deny_gives_a_witness(mutants: Mutants) -> None:
    assert [place for place, made in mutants.items() if not any(m.witness for m in made)] == []
    assert Counter(layer for layer, _, _ in mutants) == {"boundary": 22, "identity": 11}


def test_the_witness_is_a_request_that_the_deny_stops(mutants: Mutants) -> None:
    for (layer, _, sid), made in mutants.items():
        for mutant in made:
            if mutant.witness is None:
                continue
            assert mutant.witness.proof.verdict is Verdict.WITNESS
            alone = Layers(identity=(FULL_ACCESS,), boundary=mutant.document)
            if layer == "identity":
                alone = Layers(identity=(FULL_ACCESS, mutant.document))
            decisions = [evaluate(request, alone) for request in mutant.witness.proof.requests]
            denied = {name for decision in decisions if decision.explicit for _, name in decision.statements}
            assert sid in denied


def test_some_are_there_for_some_roles_alone(mutants: Mutants) -> None:
    def noticed(sid: str) -> set[str]:
        return {m.capability for (_, _, name), made in mutants.items() if name == sid for m in made if m.witness}

    assert noticed("BoundaryReadersNeverWrite") == {"plan"}
    assert noticed("BoundaryWorkloadsNeverDeploy") == {"workload"}
    assert noticed("BoundarySecrets") == {"plan", "apply", "workload"}


def test_a_deny_that_another_one_repeats_is_not_noticed() -> None:
    subject = role("apply")
    stays = Statement(
        "Stays", "Deny", actions=("account:*", "organizations:*", "controltower:*", "ram:*"), resources=("*",)
    )
    once = PolicyDocument("once", (*FULL_ACCESS.statements, stays))
    twice = PolicyDocument("twice", (*once.statements, replace(stays, sid="Again")))

    def witnesses(document: PolicyDocument) -> list[bool]:
        alone = replace(subject, layers=Layers(boundary=document))
        return [mutant.witness is not None for mutant in proof_mutants([alone])]

    assert witnesses(once) == [True]
    assert witnesses(twice) == [False, False]


def test_policies_of_the_organization_are_taken_apart_too() -> None:
    values = {"Partition": "aws", "AccountId": ACCOUNT, "Region": "us-east-1"}
    scps = ((FULL_ACCESS, *(document.resolve(values) for document in agent_scps())),)
    made = list(proof_mutants([replace(role("apply"), layers=Layers(scps=scps))]))
    assert {m.layer for m in made} == {"scp"}
    assert {m.sid for m in made if m.witness} >= {"AgentsMembership", "AgentsSessions", "AgentsIdentities"}
