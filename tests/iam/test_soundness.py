"""The prover never calls safe what the evaluator allows, and agrees with z3; and both checks can fail."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.iam import generate, soundness
from sudo_mcp_guardrails.iam import parse_document
from sudo_mcp_guardrails.iam.evaluate import Layers, evaluate
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.verdict import Proof, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement

STACKS = int(os.environ.get("SOUNDNESS_STACKS", "600"))
"""`make bench` asks about 10,000."""
CASES = 400


def documents(layers: Layers) -> Iterator[PolicyDocument]:
    single = (layers.boundary, layers.resource)
    levels = (layers.identity, layers.session or (), *layers.scps, (d for d in single if d is not None))
    for level in levels:
        yield from level


def statements() -> Iterator[Statement]:
    for number in range(CASES):
        for document in documents(generate.case(1, number).layers):
            yield from document.statements


class TestGenerator:
    def test_the_same_number_is_the_same_case(self) -> None:
        assert generate.case(1, 7) == generate.case(1, 7)
        assert generate.case(1, 7) != generate.case(1, 8)
        assert generate.case(1, 7).layers != generate.case(2, 7).layers

    def test_what_it_draws_is_read_back_as_it_is(self) -> None:
        for number in range(CASES):
            for document in documents(generate.case(1, number).layers):
                assert parse_document(document.to_dict(), name=document.name) == document

    def test_what_aws_has_not_said_is_not_drawn(self) -> None:
        for statement in statements():
            assert not any("${" in pattern for pattern in statement.not_resources)
            for operator, _, values in statement.conditions:
                assert not (operator.startswith("ForAnyValue:") and operator.endswith("IfExists"))
                assert not ("Not" in operator and any("${" in value for value in values))

    def test_every_part_of_the_language_is_drawn(self) -> None:
        drawn = list(statements())
        operators = {operator for s in drawn for operator, _, _ in s.conditions}
        for part in ("not_actions", "not_resources", "not_principals", "principals"):
            assert any(getattr(s, part) for s in drawn)
        for part in ("String", "Arn", "Numeric", "Date", "Bool", "IpAddress", "Null", "IfExists", "ForAnyValue:"):
            assert any(part in operator for operator in operators)
        assert any("${aws:PrincipalTag" in r for s in drawn for r in s.resources)

    def test_answers_of_every_kind_are_common(self) -> None:
        decisions = [evaluate(c.request, c.layers) for c in (generate.case(1, n) for n in range(CASES))]
        for count in (sum(d.allowed for d in decisions), sum(d.explicit for d in decisions)):
            assert CASES / 10 < count < CASES * 9 / 10


class TestSoundness:
    def test_no_allowed_request_is_called_impossible_and_every_witness_replays(self) -> None:
        found = soundness.check(range(STACKS))
        assert found.missed == []
        assert found.failed == []
        assert found.allowed > STACKS
        assert found.wide > STACKS / 2
        assert min(found.witnesses, found.proved) > STACKS / 4
        assert found.undecided < STACKS / 100

    def test_a_prover_that_calls_everything_safe_is_caught(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Prover, "prove", lambda *_, **__: Proof(Verdict.PROVED))
        assert len(soundness.check(range(50)).missed) > 50

    def test_a_prover_that_overlooks_one_layer_is_caught(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Forgetful(Prover):
            def __init__(self, layers: Layers, facts: Any) -> None:
                super().__init__(Layers(identity=layers.identity, scps=layers.scps), facts)

        monkeypatch.setattr(soundness, "Prover", Forgetful)
        found = soundness.check(range(200))
        assert found.missed  # what a resource policy grants
        assert found.failed  # what a boundary or a session policy stops

    def test_a_prover_that_takes_a_deny_for_wider_than_it_is_is_caught(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sudo_mcp_guardrails.iam.walls.applies_to_all", lambda *_: True)
        assert soundness.check(range(200)).missed


class TestSolver:
    def test_z3_agrees(self) -> None:
        pytest.importorskip("z3", reason="a development extra")
        from benchmarks.iam import solver

        found = solver.compare(120)
        assert (found.differing, found.open) == ([], [])
        assert min(found.proved, found.witnesses) > 30

    def test_a_prover_that_overlooks_one_layer_is_caught(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("z3", reason="a development extra")
        from benchmarks.iam import solver

        class Forgetful(Prover):
            def __init__(self, layers: Layers, facts: Any) -> None:
                super().__init__(Layers(identity=layers.identity), facts)

        monkeypatch.setattr(solver, "Prover", Forgetful)
        assert solver.compare(60).differing
