"""Whatever comes in: a document, or an error that names the place, and never anything else.

What fuzzing found stays as an ``@example``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.iam import Layers, PolicyError, Principal, Request, evaluate
from sudo_mcp_guardrails.iam.conditions import substitute
from sudo_mcp_guardrails.iam.documents import parse_document, parse_json
from sudo_mcp_guardrails.iam.matching import arn_matches, glob

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam import PolicyDocument

ROLE = "arn:aws:iam::111111111111:role/worker"
REQUEST = Request(
    "s3:GetObject", "arn:aws:s3:::bucket/key", Principal(ROLE, session="s", tags={"t": "*"}), {"aws:a": ("x", "1")}
)
ELEMENTS = (
    *("Version", "Id", "Statement", "Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"),
    *("Principal", "NotPrincipal", "Condition", "AWS", "Service", "*", "", "x"),
    *("StringLike", "ForAllValues:NumericEquals", "NotIpAddressIfExists", "DateLessThan", "Null", ":", "aws:a", "a:"),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=6),
    st.text("${}*?,:' a\ue000\ud800", max_size=8),
    st.sampled_from(
        ("2012-10-17", "2008-10-17", "Allow", "Deny", "*", "*:*", "s3:*", "${aws:a}", "${$}{", "true", "1")
    ),
    st.sampled_from((*ELEMENTS, "10.0.0.0/8", "2026-11-23", "arn:aws:s3:::b", "9" * 5000)),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(ELEMENTS), inner, max_size=4),
    max_leaves=20,
)
GOOD: dict[str, Any] = {
    "Version": "2012-10-17",
    "Id": "i",
    "Statement": [
        {
            "Sid": "S",
            "Effect": "Deny",
            "Principal": {"AWS": [ROLE, "*"]},
            "NotAction": ["s3:*", "iam:Get*"],
            "NotResource": ["arn:aws:s3:::b/${aws:PrincipalTag/t, 'x'}"],
            "Condition": {
                "ForAnyValue:StringLike": {"aws:a": ["x*", "${aws:b}"]},
                "NumericLessThanIfExists": {"aws:a": 5},
                "IpAddress": {"aws:SourceIp": "10.0.0.0/8"},
            },
        },
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
    ],
}


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value of a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in inner for place in places(item, (*at, key)))]


def changed(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of a document with one value exchanged."""
    if not at:
        return new
    key, *rest = at
    if isinstance(value, dict):
        return {**value, key: changed(value[key], tuple(rest), new)}
    return [changed(item, tuple(rest), new) if i == key else item for i, item in enumerate(value)]


def check(document: Any) -> PolicyDocument | None:
    """Parse; what is read can be decided and written again, and what is refused says where."""
    try:
        read = parse_document(document)
    except PolicyError as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert message.startswith("policy")
        assert len(message) < 1000
        return None
    assert len({s.sid for s in read.statements}) == len(read.statements)
    for layers in (Layers(identity=(read,)), Layers(resource=read)):
        decision = evaluate(REQUEST, layers)
        assert decision.allowed in {True, False}
    again = parse_document(json.loads(read.to_json()), name=read.name)
    assert [s.to_dict() for s in again.statements] == [s.to_dict() for s in read.statements]
    return read


@settings(max_examples=400, deadline=None)
@given(VALUES)
@example(
    {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"NumericEquals": {"a:b": 10**400}}}}
)
@example({"Statement": [{"Effect": float("nan")}]})
@example({"Version": 10**5000, "Statement": []})
def test_any_value(document: Any) -> None:
    check(document)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(places(GOOD)), VALUES)
@example(("Statement", 0, "NotAction", 0), "9" * 5000)
def test_one_value_of_a_good_document_exchanged(place: tuple[Any, ...], new: Any) -> None:
    check(changed(GOOD, place, new))


def test_the_good_document_is_read() -> None:
    assert check(GOOD) is not None


@settings(max_examples=400, deadline=None)
@given(st.text() | st.text('{}[]",:0123456789Ent ') | st.binary() | VALUES.map(repr))
@example("\ufeff{}")
@example(b"\xef\xbb\xbf{}")
@example('{"Statement": 1' + "0" * 5000 + "}")
@example('"\\ud800"')
def test_any_text(text: str | bytes) -> None:
    with pytest.raises(PolicyError, match=r"^policy"):
        parse_json(text)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(json.dumps(GOOD)) - 1), st.text(min_size=0, max_size=2))
def test_good_text_with_a_character_exchanged(place: int, new: str) -> None:
    text = json.dumps(GOOD)
    text = text[:place] + new + text[place + 1 :]
    try:
        read = parse_json(text)
    except PolicyError:
        return
    # Text that is read at all is read as Python reads it.
    assert read == parse_document(json.loads(text))


@settings(max_examples=300, deadline=None)
@given(st.text("ab*?:/${}\n", max_size=400), st.text("ab:/${}\n", max_size=400))
@example("*a" * 200, "a" * 400)
@example("a?" * 200 + "*", "a" * 400)
@example("${" * 100, "${" * 100)
def test_matching_ends(pattern: str, value: str) -> None:
    assert glob(pattern)(value) in {True, False}
    assert arn_matches(pattern, value) in {True, False}
    substitute(pattern, {"a": (value,)})


@pytest.mark.usefixtures("no_hang")
@pytest.mark.parametrize("unit", ["*a", "*?", "a*b*", "*?a*", "**"])
def test_a_pattern_built_to_explode(unit: str) -> None:
    test = glob(unit * 10_000 + "c")
    assert not test("ab" * 5_000)
