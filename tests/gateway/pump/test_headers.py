from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.gateway.pump.envelope import CAPABILITIES_KEY, VERSION_KEY
from sudo_mcp_guardrails.gateway.pump.headers import Mirrors, agree, fold, forwarded
from sudo_mcp_guardrails.gateway.pump.messages import read
from sudo_mcp_guardrails.gateway.pump.refusals import HEADER_MISMATCH, INVALID_PARAMS, RefusedError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.pump.messages import Message

META = {VERSION_KEY: "2026-07-28", CAPABILITIES_KEY: {}}
GOOD = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "t"}


def message(method: str = "tools/call", **params: Any) -> Message:
    return read(json.dumps({"jsonrpc": "2.0", "id": 3, "method": method, "params": params}).encode(), 20)


def encoded(text: str) -> str:
    return f"=?base64?{base64.b64encode(text.encode()).decode()}?="


@pytest.mark.parametrize(
    ("headers", "meta", "params"),
    [
        ({**GOOD, "mcp-protocol-version": "2025-11-25"}, META, {"name": "t"}),
        ({**GOOD, "mcp-method": "tools/list"}, META, {"name": "t"}),
        ({**GOOD, "mcp-name": "u"}, META, {"name": "t"}),
        ({**GOOD, "mcp-name": "=?base64?dB==?="}, META, {"name": "t"}),
        ({**GOOD, "mcp-name": "=?base64?!?="}, META, {"name": "t"}),
        ({"mcp-method": "tools/call", "mcp-name": "t"}, META, {"name": "t"}),
        ({"mcp-protocol-version": "2026-07-28", "mcp-name": "t"}, META, {"name": "t"}),
        ({"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call"}, META, {"name": "t"}),
        (GOOD, {}, {"name": "t"}),
    ],
)
def test_headers_that_say_else_than_the_body_are_refused(headers: Any, meta: Any, params: Any) -> None:
    with pytest.raises(RefusedError) as refused:
        agree(headers, message(**params), meta)
    assert refused.value.code == (HEADER_MISMATCH if meta else INVALID_PARAMS)
    assert (refused.value.id, refused.value.status) == (3, 400)


def test_headers_that_agree() -> None:
    assert agree(GOOD, message(name="t"), META)
    assert agree({**GOOD, "mcp-name": encoded("tü")}, message(name="tü"), META)
    assert not agree({}, message(name="t"), {})
    assert not agree({"mcp-protocol-version": "2025-11-25"}, message(name="t"), {})


def test_a_header_that_is_read_stands_there_once() -> None:
    assert fold([(b"Mcp-Name", b" x \t"), (b"x-other", b"1"), (b"x-other", b"2")])["mcp-name"] == "x"
    for name in (b"Mcp-Name", b"authorization", b"host", b"Mcp-Param-A", b"mcp-session-id"):
        with pytest.raises(RefusedError, match="twice"):
            fold([(name, b"1"), (name.lower(), b"1")])


def test_no_token_and_no_cookie_goes_on() -> None:
    given = {**GOOD, "authorization": "Bearer x", "cookie": "a=b", "x-api-key": "k", "baggage": "b", "mcp-param-a": "1"}
    assert forwarded(given, message(name="t")) == GOOD
    assert "mcp-name" not in forwarded(given, message("tools/list"))


DEFINITION = {
    "name": "t",
    "inputSchema": {
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "n": {"type": "integer", "x-mcp-header": "N"},
            "on": {"type": "boolean", "x-mcp-header": "On"},
            "deep": {"properties": {"x": {"type": "string", "x-mcp-header": "X"}}},
        }
    },
}


@pytest.mark.parametrize(
    ("headers", "arguments"),
    [
        ({"mcp-param-region": "us-east-1"}, {"region": "us-east-1"}),
        ({"mcp-param-region": encoded("ü")}, {"region": "ü"}),
        ({"mcp-param-n": "42"}, {"n": 42.0}),
        ({"mcp-param-n": "42.0"}, {"n": 42}),
        ({"mcp-param-on": "true"}, {"on": True}),
        ({"mcp-param-x": "1"}, {"deep": {"x": "1"}}),
        ({}, {"region": None}),
        ({}, {"region": ["no", "header"]}),
        ({"mcp-param-else": "dropped"}, {}),
    ],
)
def test_mirrored_arguments_that_agree(headers: Any, arguments: Any) -> None:
    found = Mirrors().check(headers, message(name="t", arguments=arguments), DEFINITION)
    assert found == headers.keys() - {"mcp-param-else"}


@pytest.mark.parametrize(
    ("headers", "arguments"),
    [
        ({"mcp-param-region": "us-east-1"}, {"region": "eu-west-1"}),
        ({"mcp-param-region": "us-east-1"}, {}),
        ({}, {"region": "us-east-1"}),
        ({"mcp-param-region": "=?base64?!!?="}, {"region": "!!"}),
        ({"mcp-param-n": "42.5"}, {"n": 42}),
        ({"mcp-param-n": "4e1"}, {"n": 40}),
        ({"mcp-param-on": "True"}, {"on": True}),
        ({"mcp-param-on": "1"}, {"on": True}),
        ({"mcp-param-region": "x"}, {"region": ["x"]}),
    ],
)
def test_mirrored_arguments_that_do_not(headers: Any, arguments: Any) -> None:
    with pytest.raises(RefusedError) as refused:
        Mirrors().check(headers, message(name="t", arguments=arguments), DEFINITION)
    assert refused.value.code == HEADER_MISMATCH


def test_a_tool_that_nobody_listed_has_no_mirrors() -> None:
    assert Mirrors().check({}, message(name="t"), None) == set()
    with pytest.raises(RefusedError, match="list the tools first"):
        Mirrors().check({"mcp-param-a": "1"}, message(name="t"), None)
