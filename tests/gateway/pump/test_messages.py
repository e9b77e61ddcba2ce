from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.gateway.pump.messages import Kind, parse, read
from sudo_mcp_guardrails.gateway.pump.refusals import INVALID_REQUEST, PARSE_ERROR, RefusedError


@pytest.mark.parametrize(
    ("raw", "kind", "id"),
    [
        (b'{"jsonrpc":"2.0","id":1,"method":"ping"}', Kind.REQUEST, 1),
        (b'{"jsonrpc":"2.0","id":"1","method":"ping","params":{}}', Kind.REQUEST, "1"),
        (b'{"jsonrpc":"2.0","method":"notifications/initialized"}', Kind.NOTIFICATION, None),
        (b'{"jsonrpc":"2.0","id":0,"result":{}}', Kind.ANSWER, 0),
        (b'{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}', Kind.ANSWER, None),
        (b' {"jsonrpc":"2.0","id":1,"method":"x","extra":1}\r', Kind.REQUEST, 1),
    ],
)
def test_reads_what_is_a_message(raw: bytes, kind: Kind, id: object) -> None:
    message = read(raw, 8)
    assert (message.kind, message.id, message.raw) == (kind, id, raw)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", PARSE_ERROR),
        (b"{", PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"a\xff"}', PARSE_ERROR),
        (b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"a"}', PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}', PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":{"y":1,"y":2}}}', PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":1,"\\u0078":2}}', PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":NaN}}', PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":-Infinity}}', PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":"\\ud800"}}', PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"a"} {}', PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":' + b"9" * 5000 + b"}}", PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":' + b'{"a":' * 9 + b"1" + b"}" * 9 + b"}", PARSE_ERROR),
        (b'{"a":' * 100_000, PARSE_ERROR),
        (b"[" * 100_000 + b"]" * 100_000, PARSE_ERROR),
        (b"[]", INVALID_REQUEST),
        (b'[{"jsonrpc":"2.0","id":1,"method":"a"}]', INVALID_REQUEST),
        (b"1", INVALID_REQUEST),
        (b"null", INVALID_REQUEST),
        (b'{"id":1,"method":"a"}', INVALID_REQUEST),
        (b'{"jsonrpc":"1.0","id":1,"method":"a"}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":true,"method":"a"}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1.0,"method":"a"}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":null,"method":"a"}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":[1],"method":"a"}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":""}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":[1]}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":null}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","result":{}}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","Method":"b"}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","Params":{}}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"Method":"a"}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"x","NAME":"y"}}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"result":5}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","result":{}}', INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"result":{},"Result":{}}', INVALID_REQUEST),
    ],
)
def test_refuses_what_readers_could_take_otherwise(raw: bytes, code: int) -> None:
    with pytest.raises(RefusedError) as refused:
        read(raw, 8)
    assert refused.value.code == code
    assert json.loads(refused.value.answer())["error"]["code"] == code


def test_the_depth_is_exact() -> None:
    assert parse(b"[" * 8 + b"]" * 8, 8) is not None
    assert parse(b"[" * 8 + b"1" + b"]" * 8, 8) is not None
    with pytest.raises(RefusedError, match="deeper than 8"):
        parse(b"[" * 9 + b"]" * 9, 8)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        read(raw, 8)
    except RefusedError as error:
        assert error.code in {PARSE_ERROR, INVALID_REQUEST}  # noqa: PT017 - either is fine


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_all_json_that_one_reader_writes_is_read_as_written(value: object) -> None:
    assert parse(json.dumps(value).encode(), 64) == value
