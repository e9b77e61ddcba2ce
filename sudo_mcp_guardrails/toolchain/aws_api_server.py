"""``awslabs.aws-api-mcp-server``, pinned and apart: it is on an earlier major release of ``mcp``."""

from __future__ import annotations

from sudo_mcp_guardrails.toolchain.environments import ToolEnvironment

AWS_API_SERVER_VERSION = "1.5.6"
AWS_API_SERVER = ToolEnvironment("aws-api-mcp-server", (f"awslabs.aws-api-mcp-server=={AWS_API_SERVER_VERSION}",))
