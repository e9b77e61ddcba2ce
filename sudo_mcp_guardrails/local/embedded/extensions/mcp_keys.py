"""Gap: ministack never sets the context keys of AWS's managed MCP servers.

A call whose user agent carries the marker `mcp-guardrails-via/<server>-mcp.amazonaws.com` (boto3:
`Config(user_agent_extra=...)`) counts as one that the managed MCP server forwarded: `aws:ViaAWSMCPService` is "true"
and `aws:CalledViaAWSMCP` is that name. Any other call is a direct one: "false", and no `aws:CalledViaAWSMCP`, as the
request context that AWS publishes shows. At AWS the service sets the keys and no caller can forge them; the marker is
a stand-in for that service and nothing more. The keys do not travel to what another service does for the caller.
https://docs.aws.amazon.com/agent-toolkit/latest/userguide/security_iam_service-with-iam.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from . import authorization

if TYPE_CHECKING:
    from .attempts import HttpRequest

MARKER = re.compile(r"(?:^|\s)mcp-guardrails-via/([a-z0-9-]*mcp\.amazonaws\.com)(?=\s|$)")


def install() -> None:
    """Add the keys to every request."""
    authorization.add_context(_keys)


def _keys(action: str, resource: str, request: HttpRequest | None) -> dict[str, str]:
    del action, resource, request
    found = MARKER.search(authorization.current_headers().get("user-agent", ""))
    if found is None:
        return {"aws:viaawsmcpservice": "false"}
    return {"aws:viaawsmcpservice": "true", "aws:calledviaawsmcp": found.group(1)}
