"""A request as commands write it: for machines, and in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.iam.request import Request

_TOLD: Final = frozenset({"aws:requestedregion", "aws:viaawsmcpservice", "aws:calledviaawsmcp"})
"""Keys that a line leaves out: its context and its Region say the same."""


def request_item(request: Request) -> dict[str, Any]:
    """Return a request for machines; a key of its context that is null is absent."""
    return {
        "action": request.action,
        "resource": request.resource,
        "resource_account": request.owner,
        "principal": request.principal.arn,
        "region": request.region,
        "context": {
            key: value if isinstance(value, str) else _unwrapped(tuple(value)) for key, value in request.context.items()
        },
    }


def request_line(item: Mapping[str, Any]) -> str:
    """Return a request for people: without the keys that only repeat who asks, how and where."""
    keys = [
        f"{key} absent" if value is None else f"{key}={value if isinstance(value, str) else '|'.join(value)}"
        for key, value in sorted(item["context"].items())
        if key.lower() not in _TOLD and not (key.lower().startswith("aws:principal") and "/" not in key)
    ]
    context = f" with {', '.join(keys)}" if keys else ""
    return f"{item['action']} on {item['resource']} in {item['region']}{context}"


def _unwrapped(values: tuple[str, ...]) -> str | list[str] | None:
    return list(values) if len(values) > 1 else values[0] if values else None
