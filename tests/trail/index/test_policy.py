from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

import pytest

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.index.names import index_name, ledger_name
from sudo_mcp_guardrails.trail.index.policy import Tiers, lifecycle_policy

# Fields and operations as documented: OpenSearch, "Policies"; Amazon OpenSearch Service, "Index State Management".
POLICY = {"description", "default_state", "states", "ism_template", "error_notification"}
STATE = {"name", "actions", "transitions"}
OPERATIONS: dict[str, set[str]] = {
    "warm_migration": set(),
    "cold_migration": {"timestamp_field", "start_time", "end_time", "ignore"},
    "cold_delete": set(),
    "delete": set(),
}
AROUND = {"timeout", "retry"}
CONDITIONS = {"min_index_age"}


def states(tiers: Tiers) -> dict[str, Any]:
    return {state["name"]: state for state in lifecycle_policy(tiers)["policy"]["states"]}


@pytest.mark.parametrize("tiers", [Tiers(), Tiers(90, 275), Tiers(90, 90, 185), Tiers(31)])
def test_policy_has_the_documented_shape(tiers: Tiers) -> None:
    body = lifecycle_policy(tiers)
    assert set(body) == {"policy"}
    policy = body["policy"]
    assert set(policy) <= POLICY
    found = states(tiers)
    assert policy["default_state"] == "hot"
    for state in found.values():
        assert set(state) == STATE
        for action in state["actions"]:
            (operation,) = set(action) - AROUND
            assert set(action[operation]) <= OPERATIONS[operation]
            assert set(action["retry"]) == {"count", "backoff", "delay"}
        for move in state["transitions"]:
            assert move["state_name"] in found
            assert set(move["conditions"]) <= CONDITIONS


@pytest.mark.parametrize(
    ("tiers", "path"),
    [
        (Tiers(90), [("hot", "90d"), ("delete", None)]),
        (Tiers(90, 275), [("hot", "90d"), ("warm", "365d"), ("delete", None)]),
        (Tiers(90, 90, 185), [("hot", "90d"), ("warm", "180d"), ("cold", "365d"), ("delete", None)]),
    ],
)
def test_index_goes_through_its_tiers_and_ends(tiers: Tiers, path: list[tuple[str, str | None]]) -> None:
    found, walked, name = states(tiers), [], "hot"
    while True:
        moves = found[name]["transitions"]
        walked.append((name, moves[0]["conditions"]["min_index_age"] if moves else None))
        if not moves:
            break
        (move,) = moves
        name = move["state_name"]
    assert walked == path
    assert len(found) == len(path)
    assert any({"delete", "cold_delete"} & set(action) for action in found["delete"]["actions"])


def test_cold_indexes_are_deleted_by_the_operation_for_cold() -> None:
    (action,) = states(Tiers(90, 90, 185))["delete"]["actions"]
    assert "cold_delete" in action
    (action,) = states(Tiers(90, 275))["delete"]["actions"]
    assert "delete" in action


def test_ledger_is_never_deleted() -> None:
    (template,) = lifecycle_policy(prefix="trail")["policy"]["ism_template"]
    patterns = template["index_patterns"]
    for day in ("2026-11-20", "1999-01-01", "undated"):
        assert any(fnmatch(index_name(day, "trail"), pattern) for pattern in patterns)
    for other in (ledger_name("trail"), "trail-two-2026.11.20"):
        assert not any(fnmatch(other, pattern) for pattern in patterns)


@pytest.mark.parametrize(
    ("days", "message"), [((30,), "30 hot days"), ((90, -1), "-1 warm days"), ((90, 0, 5), "5 cold days need warm")]
)
def test_tiers_that_lose_or_do_not_exist_are_refused(days: tuple[int, ...], message: str) -> None:
    with pytest.raises(TrailError, match=message):
        Tiers(*days)
