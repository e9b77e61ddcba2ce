from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sudo_mcp_guardrails.local.demo import evaluator_witness
from sudo_mcp_guardrails.local.demo.deployment import PackResult
from sudo_mcp_guardrails.local.demo.play import Outcome, Play
from sudo_mcp_guardrails.local.demo.plays import PLAYS
from sudo_mcp_guardrails.local.demo.report import render
from sudo_mcp_guardrails.local.demo.run import DemoResult


def test_there_are_enough_plays_and_each_has_a_name_of_its_own() -> None:
    assert len(PLAYS) >= 40
    assert len({play.id for play in PLAYS}) == len(PLAYS)
    assert all(play.service or play.action for play in PLAYS)


@pytest.mark.parametrize("play", [play for play in PLAYS if play.action], ids=lambda play: play.id)
def test_evaluator_decides_as_expected(play: Play) -> None:
    decision, why = evaluator_witness.decide(play)
    assert decision == ("allow" if play.allowed else "deny"), why


def outcome(embedded: str | None, evaluator: str | None, *, allowed: bool = False) -> Outcome:
    play = Play("p", "bot", "read", "s3:GetObject", "*", allowed, "s3", "get_object", title="<b>reads</b>")
    return Outcome(play, embedded, evaluator, why="because", detail="<script>alert(1)</script>")


@pytest.mark.parametrize(
    ("embedded", "evaluator", "agreed"),
    [
        ("deny", "deny", True),
        ("allow", "deny", False),
        ("deny", "allow", False),
        (None, "deny", False),
        ("deny", None, False),
    ],
)
def test_both_witnesses_must_say_what_is_expected(embedded: str | None, evaluator: str | None, agreed: bool) -> None:  # noqa: FBT001
    assert outcome(embedded, evaluator).agreed is agreed


def test_a_witness_that_was_not_asked_is_not_missed() -> None:
    alone = outcome(None, "deny")
    assert replace(alone, play=replace(alone.play, service="")).agreed
    assert replace(alone, play=replace(alone.play, service="")).shown_by == "evaluator"


def test_item_has_the_keys_of_the_contract() -> None:
    item = outcome("deny", "deny").to_dict()
    assert {"id", "agent", "capability", "action", "expected", "embedded", "evaluator"} <= set(item)
    json.dumps(item)


def test_report_shows_what_was_said_as_text_and_stands_alone() -> None:
    result = DemoResult([outcome("deny", "deny"), outcome("allow", "deny")], [("deploy", 1.5)], PackResult(0, 3, 0))
    html = render(result)
    assert "&lt;script&gt;" in html
    assert "<script" not in html
    assert "&lt;b&gt;reads" in html
    assert "http" not in html
    assert len(result.surprises) == 1
    assert "1 decisions were not as expected" in html
