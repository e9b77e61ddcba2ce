"""A server with all that the conformance suite asks for, by the SDK, for both eras: ``python everything.py PORT``.

It is compared with itself behind the guard; where the SDK lacks something, both lack it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import warnings
from typing import Any

import uvicorn
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.streamable_http import EventMessage, EventStore
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler
from mcp.shared.exceptions import MCPError
from mcp_types import (
    CallToolResult,
    CompleteResult,
    EmptyResult,
    ErrorData,
    GetPromptResult,
    InputRequiredResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    ReadResourceResult,
)

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
SOUND = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
RESOURCE = {"uri": "test://embedded-resource", "mimeType": "text/plain", "text": "An embedded resource."}
MIXED = {"uri": "test://mixed-content-resource", "mimeType": "application/json", "text": '{"a":1}'}

CONTENT: dict[str, list[dict[str, Any]]] = {
    "test_simple_text": [{"type": "text", "text": "This is a simple text response for testing."}],
    "test_image_content": [{"type": "image", "data": PIXEL, "mimeType": "image/png"}],
    "test_audio_content": [{"type": "audio", "data": SOUND, "mimeType": "audio/wav"}],
    "test_embedded_resource": [{"type": "resource", "resource": RESOURCE}],
    "test_multiple_content_types": [
        {"type": "text", "text": "Multiple content types test:"},
        {"type": "image", "data": PIXEL, "mimeType": "image/png"},
        {"type": "resource", "resource": MIXED},
    ],
}


def form(message: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def prompt_for(text: str) -> dict[str, Any]:
    message = {"role": "user", "content": {"type": "text", "text": text}}
    return {"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": 100}}


NAME = form("What is your name?", name={"type": "string"})
ROOTS = {"method": "roots/list", "params": {}}
ROUNDS: dict[str, list[tuple[dict[str, Any], str | None]]] = {
    "test_input_required_result_elicitation": [({"user_name": NAME}, None)],
    "test_input_required_result_sampling": [({"capital_question": prompt_for("What is the capital of France?")}, None)],
    "test_input_required_result_list_roots": [({"client_roots": ROOTS}, None)],
    "test_input_required_result_request_state": [
        ({"confirm": form("Please confirm", ok={"type": "boolean"})}, "state-1")
    ],
    "test_input_required_result_tampered_state": [
        ({"confirm": form("Please confirm", ok={"type": "boolean"})}, "state-1")
    ],
    "test_input_required_result_multiple_inputs": [
        ({"user_name": NAME, "greeting": prompt_for("Generate a greeting"), "client_roots": ROOTS}, "state-1")
    ],
    "test_input_required_result_multi_round": [
        ({"step1": form("Step 1: What is your name?", name={"type": "string"})}, "round-1"),
        ({"step2": form("Step 2: What is your favorite color?", color={"type": "string"})}, "round-2"),
    ],
}

SCHEMA_2020 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": {"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
    "allOf": [{"anyOf": [{"required": ["name"]}, {"required": ["address"]}]}],
    "if": {"required": ["address"]},
    "then": {"required": ["name"]},
    "else": {"required": []},
    "$anchor": "root",
    "additionalProperties": False,
}
HEADERS = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "priority": {"type": "integer", "x-mcp-header": "Priority"},
        "verbose": {"type": "boolean", "x-mcp-header": "Verbose"},
        "query": {"type": "string"},
    },
}
DEFAULTS = {
    "name": {"type": "string", "default": "John Doe"},
    "age": {"type": "integer", "default": 30},
    "score": {"type": "number", "default": 95.5},
    "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
    "verified": {"type": "boolean", "default": True},
}
TITLED = [{"const": "value1", "title": "First Option"}, {"const": "value2", "title": "Second Option"}]
ENUMS = {
    "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
    "titledSingle": {"type": "string", "oneOf": TITLED},
    "legacyEnum": {"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
    "untitledMulti": {"type": "array", "items": {"type": "string", "enum": ["option1", "option2", "option3"]}},
    "titledMulti": {"type": "array", "items": {"anyOf": TITLED}},
}

SCHEMAS: dict[str, dict[str, Any]] = {
    "json_schema_2020_12_tool": SCHEMA_2020,
    "test_custom_headers": HEADERS,
    "test_sampling": {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]},
    "test_elicitation": {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]},
}
TOOLS = [
    {
        "name": name,
        "description": f"Of the conformance suite: {name}.",
        "inputSchema": SCHEMAS.get(name, {"type": "object"}),
    }
    for name in (
        *CONTENT,
        *ROUNDS,
        *SCHEMAS,
        "test_error_handling",
        "test_tool_with_logging",
        "test_tool_with_progress",
        "test_reconnection",
        "test_elicitation_sep1034_defaults",
        "test_elicitation_sep1330_enums",
        "test_missing_capability",
        "test_input_required_result_capabilities",
    )
]
RESOURCES = {
    "test://static-text": {"mimeType": "text/plain", "text": "The content of the static text resource."},
    "test://static-binary": {"mimeType": "image/png", "blob": PIXEL},
    "test://watched-resource": {"mimeType": "text/plain", "text": "Watched."},
}
PROMPTS: dict[str, list[dict[str, Any]]] = {
    "test_simple_prompt": [],
    "test_prompt_with_arguments": [{"name": "arg1", "required": True}, {"name": "arg2", "required": True}],
    "test_prompt_with_embedded_resource": [{"name": "resourceUri", "required": True}],
    "test_prompt_with_image": [],
    "test_input_required_result_prompt": [],
}


def text(said: str) -> CallToolResult:
    return CallToolResult.model_validate({"content": [{"type": "text", "text": said}]})


def wanted(rounds: list[tuple[dict[str, Any], str | None]], params: Any) -> InputRequiredResult | None:
    """Return what is asked next, by what came back; None when the last of it did."""
    responses, state = params.input_responses or {}, params.request_state
    at = next((number for number, (_, own) in enumerate(rounds) if own is not None and own == state), 0)
    if rounds[at][0].keys() <= responses.keys() and rounds[at][1] == state:
        at += 1
    if at == len(rounds):
        return None
    asked = {"resultType": "input_required", "inputRequests": rounds[at][0], "requestState": rounds[at][1]}
    return InputRequiredResult.model_validate(asked)


async def call_tool(  # noqa: C901, PLR0911, PLR0912 - one branch a tool of the suite
    ctx: Any, params: Any
) -> CallToolResult | InputRequiredResult:
    name, arguments, session = params.name, params.arguments or {}, ctx.session
    if name in CONTENT:
        return CallToolResult.model_validate({"content": CONTENT[name]})
    if name in ROUNDS:
        return wanted(ROUNDS[name], params) or text(f"got {json.dumps(sorted(params.input_responses or {}))}")
    if name == "test_tool_with_progress":
        for progress in (0, 50, 100):
            await session.report_progress(progress, 100, f"step {progress}")
            await asyncio.sleep(0.05)
        return text("done")
    if name in {"test_tool_with_logging", "test_reconnection"}:
        for step in ("started", "going on", "done"):
            await session.send_log_message("info", f"Tool {step}", related_request_id=ctx.request_id)
            await asyncio.sleep(0.05)
            if name == "test_reconnection" and step == "started" and ctx.close_sse_stream is not None:
                await ctx.close_sse_stream()
        return text("done")
    if name == "test_sampling":
        from mcp_types import SamplingMessage, TextContent

        message = SamplingMessage(role="user", content=TextContent(type="text", text=arguments["prompt"]))
        said = await session.create_message(messages=[message], max_tokens=100, related_request_id=ctx.request_id)
        return text(f"LLM response: {said.content.text}")
    asked = {
        "test_elicitation": {"username": {"type": "string"}, "email": {"type": "string"}},
        "test_elicitation_sep1034_defaults": DEFAULTS,
        "test_elicitation_sep1330_enums": ENUMS,
    }
    if name in asked:
        schema = {"type": "object", "properties": asked[name], "required": []}
        said = await session.elicit_form(arguments.get("message", "?"), schema, related_request_id=ctx.request_id)
        return text(f"Elicitation completed: action={said.action}, content={json.dumps(said.content)}")
    capabilities = dict(getattr(ctx.session.client_capabilities, "__dict__", None) or {})
    if name == "test_input_required_result_capabilities":
        offers = {"elicitation": ("name", NAME), "sampling": ("greeting", prompt_for("Greet"))}
        able = dict(offer for capability, offer in offers.items() if capabilities.get(capability) is not None)
        return (wanted([(able, None)], params) if able else None) or text("done")
    if name == "test_missing_capability":
        if capabilities.get("sampling") is None:
            lacking: Any = {"requiredCapabilities": {"sampling": {}}}
            raise MCPError.from_error_data(ErrorData(code=-32021, message="sampling is required", data=lacking))
        return text("done")
    if name == "test_error_handling":
        result = text("This tool intentionally returns an error for testing")
        result.is_error = True
        return result
    if name in SCHEMAS:
        return text(json.dumps(arguments))
    raise MCPError.from_error_data(ErrorData(code=-32602, message=f"unknown tool {name[:40]!r}"))


async def get_prompt(_ctx: Any, params: Any) -> GetPromptResult | InputRequiredResult:
    name, arguments = params.name, params.arguments or {}
    if name not in PROMPTS:
        raise MCPError.from_error_data(ErrorData(code=-32602, message="unknown prompt"))
    content: list[dict[str, Any]] = [{"type": "text", "text": f"A prompt: {json.dumps(arguments)}"}]
    if name == "test_prompt_with_image":
        content.insert(0, {"type": "image", "data": PIXEL, "mimeType": "image/png"})
    if name == "test_prompt_with_embedded_resource":
        content.insert(0, {"type": "resource", "resource": {**RESOURCE, "uri": arguments["resourceUri"]}})
    if name == "test_input_required_result_prompt":
        question = {"user_context": form("What context should the prompt use?", context={"type": "string"})}
        more = wanted([(question, None)], params)
        if more is not None:
            return more
    messages = [{"role": "user", "content": each} for each in content]
    return GetPromptResult.model_validate({"messages": messages})


async def read_resource(_ctx: Any, params: Any) -> ReadResourceResult:
    uri = str(params.uri)
    if uri.startswith("test://template/"):
        body = {"mimeType": "application/json", "text": json.dumps({"id": uri.split("/")[3]})}
    elif uri in RESOURCES:
        body = RESOURCES[uri]
    else:
        raise MCPError.from_error_data(ErrorData(code=-32602, message="no such resource", data={"uri": uri}))
    return ReadResourceResult.model_validate(
        {"contents": [{"uri": uri, **body}], "ttlMs": 1000, "cacheScope": "private"}
    )


def always(model: Any, **body: Any) -> Any:
    async def answer(_ctx: Any, _params: Any) -> Any:
        return model.model_validate(body)

    return answer


class Events(EventStore):
    """Keeps what was sent, for clients that come back."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, Any]] = []

    async def store_event(self, stream_id: str, message: Any) -> str:
        self.kept.append((stream_id, message))
        return str(len(self.kept))

    async def replay_events_after(self, last_event_id: str, send_callback: Any) -> str | None:
        last = int(last_event_id)
        if not 0 < last <= len(self.kept):
            return None
        stream = self.kept[last - 1][0]
        for number, (of, message) in enumerate(self.kept[last:], last + 1):
            if of == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def main() -> None:
    warnings.simplefilter("ignore")
    cached = {"ttlMs": 1000, "cacheScope": "private"}
    server: Server[Any] = Server(  # type: ignore[deprecated]  # the earlier era has logging
        "everything",
        version="1.0.0",
        instructions="For the conformance suite.",
        on_list_tools=always(ListToolsResult, tools=TOOLS, **cached),
        on_call_tool=call_tool,
        on_list_resources=always(
            ListResourcesResult, resources=[{"uri": uri, "name": uri[7:]} for uri in RESOURCES], **cached
        ),
        on_list_resource_templates=always(
            ListResourceTemplatesResult,
            resourceTemplates=[{"uriTemplate": "test://template/{id}/data", "name": "template"}],
            **cached,
        ),
        on_read_resource=read_resource,
        on_subscribe_resource=always(EmptyResult),
        on_unsubscribe_resource=always(EmptyResult),
        on_list_prompts=always(
            ListPromptsResult,
            prompts=[
                {"name": name, "description": f"Of the suite: {name}.", "arguments": each}
                for name, each in PROMPTS.items()
            ],
            **cached,
        ),
        on_get_prompt=get_prompt,
        on_completion=always(CompleteResult, completion={"values": ["one", "two"], "total": 2, "hasMore": False}),
        on_set_logging_level=always(EmptyResult),
        on_subscriptions_listen=ListenHandler(InMemorySubscriptionBus()),
    )
    server.middleware.append(
        RequestStateBoundary(RequestStateSecurity(keys=[secrets.token_bytes(32)]), default_audience="e")
    )
    app = server.streamable_http_app(event_store=Events(), retry_interval=100)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)


if __name__ == "__main__":
    main()
