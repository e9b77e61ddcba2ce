from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.bounds import check_name, check_names, check_text
from sudo_mcp_guardrails.approval.canonical import digest
from sudo_mcp_guardrails.approval.deciding.approval_digest import approval_digest
from sudo_mcp_guardrails.approval.deciding.decision import Decision, Factor, FactorKind, Statement, Verdict
from sudo_mcp_guardrails.approval.deciding.events import (
    KINDS,
    ContainmentWithdrawal,
    Notified,
    RuleDecision,
    Withdrawal,
    event_of,
    kind_of,
)
from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest, Requester
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import LAST, moment, written
from tests.approval.made import IDP, PLAN, POLICY, START, asked, decided, ended, jwt, stand_in, started, viewed

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.events import Event

CHANGES: dict[str, Any] = {
    "id": "approval-0002",
    "plan_digest": "ac" * 32,
    "risk": RiskClass.R1,
    "reasons": ("it changes production", "and more"),
    "requester": Requester("release-bot", "run-2", f"{IDP}#rita", "owen"),
    "environment": "sandbox",
    "account": "333333333333",
    "region": "us-east-1",
    "ticket": "OPS-2",
    "created": START + 1,
    "expires": START + 61,
    "nonce": "1f" * 16,
    "policy_version": "00" * 32,
    "services": ("iam",),
}


def test_every_part_of_a_request_is_part_of_its_digest() -> None:
    assert set(CHANGES) == {field.name for field in fields(ApprovalRequest)}
    request = asked()
    digests = {approval_digest(replace(request, **{name: value})) for name, value in CHANGES.items()}
    assert len(digests | {approval_digest(request)}) == len(CHANGES) + 1


def test_the_digest_is_of_its_own_kind_and_the_same_for_the_same() -> None:
    request = asked()
    assert approval_digest(request) == digest("approval/1", request.document())
    assert approval_digest(request) == approval_digest(asked())
    assert approval_digest(request) != digest("plan/1", request.document())


def test_what_is_stated_is_what_is_signed() -> None:
    stated = decided(asked(), "alice").statement
    changes: dict[str, Any] = {
        "approval_id": "approval-0002",
        "approval_digest": "00" * 32,
        "plan_digest": "00" * 32,
        "approver": "bob",
        "verdict": Verdict.REFUSE,
        "token_id": "00" * 32,
        "comment": "x",
        "on_behalf_of": "delegation-1",
        "break_glass": True,
    }
    assert set(changes) == {field.name for field in fields(Statement)}
    assert len({stated.challenge, *(replace(stated, **{k: v}).challenge for k, v in changes.items())}) == 10


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": "short"}, "approval id 'short' is none"),
        ({"id": "-" + "a" * 20}, "approval id"),
        ({"plan_digest": "AB" * 32}, "plan digest .* is no SHA-256"),
        ({"plan_digest": PLAN + "\n"}, "plan digest .* is no SHA-256"),
        ({"policy_version": ""}, "policy version '' is no SHA-256"),
        ({"nonce": "0f" * 15}, "the nonce is none"),
        ({"account": "1"}, "account '1' is none"),
        ({"account": "٢" * 12}, "account"),
        ({"expires": START}, "the request expires 2026-11-23T10:00:00Z, allowed: up to 14400 seconds after"),
        ({"expires": START + 4 * 3600 + 1}, "the request expires"),
        ({"created": -5}, "created -5 is no time"),
        ({"created": True}, "created True is no time"),
        ({"environment": ""}, "environment has 0 characters"),
        ({"environment": "prod\n"}, "a character that controls"),
        ({"ticket": " OPS"}, "begins or ends with a blank"),
        ({"services": ("s3", "s3")}, "services has an item twice"),
        ({"reasons": ("x" * 2001,)}, "reason has 2001 characters"),
        ({"reasons": ("x",) * 1001}, "has 1001 reasons"),
    ],
)
def test_what_is_no_request_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        asked(**changes)


@pytest.mark.parametrize("field", ["agent", "run", "person", "owner"])
def test_a_requester_is_known_in_all_parts(field: str) -> None:
    with pytest.raises(DecisionError, match=f"requester's {field} has 0 characters"):
        replace(asked().requester, **{field: ""})


def events() -> list[Event]:
    request = asked()
    assertion = Factor(
        FactorKind.WEBAUTHN, "x", bound_digest=PLAN, user_verified=True, credential="AA", proof=("A", "B", "C")
    )
    return [
        viewed(request, "alice"),
        decided(request, "alice", comment="two\nlines, and <b>bold</b>"),
        decided(request, "dave", proxy=stand_in("bob", "dave", groups=("security",))),
        decided(request, "bob", factor=assertion, break_glass=True),
        decided(request, "bob", factor=Factor(FactorKind.MFA, "111111111111", mfa_age=30)),
        RuleDecision(request.id, approval_digest(request), PLAN, "T1", "65 of 65 points", START),
        Withdrawal(request.id, "run-1", "", START),
        ContainmentWithdrawal(
            request.id, "arn:aws:sts::111111111111:assumed-role/responder/x", "a honeytoken", "incident-1", START
        ),
        started(request),
        ended(request),
        Notified(request.id, "requested-0", START),
    ]


def test_every_event_is_read_as_it_is_written() -> None:
    assert {kind_of(event) for event in events()} == set(KINDS)
    for event in events():
        again = event_of(kind_of(event), json.loads(json.dumps(event.document())))
        assert again == event
        assert again.document() == event.document()
    request = asked()
    assert ApprovalRequest.from_document(json.loads(json.dumps(request.document()))) == request
    decision = decided(request, "alice")
    assert Decision.from_document(decision.document()).digest == decision.digest


def test_documents_read_well() -> None:
    document = asked().document()
    assert document["created"] == "2026-11-23T10:00:00Z"
    assert document["planDigest"] == PLAN
    assert document["requester"]["agent"] == "release-bot"
    assert decided(asked(), "alice").document()["factor"]["authTime"] == "2026-11-23T10:01:30Z"


def mutated(document: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(document))
    place = copy
    for name in path[:-1]:
        place = place[name]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("time",), ..., "decision has no 'time'"),
        (("extra",), 1, "decision has 'extra', allowed are statement"),
        (("time",), 1763892000, "decision time is 1763892000, allowed: a text"),
        (("time",), "2026-11-23 10:00:00", "time '2026-11-23 10:00:00' is none"),
        (("time",), "2026-02-30T10:00:00Z", "is none, allowed: YYYY-MM-DD"),
        (("time",), "2026-1-3T10:00:00Z", "is none"),
        (("groups",), "sre", "decision groups is 'sre', allowed: a list"),
        (("groups",), [1], r"decision groups\[0\] is 1, allowed: a text"),
        (("groups",), ["x"] * 10_001, "is a list, allowed: a list of up to 10000"),
        (("statement",), None, "decision statement is None, allowed: an object"),
        (("statement", "verdict"), "maybe", "is 'maybe', allowed are approve, refuse"),
        (("statement", "verdict"), ["approve"], "is a list, allowed are approve, refuse"),
        (("statement", "breakGlass"), 1, "is 1, allowed: true or false"),
        (("statement", "breakGlass"), "true", "is 'true', allowed: true or false"),
        (("statement", "comment"), "x" * 70_000, "xx\\.\\.\\., allowed: a text"),
        (("statement", "comment"), "\ud800", "half of a surrogate pair"),
        (("statement", "approver"), "a\u202ebob", "controls how text is shown"),
        (("factor", "mfaAge"), True, "is True, allowed: a whole number"),
        (("factor", "mfaAge"), 1.5, "is 1.5, allowed: a whole number"),
        (("factor", "authTime"), "0000-00-00T00:00:00Z", "is none"),
        (("factor", "proof"), ["x", "x", "x", "x"], "the proof is too large"),
        (("factor", "credential"), "x" * 2001, "credential has 2001"),
        (("factor", "boundDigest"), "x", "is no SHA-256"),
    ],
)
def test_what_is_no_decision_is_refused_with_the_place(path: tuple[str, ...], value: Any, reason: str) -> None:
    document = decided(asked(), "alice").document()
    with pytest.raises(DecisionError, match=reason) as caught:
        Decision.from_document(mutated(document, path, value))
    assert len(str(caught.value)) < 300


def test_what_is_no_event_is_refused() -> None:
    with pytest.raises(DecisionError, match="event 'vote' is not known, allowed are view"):
        event_of("vote", {})
    with pytest.raises(DecisionError, match="view is a list, allowed: an object"):
        event_of("view", [])


def test_times_have_one_text() -> None:
    assert moment(written(START)) == START
    assert written(0) == "1970-01-01T00:00:00Z"
    assert moment(written(LAST)) == LAST
    for wrong in (
        "",
        "2026-11-23T10:00:00+00:00",
        "2026-11-23T24:00:00Z",
        "1969-12-31T23:59:59Z",
        "9999-01-01T00:00:00Z",
    ):
        with pytest.raises(DecisionError, match="time"):
            moment(wrong)
    for number in (-1, LAST + 1, 1.0, True, None):
        with pytest.raises(DecisionError, match="is no time"):
            written(number)  # type: ignore[arg-type]


def test_names_are_bounded_and_readable() -> None:
    check_name("name", "x" * 512)
    check_text("comment", "a\n\tb")
    for wrong in ("x" * 513, "", " ", "a\nb", "a\x00b", "a\u2028b", "a ", "\ud800"):
        with pytest.raises(DecisionError, match="name"):
            check_name("name", wrong)
    for wrong in ("x" * 2001, "a\x1bb", "a\u2066b"):
        with pytest.raises(DecisionError, match="comment"):
            check_text("comment", wrong)
    with pytest.raises(DecisionError, match="has 1001 items"):
        check_names("groups", [str(number) for number in range(1001)])


def test_a_policy_of_another_kind_of_proof_shows_in_the_factor() -> None:
    assert jwt(START).kind in {issuer.kind for issuer in POLICY.freshness.issuers}
