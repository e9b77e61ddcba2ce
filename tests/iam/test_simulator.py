"""The comparison with the outside simulator finds what it should; the full run is in `make bench`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.iam import differential
from benchmarks.iam.causes import CAUSES
from benchmarks.iam.corpus import askers
from benchmarks.iam.generate import case
from benchmarks.iam.shrink import shrink
from benchmarks.iam.simulate import simulation
from sudo_mcp_guardrails.iam.evaluate import evaluate

if TYPE_CHECKING:
    from benchmarks.iam.generate import Case

CASES = range(1500)


class TestCauses:
    def test_a_neutral_case_means_the_same_to_our_evaluator(self) -> None:
        """But for policies that were not given: there the neutral case gives the one that is assumed."""
        seen = set()
        for number in CASES:
            item = case(1, number)
            for cause in CAUSES:
                changed = cause.neutral(item)
                if changed is not None:
                    seen.add(cause.id)
                    assert changed != item
                    assert (
                        evaluate(changed.request, changed.layers).allowed is evaluate(item.request, item.layers).allowed
                    )
        assert len(seen) >= len(CAUSES) - 1

    def test_each_is_settled_by_a_page_of_aws(self) -> None:
        assert all(cause.source.startswith("https://docs.aws.amazon.com/") for cause in CAUSES)


class TestShrink:
    def test_it_leaves_what_makes_the_difference(self) -> None:
        item = next(c for c in (case(1, n) for n in CASES) if evaluate(c.request, c.layers).explicit)

        def differ(cases: Any) -> list[bool]:
            return [evaluate(c.request, c.layers).explicit for c in cases]

        small = shrink(item, differ)
        (layer,) = [layer for layer in small.layers.compiled.all if layer.statements]
        (statement,) = layer.statements
        assert statement.deny


class TestCorpus:
    def test_it_has_enough_requests_and_no_two_are_the_same(self) -> None:
        asked = [
            (asker.name, r.action, r.resource, r.region, *sorted(r.context.items()))
            for asker in askers()
            for r in asker.requests
        ]
        assert len(asked) >= 50_000
        assert len(set(asked)) == len(asked)

    def test_every_role_may_do_something_and_not_everything(self) -> None:
        for asker in askers():
            allowed = [evaluate(request, asker.layers).allowed for request in asker.requests[::7]]
            assert any(allowed)
            assert not all(allowed)


class TestSimulation:
    def test_policies_come_as_json_and_keys_as_our_evaluator_sees_them(self) -> None:
        item = next(c for c in (case(1, n) for n in CASES) if c.layers.boundary and c.layers.resource and c.layers.scps)
        given = simulation(item.request, item.layers)
        assert given["permissionBoundaryPolicies"][0]["policy"] == item.layers.boundary.to_dict()  # type: ignore[union-attr]
        assert given["resourcePolicy"] == item.layers.resource.to_dict()  # type: ignore[union-attr]
        assert [len(level["policies"]) for level in given["serviceControlPolicies"]] == [
            len(level) for level in item.layers.scps
        ]
        assert set(given["request"]["contextVariables"]) == set(item.request.keys)


@pytest.mark.integration
class TestSimulator:
    def test_every_difference_is_explained(self) -> None:
        found = differential.compare(CASES)
        assert found.unexplained == []
        assert not found.ignored
        assert found.causes
        assert set(found.answers) == {"Allowed", "ExplicitlyDenied", "ImplicitlyDenied"}

    def test_an_evaluator_that_overlooks_boundaries_is_caught(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def forgetful(item: Case) -> str:
            decision = evaluate(item.request, replace(item.layers, boundary=None))
            return "Allowed" if decision.allowed else "ExplicitlyDenied" if decision.explicit else "ImplicitlyDenied"

        monkeypatch.setattr(differential, "verdict", forgetful)
        found = differential.compare(range(60))
        assert found.unexplained
        assert "Boundary" in differential.smallest(found, differential.SEED)[0]
