"""Every way to change evidence shows: by real keys, on chains that the workflow's functions wrote."""

from __future__ import annotations

import base64
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.deciding.events import ExecutionStarted
from sudo_mcp_guardrails.approval.evidence import Record, append
from sudo_mcp_guardrails.approval.store.kms import KmsSigner
from sudo_mcp_guardrails.approval.store.signers import KINDS_OF_DECISION_KEY
from sudo_mcp_guardrails.trail.aws import AwsAccess
from tests.handlers.approval import fakes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.approvals.conftest import Evidence, Run


def flaws(found: Any) -> set[tuple[str, str]]:
    return {(item["chain"], item["flaw"]) for item in found["items"]}


def test_evidence_that_nobody_touched_is_whole(run: Run, evidence: Evidence) -> None:
    found = run("verify", evidence.bucket, *evidence.keys, "--heads", evidence.heads, "--policy", evidence.policy)
    records = sum(1 for _ in (evidence.bucket / "records").rglob("*.json"))
    assert found["summary"] == {
        "records": records,
        "broken": 0,
        "chains": 3,
        "broken_chains": 0,
        "heads": 1,
        "replayed": 2,
        "states": {"executed": 1, "refused": 1},
        "not_replayed": 0,
        "proofs": {"not kept": 1},
        "rules_not_checked": 0,
    }
    assert (found["ok"], found["items"]) == (True, [])


@pytest.mark.parametrize("member", ["who", "kind", "time", "body"])
def test_a_changed_member_shows(run: Run, evidence: Evidence, member: str) -> None:
    document = evidence.record(evidence.done, 3)
    said: dict[str, Any] = {
        "who": "https://idp.example.com#bob",
        "kind": "notified",
        "time": "2026-11-23T10:00:01Z",
        "body": {**document["body"], "groups": ["security"]},
    }
    evidence.put(evidence.done, 3, {**document, member: said[member]})
    found = run("verify", evidence.bucket, *evidence.keys, code=1)
    assert (evidence.done, "changed") in flaws(found)
    assert {item["chain"] for item in found["items"]} == {evidence.done}


def test_a_record_whose_digest_was_made_anew_is_not_signed(run: Run, evidence: Evidence) -> None:
    document = evidence.record(evidence.done, 3)
    changed = Record.from_document({**document, "who": "https://idp.example.com#bob", "digest": "0" * 64})
    evidence.put(evidence.done, 3, {**changed.document(), "digest": changed.computed})
    found = flaws(run("verify", evidence.bucket, *evidence.keys, code=1))
    assert {(evidence.done, "signature"), (evidence.done, "changed")} <= found  # the next one does not follow


def test_a_missing_record_and_a_chain_that_was_cut_show(run: Run, evidence: Evidence) -> None:
    evidence.file(evidence.done, 2).unlink()
    found = run("verify", evidence.bucket, *evidence.keys, code=1)
    assert (evidence.done, "gap") in flaws(found)
    evidence.write()
    last = max((evidence.bucket / "records" / evidence.done).iterdir())
    last.unlink()
    # By itself a chain without its tail is whole: that is what published heads are for.
    assert run("verify", evidence.bucket, *evidence.keys)["summary"]["broken"] == 0
    found = run("verify", evidence.bucket, *evidence.keys, "--heads", evidence.heads, code=1)
    assert flaws(found) == {(evidence.done, "cut")}


def test_a_chain_that_is_gone_shows_against_heads(run: Run, evidence: Evidence) -> None:
    shutil.rmtree(evidence.bucket / "records" / evidence.refused)
    found = run("verify", evidence.bucket, *evidence.keys, "--heads", evidence.heads, code=1)
    assert flaws(found) == {(evidence.refused, "cut")}


def test_records_in_each_others_places_show(run: Run, evidence: Evidence) -> None:
    second, third = evidence.record(evidence.done, 2), evidence.record(evidence.done, 3)
    evidence.put(evidence.done, 2, third)
    evidence.put(evidence.done, 3, second)
    found = run("verify", evidence.bucket, *evidence.keys, code=1)
    assert [(item["number"], item["flaw"]) for item in found["items"]] == [(2, "misplaced"), (3, "misplaced")]


def test_a_record_of_another_chain_and_one_twice_show(run: Run, evidence: Evidence) -> None:
    evidence.put(evidence.refused, 9, evidence.record(evidence.done, 2))
    found = run("verify", evidence.bucket, *evidence.keys, code=1)
    assert {(evidence.refused, "other-chain"), (evidence.refused, "misplaced")} <= flaws(found)
    evidence.file(evidence.refused, 9).unlink()
    again = {**evidence.record(evidence.done, 2), "who": "somebody"}
    (evidence.bucket / "records" / "more.jsonl").write_text(json.dumps(again) + "\n")
    assert (evidence.done, "duplicate") in flaws(run("verify", evidence.bucket, *evidence.keys, code=1))


def test_what_people_do_is_not_signed_with_the_key_of_the_workflow(run: Run, evidence: Evidence) -> None:
    """Who has the evidence key alone writes a whole chain anew, with a decision in it."""
    forged: list[Record] = []
    signer = KmsSigner(evidence.works.kms, fakes.EVIDENCE_KEY)
    for number in range(1, len(list((evidence.bucket / "records" / evidence.done).iterdir())) + 1):
        old = Record.from_document(evidence.record(evidence.done, number))
        last = forged[-1] if forged else None
        forged.append(append(old.chain, last, time=old.time, kind=old.kind, who=old.who, body=old.body, signer=signer))
        evidence.file(evidence.done, number).write_bytes(forged[-1].line())
    found = run("verify", evidence.bucket, *evidence.keys, code=1)
    wrong = {item["number"] for item in found["items"] if item["flaw"] == "key"}
    assert wrong == {one.number for one in forged if one.kind in KINDS_OF_DECISION_KEY} != set()
    heads = run("verify", evidence.bucket, *evidence.keys, "--heads", evidence.heads, code=1)
    assert (evidence.done, "rewritten") in flaws(heads)


def test_an_execution_that_nobody_approved_shows_by_the_policy(run: Run, evidence: Evidence) -> None:
    """The workflow's own key is in wrong hands: the chain is whole, and what it says was not allowed."""
    records = [
        Record.from_document(json.loads(file.read_bytes()))
        for file in sorted((evidence.bucket / "records" / evidence.refused).iterdir())
    ]
    case = evidence.works.case(evidence.refused)
    last = records[-1]
    event = ExecutionStarted(evidence.refused, case.digest, case.request.plan_digest, "exe-1", last.time)
    signer = KmsSigner(evidence.works.kms, fakes.EVIDENCE_KEY)
    made = append(
        evidence.refused, last, time=last.time, kind="execution", who="broker", body=event.document(), signer=signer
    )
    evidence.file(evidence.refused, made.number).write_bytes(made.line())
    assert run("verify", evidence.bucket, *evidence.keys)["summary"]["replayed"] == 0
    found = run("verify", evidence.bucket, *evidence.keys, "--policy", evidence.policy, code=1)
    assert [(item["number"], item["flaw"]) for item in found["items"]] == [(made.number, "not-allowed")]
    assert "it is not approved" in found["items"][0]["text"]


def test_what_cannot_be_read_is_told_with_its_place(run: Run, evidence: Evidence) -> None:
    evidence.file(evidence.done, 2).write_text('{"chain": 1}')
    found = run("verify", evidence.bucket, *evidence.keys, code=1)
    item = next(each for each in found["items"] if each["flaw"] == "unreadable")
    assert (item["chain"], item["number"]) == (evidence.done, 2)
    assert str(evidence.file(evidence.done, 2)) in item["text"]


def test_heads_that_are_changed_or_do_not_reach_the_day_show(run: Run, evidence: Evidence) -> None:
    heads = ("--heads", evidence.heads)
    late = run("verify", evidence.bucket, *evidence.keys, *heads, "--until", "2026-11-24", code=1)
    assert [item["flaw"] for item in late["items"]] == ["heads"]
    (file,) = evidence.heads.rglob("*.json")
    document = json.loads(file.read_bytes())
    document["chains"].pop()
    file.write_text(json.dumps(document))
    changed = run("verify", evidence.bucket, *evidence.keys, *heads, code=1)
    assert [item["flaw"] for item in changed["items"]] == ["heads"]


def test_another_version_of_the_policy_is_not_told_as_whole(run: Run, evidence: Evidence, tmp_path: Path) -> None:
    settings = json.loads(evidence.policy.read_text())
    settings["policy"]["freshness"]["maxAge"] = 200
    other = tmp_path / "other.json"
    other.write_text(json.dumps(settings["policy"]))
    found = run("verify", evidence.bucket, *evidence.keys, "--policy", other, code=2)
    assert (found["summary"]["not_replayed"], found["ok"]) == (2, False)
    both = run("verify", evidence.bucket, *evidence.keys, "--policy", other, "--policy", evidence.policy)
    assert both["summary"]["replayed"] == 2


def test_bucket_and_tables_say_the_same(
    run: Run, evidence: Evidence, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    works = evidence.works
    clients = {"s3": works.s3, "dynamodb": works.dynamodb, "kms": works.kms}
    monkeypatch.setattr(AwsAccess, "client", lambda _, service, __=None: clients[service])
    keys = [each.partition("=")[0] for each in evidence.keys]
    heads = ("--heads", "s3://other-account")
    bucket = run("verify", "s3://bucket", *keys, *heads)
    table = run("verify", "table:evidence", "table:trust", *keys, *heads)
    assert bucket["summary"] == table["summary"]
    both = run("verify", "table:evidence", "table:trust", evidence.bucket, *keys, *heads)
    assert both["summary"] == table["summary"]
    lines = tmp_path / "all.jsonl"
    lines.write_bytes(b"".join(file.read_bytes() for file in (evidence.bucket / "records").rglob("*.json")))
    assert run("verify", lines, *keys, *heads)["summary"] == table["summary"]
    del works.dynamodb.tables["evidence"][evidence.done, 2]
    assert (evidence.done, "gap") in flaws(run("verify", "table:evidence", "table:trust", *keys, code=1))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["verify", "{bucket}"], "--evidence-key and --decision-key"),
        (["verify", "{bucket}", "--evidence-key", "a={der}"], "go together"),
        (["verify", "{bucket}", "--evidence-key", "a={der}", "--decision-key", "a={der}"], "one key for each"),
        (["verify", "{bucket}", "--evidence-key", "a={policy}", "--decision-key", "b={der}"], "no public key"),
        (["verify", "{bucket}", "--evidence-key", "a={der}", "--decision-key", "b={der}"], "expected --trust-key"),
        (["verify", "{bucket}/none", "--evidence-key", "a={der}", "--decision-key", "b={der}"], "there is no"),
        (["verify", "{empty}", "--evidence-key", "a={der}", "--decision-key", "b={der}"], "there is no record"),
        (["verify", "{bucket}", "--until", "2026-11-23"], "--heads"),
        (["verify", "{bucket}", "--evidence-key", "alias/x", "--decision-key", "b={der}"], "no ARN"),
    ],
)
def test_what_cannot_be_checked_is_refused(
    run: Run, evidence: Evidence, tmp_path: Path, arguments: list[str], told: str
) -> None:
    (tmp_path / "empty").mkdir()
    places = {
        "bucket": evidence.bucket,
        "der": tmp_path / "evidence.der",
        "policy": evidence.policy,
        "empty": tmp_path / "empty",
    }
    assert told in run(*(each.format(**places) for each in arguments), code=2)["error"]


def test_a_key_is_read_as_pem_too(run: Run, evidence: Evidence) -> None:
    for name in ("evidence", "decision", "trust"):
        file = evidence.directory / f"{name}.der"
        body = base64.encodebytes(file.read_bytes()).decode()
        file.write_text(f"-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n")
    assert run("verify", evidence.bucket, *evidence.keys)["summary"]["broken"] == 0
