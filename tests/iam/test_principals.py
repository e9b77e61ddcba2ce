"""Whom Principal and NotPrincipal stand for (IAM user guide, "AWS JSON policy elements: Principal")."""

from __future__ import annotations

import pytest

from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.iam.principals import (
    excepts,
    names_directly,
    names_everybody,
    names_role,
    stands_for,
)
from sudo_mcp_guardrails.iam.request import Principal

ROLE = "arn:aws:iam::111111111111:role/team/worker"
SESSION = "arn:aws:sts::111111111111:assumed-role/worker/s"
WORKER = Principal(ROLE, session="s")
USER = Principal("arn:aws:iam::111111111111:user/ann")
SERVICE = Principal("lambda.amazonaws.com")


@pytest.mark.parametrize(
    ("kind", "value", "caller", "expected"),
    [
        ("*", "*", WORKER, True),
        ("AWS", "*", WORKER, True),
        ("AWS", "*", SERVICE, True),
        ("Service", "*", WORKER, False),
        ("AWS", ROLE, WORKER, True),
        ("AWS", SESSION, WORKER, True),
        ("AWS", f"{SESSION}x", WORKER, False),
        # The path is part of a role's ARN, and not of a session's.
        ("AWS", "arn:aws:iam::111111111111:role/worker", WORKER, False),
        ("AWS", "111111111111", WORKER, True),
        ("AWS", "arn:aws:iam::111111111111:root", WORKER, True),
        ("AWS", "arn:aws:iam::222222222222:root", WORKER, False),
        ("AWS", "arn:aws-cn:iam::111111111111:root", WORKER, False),
        # No wildcard but for everybody: a part of a name cannot be one.
        ("AWS", "arn:aws:iam::111111111111:role/*", WORKER, False),
        ("AWS", USER.arn, USER, True),
        ("Service", "lambda.amazonaws.com", SERVICE, True),
        ("Service", "ec2.amazonaws.com", SERVICE, False),
        ("AWS", "lambda.amazonaws.com", SERVICE, False),
        ("Service", "lambda.amazonaws.com", WORKER, False),
        ("Federated", ROLE, WORKER, False),
        ("CanonicalUser", "111111111111", WORKER, False),
    ],
)
def test_stands_for(kind: str, value: str, caller: Principal, *, expected: bool) -> None:
    assert stands_for(((kind, value),), caller, canonical=False) is expected
    assert stands_for((("Service", "x"), (kind, value)), caller, canonical=False) is expected


def test_nobody_stands_for_anybody() -> None:
    assert not stands_for((), WORKER, canonical=True)


def test_whose_a_canonical_user_id_is_nobody_can_tell() -> None:
    assert stands_for((("CanonicalUser", "79a5"),), WORKER, canonical=True)
    assert excepts((("CanonicalUser", "79a5"),), WORKER, bounded=False)


@pytest.mark.parametrize(("bounded", "expected"), [(False, True), (True, False)])
def test_who_has_a_boundary_is_never_left_out(*, bounded: bool, expected: bool) -> None:
    assert excepts((("AWS", ROLE),), WORKER, bounded=bounded) is expected
    assert not excepts((("AWS", f"{ROLE}x"),), WORKER, bounded=bounded)


def _for(*principals: tuple[str, str]) -> Statement:
    return Statement("S", "Allow", actions=("*",), principals=principals)


def test_who_is_named_how() -> None:
    everybody, session, role = _for(("AWS", "*")), _for(("AWS", SESSION)), _for(("AWS", ROLE))
    account = _for(("AWS", "111111111111"))
    assert [names_directly(s, WORKER) for s in (everybody, session, role, account)] == [True, True, False, False]
    assert [names_everybody(s) for s in (everybody, session, role, account)] == [True, False, False, False]
    assert [names_role(s, WORKER) for s in (everybody, session, role, account)] == [False, False, True, False]
    # A user has no session: its own ARN is what names it directly.
    assert names_directly(_for(("AWS", USER.arn)), USER)
