"""``mcp-guardrails drill`` on the embedded AWS: contained between two calls, and all as it was afterwards."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from sudo_mcp_guardrails.cli.commands import build_app

pytestmark = pytest.mark.integration


def test_a_drill_at_k2_passes_and_its_summary_is_the_contract() -> None:
    done = CliRunner().invoke(build_app(["drill"]), ["drill", "--level", "K2", "--json"])
    found = json.loads(done.stdout)
    summary = found["summary"]
    assert done.exit_code == 0, summary["problems"]
    assert found["ok"]
    wanted = {"level": "K2", "contained": True, "restored": True, "calls_after": 0}
    assert {name: summary[name] for name in wanted} == wanted
    assert summary["changed"] == []
    # Asked, contained, and verified, twice each; then asked and restored.
    assert summary["records"] == 8
    contained = [each for each in found["items"] if each["phase"] == "contained" and each["agent"] == "release-bot"]
    assert {each["what"]: each["expected"] for each in contained} == {
        "read session lists queues": "deny",
        "plan session lists queues": "deny",
        "apply session lists queues": "deny",
        "asks the broker for a session": "deny",
        "is assumed by the apply broker": "deny",
    }
    assert all(each["agreed"] for each in found["items"])
    others = [each for each in found["items"] if each["agent"] == "cost-bot"]
    assert {each["answered"] for each in others} == {"allow"}


def test_an_unknown_level_is_bad_input() -> None:
    assert CliRunner().invoke(build_app(["drill"]), ["drill", "--level", "K9"]).exit_code == 2
