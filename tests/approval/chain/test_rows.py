from __future__ import annotations

from sudo_mcp_guardrails.approval.chain.rows import MAX_CELL, AuditRow, audit_rows
from sudo_mcp_guardrails.approval.evidence import append
from tests.approval.chains import KEYS, NOON, chain

DECISION = {
    "statement": {"verdict": "approve", "planDigest": "ab" * 32, "comment": "reviewed\nwith Bob", "onBehalfOf": ""},
    "factor": {"kind": "webauthn", "boundDigest": "cd" * 32, "amr": ["hwk", "user"], "userVerified": True},
    "groups": ["platform"],
}


def test_a_row_says_who_what_when_why_and_on_which_proof() -> None:
    record = append("approval-0001", None, time=NOON, kind="decision", who="alice", body=DECISION, signer=KEYS)
    (row,) = audit_rows([record])
    assert (row.chain, row.number, row.when, row.who) == ("approval-0001", 1, "2026-11-23T12:00:00Z", "alice")
    assert row.what == f"verdict=approve; planDigest={'ab' * 32}"
    assert row.why == "comment=reviewed with Bob"
    assert row.proof == f"kind=webauthn; amr=hwk, user; boundDigest={'cd' * 32}; userVerified=yes"
    assert (row.digest, row.key_id) == (record.digest, "key-1")
    assert dict(zip(AuditRow.columns(), row.values(), strict=True))["who"] == "alice"


def test_a_row_names_whom_a_request_stands_for() -> None:
    body = {"requester": {"agent": "bot", "run": "run-1", "person": "dora", "owner": "team"}, "ticket": "OPS-1"}
    (row,) = audit_rows(chain("approval-0001", "request", body=body))
    assert row.on_behalf_of == "agent=bot; run=run-1; person=dora; owner=team"
    assert (row.why, row.proof) == ("ticket=OPS-1", "")


def test_a_row_has_no_values_of_a_plan_and_no_endless_cell() -> None:
    body = {"plan": {"after": {"Password": "hunter2"}}, "comment": "x" * 5000, "reasons": {"not": "a text"}}
    (row,) = audit_rows(chain("approval-0001", "request", body=body, time=NOON))
    assert "hunter2" not in "".join(row.values())
    assert len(row.why) == MAX_CELL
    assert row.why.endswith("…")
