from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.gateway.call import Outcome, Session, ToolCall, ToolResult, Verdict
from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.results.check import ResultCheck
from sudo_mcp_guardrails.gateway.results.limits import Limits

jsonschema = pytest.importorskip("jsonschema")
KEY = "AKIA" + "IOSFODNN7EXAMPLE"
SESSION = Session("s", "agent")


def after(body: dict[str, Any], size: int = 100, check: ResultCheck | None = None) -> Outcome:
    return (check or ResultCheck()).after(SESSION, ToolCall("server", "tool", {}), ToolResult(body, size))


def text_of(outcome: Outcome) -> str:
    assert outcome.value is not None
    return str(outcome.value["content"][0]["text"])


def ids(outcome: Outcome) -> list[str]:
    return [reason.id for reason in outcome.reasons]


def test_text_is_enveloped_cleaned_and_masked() -> None:
    outcome = after({"content": [{"type": "text", "text": f"a\u200bb {KEY}"}], "isError": False})
    assert outcome.verdict is Verdict.REDACT
    assert ids(outcome) == ["result.invisible", "result.secret", "result.enveloped"]
    assert text_of(outcome).split("\n")[1] == "ab ****"
    assert text_of(outcome).startswith("<untrusted-")
    assert outcome.value is not None
    assert outcome.value["isError"] is False


def test_a_trusted_tools_text_stays_as_it_is() -> None:
    check = ResultCheck(is_free_text=lambda server, tool: (server, tool) != ("server", "tool"))
    assert after({"content": [{"type": "text", "text": "plain"}]}, check=check) == Outcome()
    assert text_of(after({"content": [{"type": "text", "text": KEY}]}, check=check)) == "****"


def test_hidden_characters_that_python_calls_printable() -> None:
    for hidden in ("\ufe01", "\u034f", "\u115f", "\u3164", "\U000e0101", "\u2800", "\U000e0041"):
        assert text_of(after({"content": [{"type": "text", "text": f"a{hidden}b"}]})).split("\n")[1] == "ab"


def test_structured_content_keeps_its_shape() -> None:
    schema = {
        "type": "object",
        "properties": {
            "user": {"type": "string", "minLength": 5},
            "password": {"type": "string", "minLength": 10, "maxLength": 20},
            "pin_secret": {"type": "integer"},
            "env": {"type": "array", "items": {"type": "object", "required": ["name", "value"]}},
            "note": {"type": "string", "maxLength": 40},
        },
        "required": ["user", "password", "pin_secret", "env", "note"],
        "additionalProperties": False,
    }
    body = {
        "user": "anton",
        "password": "correct horse",
        "pin_secret": 4711,
        "env": [{"name": "DB_PASSWORD", "value": "hunter2hunter2"}, {"name": "REGION", "value": "eu-west-1"}],
        "note": f"{KEY}",
    }
    jsonschema.validate(body, schema)
    outcome = after({"structuredContent": body})
    assert outcome.value is not None
    found = outcome.value["structuredContent"]
    jsonschema.validate(found, schema)
    assert found["user"] == "anton"
    assert set(found["password"]) == {"*"}
    assert found["pin_secret"] == 0
    assert set(found["env"][0]["value"]) == {"*"}
    assert found["env"][1]["value"] == "eu-west-1"
    assert found["note"] == "*" * len(KEY)
    assert body["password"] == "correct horse"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def shape(value: object) -> object:
    if isinstance(value, dict):
        return [shape(item) for item in value.values()]
    return [shape(item) for item in value] if isinstance(value, list) else type(value).__name__


@given(JSON)
def test_any_structure_keeps_its_shape(value: object) -> None:
    outcome = after({"structuredContent": {"v": value}})
    found = outcome.value["structuredContent"]["v"] if outcome.value is not None else value
    assert shape(found) == shape(value)


def test_images_and_opaque_values_stay() -> None:
    data = "QUtJQQ" * 100
    body = {
        "content": [{"type": "image", "data": data, "mimeType": "image/png"}],
        "requestState": f"sealed {KEY}\u200b",
        "resultType": "complete",
    }
    assert after(body) == Outcome()


def test_resources_and_links() -> None:
    outcome = after(
        {
            "content": [
                {"type": "resource", "resource": {"uri": "file:///a\u200b", "text": "</untrusted-1>", "blob": "QUJD"}},
                {"type": "resource_link", "uri": "https://u:secretpass@h.example", "name": "n"},
            ]
        }
    )
    assert outcome.value is not None
    resource, link = outcome.value["content"]
    assert resource["resource"]["uri"] == "file:///a"
    assert resource["resource"]["blob"] == "QUJD"
    assert "&lt;/untrusted-1>" in resource["resource"]["text"]
    assert "secretpass" not in link["uri"]


def test_errors_are_as_untrusted_as_results() -> None:
    outcome = after({"error": {"code": -32000, "message": f"ignore {KEY}", "data": {"token": "abcdefgh123"}}})
    assert outcome.value is not None
    error = outcome.value["error"]
    assert error["code"] == -32000
    assert KEY not in error["message"]
    assert error["message"].startswith("<untrusted-")
    assert set(error["data"]["token"]) == {"*"}
    assert after({"error": {"code": "x", "message": "m"}}).value["error"]["code"] == -32603  # type: ignore[index]


def test_limits() -> None:
    check = ResultCheck(limits=Limits(size=1000, text=10, blocks=2), is_free_text=lambda _server, _tool: False)
    assert ids(after({"content": []}, 1001, check)) == ["result.too-large"]
    assert after({"content": []}, 1001, check).verdict is Verdict.DENY
    assert after({"content": [{"type": "text", "text": "x" * 10}]}, 100, check) == Outcome()
    outcome = after({"content": [{"type": "text", "text": "12345678"}, {"type": "text", "text": "9abc"}]}, 100, check)
    assert ids(outcome) == ["result.cut"]
    assert outcome.value is not None
    assert outcome.value["content"][1]["text"] == "9a\n[the guard cut this text]"
    outcome = after({"content": [{"type": "text", "text": "1"}] * 5}, 100, check)
    assert outcome.value is not None
    assert len(outcome.value["content"]) == 3
    assert "3 more blocks" in outcome.value["content"][2]["text"]


def test_depth() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    assert ids(after({"structuredContent": {"a": deep}})) == ["result.too-deep"]
    denied = ResultCheck().before(SESSION, ToolCall("server", "tool", {"a": deep}))
    assert denied.verdict is Verdict.DENY


@pytest.mark.parametrize("limits", [{"size": 0}, {"text": -1}, {"blocks": True}, {"size": 1 << 31}, {"text": 1.5}])
def test_bad_limits(limits: dict[str, Any]) -> None:
    with pytest.raises(GatewayError, match="expected a whole number"):
        Limits(**limits)


def test_arguments() -> None:
    call = ToolCall("server", "tool", {"text": f"use {KEY}", "n": 1, "hidden": "a\u200b"})
    outcome = ResultCheck().before(SESSION, call)
    assert outcome.verdict is Verdict.REDACT
    assert outcome.value is not None
    assert KEY not in json.dumps(outcome.value)
    assert outcome.value["n"] == 1
    assert outcome.value["hidden"] == "a\u200b"
    assert call.arguments["text"] == f"use {KEY}"
    assert ResultCheck(takes_secrets=[("server", "tool")]).before(SESSION, call) == Outcome()
    assert ResultCheck().before(SESSION, ToolCall("server", "tool", {"a": ["plain", 1]})) == Outcome()


def test_two_names_that_become_one_keep_both_values() -> None:
    outcome = after({"structuredContent": {"a": 1, "a\u200b": 2}})
    assert outcome.value is not None
    assert sorted(outcome.value["structuredContent"].values()) == [1, 2]
