"""What a guard's container is started with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.constructs.gateway.container import McpTask
from sudo_mcp_guardrails.constructs.session_broker_policies import invoke_policy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.constructs.gateway.props import GuardLane, McpImage, McpTokens, Upstream
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

PORT: Final = 8484
"""Where guards listen."""


def guard_task(
    lane: GuardLane,
    *,
    image: McpImage,
    domain: str,
    upstream: Upstream,
    tokens: McpTokens,
    configurations: str,
    checks: Sequence[str],
    size: tuple[int, int],
    names: GuardrailNames,
    role_name: str,
) -> McpTask:
    """Return the task of a lane's guard: ``mcp-guardrails gateway``, with what the lane says and the agent does not.

    Args:
        lane: The lane.
        image: The guard's image, whose entry point is ``mcp-guardrails``.
        domain: Of the lane's host name.
        upstream: What lies behind it.
        tokens: The authorization server.
        configurations: Folder in the image with the lanes' configurations.
        checks: Further ones.
        size: CPU units and MiB.
        names: Names of the guardrails' own resources, by which the broker is known.
        role_name: Of the task's role.
    """
    host = lane.host(domain)
    command = ["gateway", "--url", upstream.url, "--listen", f"0.0.0.0:{PORT}", "--server", upstream.name]
    command += ["--agent", lane.agent, "--capability", lane.capability.value, "--allowed-host", host]
    command += ["--issuer", tokens.issuer, "--jwks", tokens.jwks, "--audience", f"https://{host}/mcp"]
    command += ["--scope", lane.needed_scope, "--config", f"{configurations}/{lane.name}.json"]
    command += ["--sign", upstream.sign] if upstream.sign else []
    command += [part for check in checks for part in ("--check", check)]
    return McpTask(
        name=lane.name,
        image=image,
        command=command,
        port=PORT,
        cpu=size[0],
        memory=size[1],
        environment={
            # By credential_process of the image's AWS configuration, which asks the broker as the task's role.
            "AWS_PROFILE": "guard",
            "MCP_GUARDRAILS_AGENT": lane.agent,
            "MCP_GUARDRAILS_CAPABILITY": lane.capability.value,
            "MCP_GUARDRAILS_TICKET": lane.ticket,
        },
        statements=invoke_policy(names, second_factor=False).statements,
        role_name=role_name,
    )
