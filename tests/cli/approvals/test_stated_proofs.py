"""Delegations and rulings about trust are verified again as decisions are, by what they were proved by."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import TrustTier
from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.approval.store import trust_mark
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Demotion
from tests.approval.made import IDP
from tests.cli.approvals.test_proofs import Passkeys
from tests.handlers.approval.test_api_keys_and_trust import assertion

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.approvals.conftest import Evidence, Run

RULINGS = "promotion/release-bot"
LEDGER = "trust/release-bot"
DAY = 86_400


class Rulings(Passkeys):
    """Evidence in which alice lent her groups to erin and demoted an agent, by her passkey, and dave by his sign-in."""

    def __init__(self, evidence: Evidence) -> None:
        super().__init__(evidence)
        self.count = 2
        self.lent = self.lend()["delegation"]["id"]
        self.delegations = f"delegations/{self.lent.partition('.')[0]}"
        self.demote("alice", "seen in OPS-1", key=True)
        self.demote("dave", "seen in OPS-2", key=False)
        evidence.write()

    def stated(self, who: str, path: str, to: str, body: dict[str, Any], *, key: bool) -> dict[str, Any]:
        status, asked = self.api.post(who, f"{path}/challenge", body)
        assert status == 200, asked
        told = {**body, "issued": asked["issued"]}
        if key:
            self.count += 1
            told["assertion"] = assertion(asked["challenge"], self.count)
        status, answer = self.api.post(who, to, told)
        assert status == 200, answer
        return answer

    def lend(self) -> dict[str, Any]:
        ends = written(int(self.api.works.time) + DAY)
        body = {"delegate": f"{IDP}#erin", "ends": ends, "reason": "on leave"}
        return self.stated("alice", "/api/delegations", "/api/delegations", body, key=True)

    def demote(self, who: str, reason: str, *, key: bool) -> None:
        body = {"action": "demote", "risk": "", "environment": "", "to": "T0", "reason": reason}
        self.stated(who, "/api/trust/release-bot", "/api/trust/release-bot/demotions", body, key=key)

    def flaws(self, run: Run, *more: object) -> list[tuple[str, int, str]]:
        items = self.verify(run, *more, code=1)["items"]
        return [(item["chain"], item["number"], item["flaw"]) for item in items]

    def text(self, run: Run, *more: object) -> str:
        (item,) = self.verify(run, *more, code=1)["items"]
        return str(item["text"])


@pytest.fixture
def rulings(evidence: Evidence) -> Rulings:
    """Evidence with delegations and rulings in it."""
    return Rulings(evidence)


def test_what_holds_is_counted_and_the_ledger_has_its_rulings(run: Run, rulings: Rulings) -> None:
    summary = rulings.verify(run, "--policy", rulings.evidence.policy)["summary"]
    assert (summary["broken"], summary["proofs"]) == (0, {"not kept": 2, "verified": 4})
    assert rulings.verify(run)["summary"]["proofs"] == {"not kept": 2, "verified": 4}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("reason", "something else", "something else than this ruling"),
        ("to", "T1", "something else than this ruling"),
        ("agent", "other-bot", "another's chain"),
        ("approver", f"{IDP}#dave", "recorded as"),
        ("issued", "2026-11-23T09:00:00Z", "seconds before"),
        ("fingerprint", 5, "does not say its 'fingerprint'"),
    ],
)
def test_a_ruling_that_was_changed_is_found(run: Run, rulings: Rulings, name: str, value: object, reason: str) -> None:
    rulings.rewrite(RULINGS, 1, lambda body: {**body, name: value})
    assert rulings.flaws(run) == [(RULINGS, 1, "proof")]
    assert reason in rulings.text(run)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("delegation delegate", f"{IDP}#bob", "another one than was stated"),
        ("delegation ends", "2026-12-20T00:00:00Z", "another one than was stated"),
        ("delegation groups", ["sre"], "another one than was stated"),
        ("stated groups", "sre", "does not say its 'groups'"),
        ("proof time", "2026-11-23T09:00:00Z", "and recorded"),
        ("proof factor", {}, "has no 'kind'"),
    ],
)
def test_a_delegation_that_was_changed_is_found(
    run: Run, rulings: Rulings, place: str, value: object, reason: str
) -> None:
    part, name = place.split()
    rulings.rewrite(rulings.delegations, 1, lambda body: {**body, part: {**body[part], name: value}})
    assert rulings.flaws(run) == [(rulings.delegations, 1, "proof")]
    assert reason in rulings.text(run)


def test_both_halves_changed_alike_are_not_what_was_signed(run: Run, rulings: Rulings) -> None:
    def longer(body: Any) -> Any:
        ends = {"ends": "2026-12-20T00:00:00Z"}
        return {**body, "delegation": {**body["delegation"], **ends}, "stated": {**body["stated"], **ends}}

    rulings.rewrite(rulings.delegations, 1, longer)
    assert "something else than this delegation" in rulings.text(run)


def test_another_rulings_assertion_is_none_of_this_one(run: Run, rulings: Rulings) -> None:
    proof = rulings.evidence.record(rulings.delegations, 1)["body"]["proof"]
    rulings.rewrite(RULINGS, 1, lambda body: {**body, "proof": proof})
    assert rulings.flaws(run) == [(RULINGS, 1, "proof")]


def test_from_the_first_proof_on_each_has_one_and_before_it_is_told(run: Run, rulings: Rulings) -> None:
    def without(body: Any) -> Any:
        return {name: value for name, value in body.items() if name != "proof"}

    rulings.rewrite(RULINGS, 1, without)
    rulings.rewrite(RULINGS, 2, without)
    summary = rulings.verify(run)["summary"]
    # All of it is of the second in which the first proof was kept, when functions of both versions may have run.
    assert summary["proofs"] == {"not kept": 1, "older": 2, "verified": 3}
    works = rulings.api.works
    works.time += 600
    rulings.demote("dave", "seen in OPS-3", key=False)
    rulings.evidence.write()
    rulings.rewrite(RULINGS, 3, without)
    assert "keeps no proof" in rulings.text(run)
    rulings.rewrite(RULINGS, 3, lambda body: {**body, "proof": None})
    assert "keeps no proof" in rulings.text(run)


def test_evidence_of_before_is_told_apart_and_not_broken(run: Run, rulings: Rulings) -> None:
    def old(body: Any) -> Any:
        return {name: value for name, value in body.items() if name not in {"proof", "stated"}}

    for chain, number in ((rulings.delegations, 1), (RULINGS, 1), (RULINGS, 2)):
        rulings.rewrite(chain, number, old)
    assert rulings.verify(run)["summary"]["proofs"] == {"not kept": 1, "older": 3, "verified": 2}


def test_a_proof_that_the_policy_does_not_take_is_none(run: Run, rulings: Rulings) -> None:
    def by_password(body: Any) -> Any:
        return {**body, "proof": {**body["proof"], "factor": {**body["proof"]["factor"], "amr": ["pwd"]}}}

    rulings.rewrite(RULINGS, 2, by_password)
    assert rulings.verify(run)["summary"]["broken"] == 0
    assert "allowed is one of" in rulings.text(run, "--policy", rulings.evidence.policy)
    one_factor = {"amr": ["otp"]}
    rulings.rewrite(
        RULINGS,
        2,
        lambda body: {**body, "proof": {**body["proof"], "factor": {**body["proof"]["factor"], **one_factor}}},
    )
    assert "two factors" in rulings.text(run, "--policy", rulings.evidence.policy)


def test_the_trust_key_alone_rules_nothing(run: Run, rulings: Rulings) -> None:
    works = rulings.api.works
    works.time += 600
    assert works.place.trust is not None
    works.place.trust.add("release-bot", Demotion(TrustTier.T0, "alice", "nobody said so"), "alice")
    rulings.evidence.write()
    assert rulings.flaws(run) == [(LEDGER, 5, "not-allowed")]
    assert "no ruling of 'alice'" in rulings.text(run)


def test_the_export_says_by_which_proof(run: Run, rulings: Rulings, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    evidence = rulings.evidence
    run("export", evidence.bucket, *evidence.keys, "-o", file)
    with file.open(newline="") as stream:
        rows = {(row["chain"], row["number"]): row for row in csv.DictReader(stream)}
    lent, ruled, signed_in = rows[rulings.delegations, "1"], rows[RULINGS, "1"], rows[RULINGS, "2"]
    assert lent["proof"].startswith("kind=webauthn; issuer=")
    assert (lent["proof_verified"], ruled["proof_verified"]) == ("verified", "verified")
    assert "delegate=" in lent["what"]
    assert "action=demote" in ruled["what"]
    assert signed_in["proof"].startswith("kind=jwt; issuer=")
    assert signed_in["proof_verified"].startswith("not kept: a token")
    assert {row["proof_verified"] for (chain, _), row in rows.items() if chain.startswith("lent/")} == {""}


def test_marks_of_a_ledger_are_compared_with_it(run: Run, rulings: Rulings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust_mark, "STEP", 2)
    policy = ("--policy", rulings.evidence.policy)
    trust = rulings.api.works.place.trust
    assert trust is not None
    assert trust.state("release-bot").broken == ""
    rulings.evidence.write()
    marks = f"{LEDGER}/verified"
    assert rulings.evidence.record(marks, 2)["body"]["number"] == 4
    assert rulings.verify(run, *policy)["summary"]["broken"] == 0
    old = rulings.evidence.record(marks, 1)["body"]
    rulings.rewrite(marks, 1, lambda body: {**body, "digest": "ab" * 32})
    assert rulings.flaws(run, *policy) == [(marks, 1, "rewritten")]
    rulings.rewrite(marks, 1, lambda _: {**old, "number": "2"})
    assert "is no mark" in rulings.text(run, *policy)
    rulings.rewrite(marks, 1, lambda _: old)
    rulings.evidence.file(LEDGER, 4).unlink()
    assert rulings.flaws(run, *policy) == [(marks, 2, "cut")]
