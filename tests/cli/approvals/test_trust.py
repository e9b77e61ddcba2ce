"""What an agent has earned, and rulings about it, in a terminal."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.trust_ledger.facts import Canary
from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Demotion, Introduced
from sudo_mcp_guardrails.cli.approvals.api import Api
from tests.handlers.approval.works import FINGERPRINT

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.store.trust_store import TrustStore
    from tests.cli.approvals.desk import Desk

DAY = 86_400
CELL = ("--risk", "R1", "--environment", "sandbox", "--reason", "it works")


@pytest.fixture
def trusting(desk: Desk) -> Desk:
    """The site, with a policy of trust and an empty ledger."""
    works = desk.site.works
    works.configure(replace(works.settings, trust=TrustPolicy()))
    return desk


def ledger(desk: Desk) -> TrustStore:
    found = desk.site.works.place.trust
    assert found is not None
    return found


def kinds(desk: Desk) -> list[str]:
    return desk.site.works.kinds("trust/release-bot")


def test_trust_is_shown_and_one_lowers_it(trusting: Desk) -> None:
    ledger(trusting).add("release-bot", Introduced(FINGERPRINT, "erin", "a new agent"), "erin")
    assert trusting.run("trust", "release-bot")["summary"]["fingerprint"] == FINGERPRINT
    trusting.sits("bob")
    refused = trusting.run("trust", "release-bot", "--promote", "T1", *CELL, code=1)
    assert refused["summary"]["ruled"] == "refused"
    lowered = trusting.run("trust", "release-bot", "--demote", "T0", *CELL)
    assert lowered["summary"]["ruled"] == "demoted"
    assert kinds(trusting) == ["trust-introduced", "trust-demotion"]


def test_two_promote_each_by_a_sign_in_for_it(trusting: Desk) -> None:
    works = trusting.site.works
    works.time = time.time() - 15 * DAY
    ledger(trusting).add("release-bot", Introduced(FINGERPRINT, "erin", "a new agent"), "erin")
    ledger(trusting).add("release-bot", Demotion(TrustTier.T0, "dave", "it erred", RiskClass.R1, "sandbox"), "dave")
    works.time = time.time()
    ledger(trusting).add("release-bot", Canary(FINGERPRINT, "ca" * 32, passed=True), "canary")
    promote = ("trust", "release-bot", "--promote", "T1", *CELL)
    trusting.sits("owen")
    assert trusting.run(*promote)["summary"]["ruled"] == "waiting"
    assert ledger(trusting).state("release-bot").cell(RiskClass.R1, "sandbox").tier is TrustTier.T0
    trusting.sits("bob")
    found = trusting.run(*promote)
    assert (found["summary"]["ruled"], found["summary"]["refused"]) == ("promoted", "")
    assert ledger(trusting).state("release-bot").cell(RiskClass.R1, "sandbox").tier is TrustTier.T1
    (cell,) = [each for each in found["items"] if (each["risk"], each["environment"]) == ("R1", "sandbox")]
    assert cell["tier"] == "T1"


def test_who_answers_for_an_agent_introduces_the_version_that_he_names(trusting: Desk) -> None:
    introduce = ("trust", "release-bot", "--introduce", FINGERPRINT, "--reason", "reviewed in OPS-1")
    refused = trusting.run(*introduce, code=1)
    assert "answers neither" in refused["summary"]["refused"]
    trusting.sits("owen")
    other = trusting.run("trust", "release-bot", "--introduce", "ab" * 32, "--reason", "reviewed", code=2)
    assert "something else" in other["error"]
    assert kinds(trusting) == []
    found = trusting.run(*introduce)["summary"]
    assert (found["ruled"], found["fingerprint"]) == ("introduced", FINGERPRINT)
    assert kinds(trusting) == ["trust-introduced"]
    assert trusting.browser.asked[-1]["prompt"] == "login"
    again = trusting.run(*introduce, code=1)
    assert "introduced before" in again["summary"]["refused"]


def test_a_challenge_of_another_ruling_is_proved_by_nobody(trusting: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    post = Api.post

    def lying(self: Api, path: str, who: Any, body: Any, page: str) -> dict[str, Any]:
        return {**post(self, path, who, body, page), "challenge": "ab" * 32}

    monkeypatch.setattr(Api, "post", lying)
    trusting.sits("owen")
    found = trusting.run("trust", "release-bot", "--introduce", FINGERPRINT, "--reason", "reviewed", code=2)
    assert "something else" in found["error"]
    assert len(trusting.browser.asked) == 1
    assert kinds(trusting) == []


def test_a_sign_in_that_says_no_second_factor_rules_nothing(trusting: Desk) -> None:
    trusting.site.provider.leave_out = frozenset({"amr"})
    trusting.sits("owen")
    found = trusting.run("trust", "release-bot", "--introduce", FINGERPRINT, "--reason", "reviewed", code=2)
    assert "proves no second factor" in found["error"]
    assert kinds(trusting) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--promote", "T1", "--demote", "T0", "--reason", "x"), "exclude each other"),
        (("--promote", "T1", "--introduce", FINGERPRINT, "--reason", "x"), "exclude each other"),
        (("--introduce", FINGERPRINT), "--reason"),
        (("--introduce", "latest", "--reason", "x"), "64 hexadecimal digits"),
        (("--introduce", FINGERPRINT, "--risk", "R1", "--reason", "x"), "as a whole"),
        (("--reason", "x"), "go with"),
    ],
)
def test_a_ruling_that_is_none_asks_nobody_to_sign_in(desk: Desk, options: tuple[str, ...], reason: str) -> None:
    assert reason in desk.run("trust", "release-bot", *options, code=2)["error"]
    assert not desk.browser.asked
