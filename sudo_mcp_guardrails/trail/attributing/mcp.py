"""Events of AWS's managed MCP servers, in every shape seen.

Sources: the CloudTrail page of the Agent Toolkit user guide (data events, source ``aws-mcp.<region>.api.aws``, event
``CallTool``), an older copy of it (``aws-api-mcp.amazonaws.com``), and real events of autumn 2026 (management events,
source ``aws-mcp.amazonaws.com``, ``CallReadWriteTool``). All have the type ``AwsMcpEvent``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.values import a_text, an_object

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.event import Event

MCP_EVENT_TYPE: Final = "AwsMcpEvent"

OAUTH_EVENTS: Final = frozenset({"AuthorizeOAuth2Access", "CreateOAuth2Token"})
"""What ``signin.amazonaws.com`` writes when a person grants an MCP client a session."""

_SERVICE: Final = re.compile(r"(?:[a-z0-9-]+-)?mcp(?:\.[a-z0-9-]+)*\.(?:amazonaws\.com(?:\.cn)?|api\.aws)")
_AGENT_PROGRAMS: Final = re.compile(r"mcp-proxy-for-aws|aws-api-mcp-server|awslabs[/#]mcp", re.IGNORECASE)
_PREFIX: Final = re.compile(r"^aws_{2,3}")
_MAX_CALLS: Final = 1000


@lru_cache(maxsize=1024)
def is_mcp_service(name: str) -> bool:
    """Tell whether ``invokedBy`` or ``eventSource`` names a managed MCP server of AWS."""
    return _SERVICE.fullmatch(name) is not None


@lru_cache(maxsize=4096)
def names_agent_program(user_agent: str) -> bool:
    """Tell whether a user agent names an MCP server or proxy that people run themselves."""
    return _AGENT_PROGRAMS.search(user_agent) is not None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call of an MCP server's tool.

    Attributes:
        tool: without the prefix ``aws___``; None for what is no tool call, such as ``DestroySession``.
        requests: request ids of the API calls that it made, in every Region.
    """

    tool: str | None
    requests: tuple[str, ...]


def tool_call(event: Event) -> ToolCall:
    """Read an event of type ``AwsMcpEvent``."""
    document = event.document()
    parameters = an_object(document.get("requestParameters"))
    inner = an_object(parameters.get("params"))
    method = a_text(parameters.get("method"))
    # JSON-RPC as it comes over the wire, or the tool in the place of the method, as the user guide shows it.
    named = a_text(inner.get("name")) or a_text(parameters.get("name"))
    tool = named or (method if method and "/" not in method else None)
    listed = an_object(document.get("additionalEventData")).get("downstreamRequests")
    requests = [a_text(an_object(one).get("requestId")) for one in (listed if isinstance(listed, list) else [])]
    return ToolCall(
        _PREFIX.sub("", tool) if tool else None, tuple(request for request in requests[:_MAX_CALLS] if request)
    )


@dataclass(frozen=True, slots=True)
class Grant:
    """An OAuth grant to an MCP client.

    Attributes:
        client: ARN of the client.
        mcp: whether the grant is for an MCP server.
    """

    client: str | None
    mcp: bool


def grant(event: Event) -> Grant:
    """Read ``AuthorizeOAuth2Access`` or ``CreateOAuth2Token``."""
    parameters = an_object(event.document().get("requestParameters"))
    resource = a_text(parameters.get("resource")) or ""
    client = a_text(parameters.get("client_id")) or a_text(parameters.get("clientId"))
    host = resource.split("://", 1)[-1].split("/", 1)[0]
    return Grant(client, is_mcp_service(host))
