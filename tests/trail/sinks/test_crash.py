"""Exactly once, shown on a real node at a handful of points; ``python -m benchmarks.trail.crash`` takes twenty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.trail import crash

if TYPE_CHECKING:
    from sudo_mcp_guardrails.toolchain.opensearch_node import OpenSearchNode


@pytest.mark.integration
def test_killed_ingester_and_killed_node_leave_each_event_once(node: OpenSearchNode, prefix: str) -> None:
    if not node.own:
        pytest.skip("the node is OPENSEARCH_URL's, and this test kills it")
    outcome = crash.run(node, prefix, points=4, seed=11)
    assert outcome.exact, outcome
    assert outcome.ingester_kills + outcome.node_kills >= 3, outcome
    assert outcome.before < outcome.events, outcome
