"""Errors that say that nothing was done and errors that do not, and texts that may be shown."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ParamValidationError, ReadTimeoutError

from sudo_mcp_guardrails.approval.applying.answers import MAX_SHOWN, Veil, plain, was_not_done
from sudo_mcp_guardrails.approval.canonical import canonical
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan


def answered(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Call")


@pytest.mark.parametrize(
    ("error", "not_done"),
    [
        (answered("AccessDenied", 403), True),
        (answered("ValidationError", 400), True),
        (answered("Throttling", 400), True),
        (ParamValidationError(report="no"), True),
        (answered("RequestTimeout", 400), False),
        (answered("InternalError", 500), False),
        (answered("ServiceUnavailable", 503), False),
        (ReadTimeoutError(endpoint_url="https://x"), False),
        (ConnectionClosedError(endpoint_url="https://x"), False),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "Call"), False),
        (RuntimeError("no"), False),
    ],
)
def test_only_a_refusal_says_that_nothing_was_done(error: Exception, *, not_done: bool) -> None:
    assert was_not_done(error) is not_done


def test_an_answer_becomes_json() -> None:
    answer = {
        "ResponseMetadata": {"RequestId": "1"},
        "At": datetime(2026, 11, 24, tzinfo=timezone.utc),
        "Bytes": b"\xff",
        "Stream": object(),
        "Rows": ({"Price": Decimal("0.10")}, None, True, 1),
    }
    found = plain(answer)
    assert found["At"] == "2026-11-24T00:00:00+00:00"
    assert found["Stream"] == "<object>"
    assert "ResponseMetadata" not in found
    assert canonical(found)


def test_a_plans_secrets_are_in_no_text() -> None:
    change = Change(
        Operation.CALL,
        "rds:CreateDBInstance",
        "1",
        after={"MasterUserPassword": "swordfish", "Pins": ["1234567", {"x": 98765}], "Name": "a"},
        sensitive=(("MasterUserPassword",), ("Pins",), ("Missing", "0")),
    )
    plan = Plan(Form.API_CALLS, "", "", "", (change,), parameters={"Db": "opensesame"}, sensitive=(("Db",),))
    veil = Veil(plan)
    shown = veil.text("bad password swordfish, 1234567 or 98765 or opensesame\n\u202eupside down")
    assert shown == "bad password ****, **** or **** or **** upside down"
    error = ClientError({"Error": {"Code": "Invalid", "Message": "swordfish is short"}}, "Call")
    assert veil.error(error) == "Invalid: **** is short"
    assert veil.error(RuntimeError("swordfish")) == "RuntimeError", (
        "the text of an error that is none of AWS's stays out"
    )


def test_texts_are_bounded() -> None:
    assert len(Veil().text("x" * 10_000)) == MAX_SHOWN
