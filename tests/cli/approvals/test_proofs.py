"""Assertions of passkeys are verified again: the key of the page's API alone makes no decision of a person."""

from __future__ import annotations

import base64
import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.authentication.registration import Registration, credential_chain
from sudo_mcp_guardrails.approval.evidence import Record, append
from sudo_mcp_guardrails.approval.store.kms import KmsSigner
from tests.approval import signing
from tests.approval.made import IDP, PAGE
from tests.handlers.approval import fakes
from tests.handlers.approval.apis import Api
from tests.handlers.approval.test_api_keys_and_trust import KEY_ID, assertion, enrol, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.approvals.conftest import Evidence, Run

ALICE = credential_chain("alice")


class Passkeys:
    """Evidence of two approvals that alice decided by her passkey.

    Args:
        evidence: to add it to.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        works = evidence.works
        works.configure(replace(works.settings, relying_party={"id": PAGE, "origins": [f"https://{PAGE}"]}))
        works.begin_run("run-01HZZZZZZZZZZZZZZZZZZZZZZZ")
        self.api = Api(works)
        assert enrol(self.api)[0] == 200
        self.first, self.second = self._decided(1), self._decided(2)
        evidence.write()

    def _decided(self, counter: int) -> str:
        approval = self.api.works.submitted()
        body = self.api.statement("alice", approval)
        asked = self.api.post("alice", f"/api/approvals/{approval}/challenge", body)[1]
        told = {**body, "assertion": assertion(asked["challenge"], counter)}
        status, answer = self.api.post("alice", f"/api/approvals/{approval}/decision", told)
        assert status == 200, answer
        return approval

    def decision(self, approval: str) -> int:
        """Number of the decision's record."""
        return self.api.works.kinds(approval).index("decision") + 1

    def rewrite(self, chain: str, number: int, change: Callable[[Any], Any]) -> None:
        """Write another body into a record and sign the chain anew from there on, as who has all keys can."""
        records = [
            Record.from_document(json.loads(file.read_bytes()))
            for file in sorted((self.evidence.bucket / "records" / chain).iterdir())
        ]
        made: list[Record] = records[: number - 1]
        for old in records[number - 1 :]:
            body = json.loads(json.dumps(old.body))
            body = change(body) if old.number == number else body
            signer = KmsSigner(self.evidence.works.kms, old.key_id)
            last = made[-1] if made else None
            made.append(append(chain, last, time=old.time, kind=old.kind, who=old.who, body=body, signer=signer))
            self.evidence.file(chain, old.number).write_bytes(made[-1].line())

    def verify(self, run: Run, *more: object, code: int = 0) -> Any:
        return run("verify", self.evidence.bucket, *self.evidence.keys, *more, code=code)

    def failed(self, run: Run, approval: str, *more: object) -> str:
        """What is said of the one decision whose proof does not hold."""
        (item,) = self.verify(run, *more, code=1)["items"]
        assert (item["chain"], item["number"], item["flaw"]) == (approval, self.decision(approval), "proof")
        return str(item["text"])


@pytest.fixture
def passkeys(evidence: Evidence) -> Passkeys:
    """Evidence with passkeys in it."""
    return Passkeys(evidence)


def test_assertions_that_hold_are_counted(run: Run, passkeys: Passkeys) -> None:
    summary = passkeys.verify(run, "--policy", passkeys.evidence.policy)["summary"]
    assert (summary["broken"], summary["proofs"]) == (0, {"not kept": 1, "verified": 2})


def test_a_turned_bit_is_found_though_every_record_is_signed(run: Run, passkeys: Passkeys) -> None:
    def turned(body: Any) -> Any:
        signature = bytearray(base64.urlsafe_b64decode(body["factor"]["proof"][2] + "=="))
        signature[-1] ^= 1
        body["factor"]["proof"][2] = text(bytes(signature))
        return body

    passkeys.rewrite(passkeys.first, passkeys.decision(passkeys.first), turned)
    assert "signature is not of the enrolled key" in passkeys.failed(run, passkeys.first)


def test_another_approvals_assertion_is_found(run: Run, passkeys: Passkeys) -> None:
    other = passkeys.evidence.record(passkeys.second, passkeys.decision(passkeys.second))["body"]
    number = passkeys.decision(passkeys.first)
    passkeys.rewrite(passkeys.first, number, lambda body: {**body, "factor": other["factor"]})
    assert "something else than this decision" in passkeys.failed(run, passkeys.first)
    passkeys.rewrite(passkeys.first, number, lambda _: other)
    assert "as it is not asked for here" in passkeys.failed(run, passkeys.first)


def test_a_missing_assertion_is_found(run: Run, passkeys: Passkeys) -> None:
    def without(body: Any) -> Any:
        body["factor"]["proof"] = []
        return body

    passkeys.rewrite(passkeys.first, passkeys.decision(passkeys.first), without)
    assert "keeps no assertion" in passkeys.failed(run, passkeys.first)


def test_a_key_that_nobody_enrolled_is_found(run: Run, passkeys: Passkeys) -> None:
    old = passkeys.evidence.record(ALICE, 1)["body"]

    def swapped(body: Any) -> Any:
        other = Registration.of(text(KEY_ID), signing.make_key(78).public.der(), "alice", "a code", "")
        return {**body, **other.document()}

    passkeys.rewrite(ALICE, 1, swapped)
    found = passkeys.verify(run, code=1)
    assert [item["flaw"] for item in found["items"]] == ["proof", "proof"]
    passkeys.rewrite(ALICE, 1, lambda _: {name: value for name, value in old.items() if name != "publicKey"})
    found = passkeys.verify(run, code=1)
    assert found["summary"]["proofs"] == {"failed": 2, "not kept": 1}
    assert "has the public half of key" in found["items"][0]["text"]


def test_registrations_of_a_broken_chain_are_not_believed(run: Run, passkeys: Passkeys) -> None:
    document = passkeys.evidence.record(ALICE, 1)
    passkeys.evidence.put(ALICE, 1, {**document, "who": f"{IDP}#bob"})
    found = passkeys.verify(run, code=1)
    assert found["summary"]["proofs"] == {"failed": 2, "not kept": 1}
    assert {item["chain"] for item in found["items"]} == {ALICE, passkeys.first, passkeys.second}


def test_the_workflows_key_enrols_nobody(run: Run, passkeys: Passkeys) -> None:
    old = Record.from_document(passkeys.evidence.record(ALICE, 1))
    signer = KmsSigner(passkeys.evidence.works.kms, fakes.EVIDENCE_KEY)
    forged = append(ALICE, None, time=old.time, kind=old.kind, who=old.who, body=old.body, signer=signer)
    passkeys.evidence.file(ALICE, 1).write_bytes(forged.line())
    assert passkeys.verify(run, code=1)["summary"]["proofs"] == {"failed": 2, "not kept": 1}


def test_another_persons_key_is_found_and_another_name_is_told_by_the_policy(run: Run, passkeys: Passkeys) -> None:
    number, policy = passkeys.decision(passkeys.first), ("--policy", passkeys.evidence.policy)

    def as_(who: str) -> Callable[[Any], Any]:
        return lambda body: {**body, "statement": {**body["statement"], "approver": who}}

    # Another name of hers: the assertion is over the name that it was made by, and so does not hold either.
    passkeys.rewrite(passkeys.first, number, as_("alice@example.com"))
    found = passkeys.verify(run, code=2)
    assert (found["summary"]["proofs"]["not checked"], found["summary"]["broken"]) == (1, 0)
    assert "expected --policy" in found["error"]
    assert "something else than this decision" in passkeys.failed(run, passkeys.first, *policy)
    passkeys.rewrite(passkeys.first, number, as_(f"{IDP}#bob"))
    assert "is one of 'alice'" in passkeys.failed(run, passkeys.first, *policy)


def test_the_page_is_the_one_of_the_settings(run: Run, passkeys: Passkeys) -> None:
    settings = json.loads(passkeys.evidence.policy.read_text())
    settings["relyingParty"]["origins"] = ["https://other.example.com"]
    passkeys.evidence.policy.write_text(json.dumps(settings))
    found = passkeys.verify(run, "--policy", passkeys.evidence.policy, code=1)
    assert found["summary"]["proofs"]["failed"] == 2
    settings["relyingParty"]["origins"] = "https://other.example.com"
    passkeys.evidence.policy.write_text(json.dumps(settings))
    assert "relyingParty" in passkeys.verify(run, "--policy", passkeys.evidence.policy, code=2)["error"]


def test_the_export_says_which_proof_stands_and_whether_it_holds(run: Run, passkeys: Passkeys) -> None:
    def without(body: Any) -> Any:
        body["factor"]["proof"] = []
        return body

    passkeys.rewrite(passkeys.second, passkeys.decision(passkeys.second), without)
    evidence = passkeys.evidence
    file = evidence.directory / "out.csv"
    summary = run("export", evidence.bucket, *evidence.keys, "-o", file, code=1)["summary"]
    assert summary["proofs"] == {"failed": 1, "not kept": 1, "verified": 1}
    with file.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["proof_verified"]]
    assert {row["kind"] for row in rows} == {"decision"}
    proofs = {row["chain"]: (row["proof"], row["proof_verified"]) for row in rows}
    assert proofs[passkeys.first][0].startswith(f"kind=webauthn; issuer={PAGE}")
    assert proofs[passkeys.first][1] == "verified"
    assert proofs[passkeys.second][1] == "failed: the decision keeps no assertion"
    assert proofs[evidence.done][1].startswith("not kept: a token of the identity provider")
    page = evidence.directory / "out.html"
    run("export", evidence.bucket, *evidence.keys, "--format", "html", "-o", page, code=1)
    assert '<span class="no">failed: the decision keeps no assertion</span>' in page.read_text()
    run("export", evidence.bucket, "-o", file)
    with file.open(newline="") as stream:
        told = {row["proof_verified"] for row in csv.DictReader(stream)}
    assert told == {"", "not checked: no keys were given"}
