from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.gateway.pins.canonical import MAX_DEPTH, canonical, digest
from sudo_mcp_guardrails.gateway.pins.errors import PinError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # Appendix B of RFC 8785, by the bits of the double.
        (0.0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (-5e-324, "-5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e23, "1e+23"),
        (1.0000000000000001e23, "1.0000000000000001e+23"),
        (999999999999999700000.0, "999999999999999700000"),
        (1e21, "1e+21"),
        (9.999999999999997e-7, "9.999999999999997e-7"),
        (0.000001, "0.000001"),
        (333333333.33333325, "333333333.33333325"),
        (-0.0000033333333333333333, "-0.0000033333333333333333"),
        (1424953923781206.2, "1424953923781206.2"),
        # and others
        (1e-7, "1e-7"),
        (0.1, "0.1"),
        (1.0, "1"),
        (4.5, "4.5"),
        (2**63 - 1, "9223372036854775807"),
        (True, "true"),
        (None, "null"),
        ({"b": 1, "a": [], "": {}}, '{"":{},"a":[],"b":1}'),
        ('\u20ac$\u000f\nA\'B"\\"/\x7f', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/\x7f"'),
    ],
)
def test_as_the_rfc_writes_it(value: object, text: str) -> None:
    assert canonical(value).decode() == text


def test_names_in_the_order_of_the_rfc() -> None:
    # Section 3.2.3: by UTF-16, in which an emoji comes before a letter of the end of the basic plane.
    names = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    found = list(json.loads(canonical(dict.fromkeys(names, 0))))
    assert found == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@given(JSON)
def test_reads_back(value: object) -> None:
    try:
        text = canonical(value)
    except PinError:
        assert any("\ud800" <= letter <= "\udfff" for letter in json.dumps(value, ensure_ascii=False))
        return
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_double_reads_back(value: float) -> None:
    assert float(canonical(value)) == value


@given(JSON, JSON)
def test_different_values_have_different_texts(one: object, other: object) -> None:
    def plain(value: object) -> str:
        return json.dumps(value, sort_keys=True)

    if plain(one) == plain(other):
        assert canonical(one) == canonical(other)
    elif canonical(one) == canonical(other):
        assert one == other  # numbers of one value, such as 1 and 1.0


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {1: 2}, {"a": b"x"}, {1, 2}])
def test_what_has_no_form(value: Any) -> None:
    with pytest.raises(PinError):
        canonical(value)


def test_depth() -> None:
    value: Any = 0
    for _ in range(MAX_DEPTH):
        value = [value]
    canonical(value)
    with pytest.raises(PinError, match="nested more than 100 deep"):
        canonical([value])


def test_digest() -> None:
    assert digest({"a": 1}) == "sha256:" + hashlib.sha256(b'{"a":1}').hexdigest()
