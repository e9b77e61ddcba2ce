"""Sets of actions as integers, against the patterns they stand for."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam.action_sets import (
    as_bytes,
    by_resource,
    everything,
    members,
    name_at,
    named,
    partition,
    places,
    writing,
)
from sudo_mcp_guardrails.iam.catalogue import READS, all_actions, changes
from sudo_mcp_guardrails.iam.matching import action_matches
from sudo_mcp_guardrails.iam.universe import formats_of

NAMES = tuple(action.name for action in all_actions())
PATTERNS = (
    *("*", "*:*", "s3:*", "S3:GET*", "s3:GetObject", "s3:getobject", "s3:NoSuchAction", "no-such:*", "s3", "s3*", ""),
    *("*:Get*", "iam:*Role*", "iam:?etRole", "ec2:Describe*s", "??:*", "sts:*", "*Object", "s3:Get?bject", "zzz*"),
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_names_what_it_matches(pattern: str) -> None:
    assert sorted(members(named((pattern,)))) == sorted(name for name in NAMES if action_matches(pattern, name))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(PATTERNS), max_size=4))
def test_several_patterns_name_what_any_of_them_does(patterns: list[str]) -> None:
    assert set(members(named(tuple(patterns)))) == {name for p in patterns for name in members(named((p,)))}


def test_everything_is_the_catalogue() -> None:
    assert len(NAMES) > 20_000
    assert sorted(members(everything())) == sorted(NAMES)
    assert members(named(("sts:GetScopedCredentials",))) == ("sts:GetScopedCredentials",)


def test_writing_is_what_changes_something() -> None:
    found = set(members(writing()))
    assert found == {action.name for action in all_actions() if action.level not in READS}
    assert all(map(changes, members(writing() & named(("iam:*", "kms:*")))))
    assert "iam:GetRole" not in found


@settings(max_examples=100, deadline=None)
@given(st.sets(st.integers(0, len(NAMES) - 1), max_size=8))
@example(set())
@example({0, len(NAMES) - 1})
def test_places(wanted: set[int]) -> None:
    bits = sum(1 << place for place in wanted)
    assert list(places(bits)) == sorted(wanted)
    assert members(bits) == tuple(map(name_at, sorted(wanted)))
    data = as_bytes(bits)
    assert {place for place in range(len(NAMES)) if data[place >> 3] >> (place & 7) & 1} == wanted


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PATTERNS), st.lists(st.sampled_from(PATTERNS), max_size=4))
def test_classes_are_the_actions_that_no_statement_tells_apart(within: str, speaking: list[str]) -> None:
    sets = frozenset(named((pattern,)) for pattern in speaking)
    classes = partition(named((within,)), sets)
    union = 0
    for found in classes:
        assert found
        assert not union & found
        union |= found
        assert all(found & actions in {0, found} for actions in sets)
    assert union == named((within,))
    told = {tuple(bool(found & actions) for actions in sets) for found in classes}
    assert len(told) == len(classes)


def test_actions_of_one_class_and_resource_stand_together() -> None:
    wanted = named(("s3:*Object", "sqs:*", "sts:*"))
    found = by_resource(wanted)
    assert sorted(name for alike in found for name in alike.names) == sorted(members(wanted))
    for alike in found:
        assert {formats_of(name) for name in alike.names} == {alike.formats}
        assert len({name.split(":")[0] for name in alike.names}) == 1
        # STS treats its actions one by one.
        assert len(alike.names) == 1 or not alike.names[0].startswith("sts:")
