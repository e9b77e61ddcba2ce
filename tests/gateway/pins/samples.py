"""A server's definition with every field that the protocol has, and ways to change each."""

from __future__ import annotations

import copy
from typing import Any

from sudo_mcp_guardrails.gateway.call import Session, ToolCall
from sudo_mcp_guardrails.gateway.pins.lock import Lock, server_pin
from sudo_mcp_guardrails.gateway.pins.snapshot import ERAS, Snapshot

TOOL: dict[str, Any] = {
    "name": "read_file",
    "title": "Read a file",
    "description": "Reads a file of the project.",
    "inputSchema": {
        "type": "object",
        "description": "What to read.",
        "properties": {
            "path": {"type": "string", "description": "Of the file.", "default": "README.md"},
            "options": {"type": "object", "properties": {"lines": {"type": "integer", "maximum": 9223372036854775807}}},
        },
        "required": ["path"],
    },
    "outputSchema": {"type": "object", "properties": {"text": {"type": "string"}}},
    "annotations": {"title": "Read", "readOnlyHint": True, "destructiveHint": False, "openWorldHint": False},
    "icons": [{"src": "https://example.com/icon.png", "sizes": ["48x48"]}],
    "execution": {"taskSupport": "forbidden"},
    "_meta": {"example.com/team": "files"},
}
OTHER: dict[str, Any] = {"name": "list_files", "description": "Lists files.", "inputSchema": {"type": "object"}}
PROMPT = {"name": "review", "description": "Review a file.", "arguments": [{"name": "path", "required": True}]}
RESOURCE = {"uri": "file:///readme", "name": "readme", "mimeType": "text/plain"}
TEMPLATE = {"uriTemplate": "file:///{path}", "name": "file"}
INTRODUCTIONS: dict[str, dict[str, Any]] = {
    ERAS[0]: {
        "protocolVersion": ERAS[0],
        "serverInfo": {"name": "files", "version": "1.0.0"},
        "capabilities": {"tools": {"listChanged": True}, "prompts": {}, "resources": {}},
        "instructions": "Ask for paths.",
    },
    ERAS[1]: {
        "supportedVersions": [ERAS[1]],
        "capabilities": {"tools": {}, "prompts": {}, "resources": {}},
        "instructions": "Ask for paths.",
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "files", "version": "1.0.0"}},
        "resultType": "complete",
        "ttlMs": 1000,
        "cacheScope": "private",
    },
}
LISTS: dict[str, list[dict[str, Any]]] = {
    "tools": [TOOL, OTHER],
    "prompts": [PROMPT],
    "resources": [RESOURCE],
    "resourceTemplates": [TEMPLATE],
}


def snapshots(lists: dict[str, list[dict[str, Any]]] | None = None) -> list[Snapshot]:
    """What the server says in both eras; ``execution`` is of the older one alone."""
    found = []
    for era in ERAS:
        mine = copy.deepcopy(lists or LISTS)
        if era == ERAS[1]:
            for tool in mine["tools"]:
                tool.pop("execution", None)
        introduction = {k: v for k, v in INTRODUCTIONS[era].items() if k not in {"ttlMs", "cacheScope", "resultType"}}
        found.append(Snapshot(era, introduction, mine))
    return found


def tools_of(era: str) -> list[dict[str, Any]]:
    """The server's tools as a client of an era sees them."""
    tools = next(each.lists["tools"] for each in snapshots() if each.era == era)
    return [copy.deepcopy(dict(tool)) for tool in tools]


def lock() -> Lock:
    return Lock({"files": server_pin({"command": ["files"]}, snapshots())})


def session() -> Session:
    return Session("s", "agent")


def call(definition: dict[str, Any] | None, tool: str = "read_file", server: str = "files") -> ToolCall:
    return ToolCall(server, tool, {"path": "a"}, definition)
