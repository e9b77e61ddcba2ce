"""Requests other than a bulk, and which errors are the cluster's and not the request's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.sinks.transports import UnreachableError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.sinks.retrying import Patience
    from sudo_mcp_guardrails.trail.sinks.transports import Answer, Transport

_OK: Final = 300
_UNAUTHENTICATED: Final = 401
_TOO_MANY: Final = 429
_SERVER: Final = 500
_REFUSED: Final = frozenset({401, 403})
# Of a status below 500, and yet of the cluster and not of the document.
_CLUSTER_ERRORS: Final = frozenset(
    {
        "cluster_block_exception",
        "circuit_breaking_exception",
        "index_closed_exception",
        "index_create_block_exception",
        "rejected_execution_exception",
        "unavailable_shards_exception",
    }
)
_SHARD_LIMIT: Final = "shards open"


def request(
    transport: Transport,
    patience: Patience,
    method: str,
    path: str,
    *,
    permission: str,
    body: object = None,
    query: dict[str, str] | None = None,
    allowed: frozenset[int] = frozenset(),
) -> Answer:
    """Send one request other than a bulk, trying again where that can help.

    Args:
        transport: how.
        patience: how long.
        method: of HTTP.
        path: with its slash.
        permission: what the caller needs for it, for the error.
        body: sent as JSON.
        query: parameters.
        allowed: statuses of 300 and above that the caller understands.

    Raises:
        SinkUnavailableError: no good answer in time.
        TrailError: the request is refused.
    """
    attempts = patience.start()
    data = None if body is None else json.dumps(body).encode()
    while True:
        try:
            answer = transport.send(method, path, body=data, query=query)
        except UnreachableError as error:
            attempts.failed(str(error))
            continue
        if answer.status < _OK or answer.status in allowed:
            return answer
        if answer.status == _TOO_MANY or answer.status >= _SERVER or of_cluster(answer.body.get("error")):
            attempts.failed(f"{method} {path} at {transport.where}: {answer.reason}")
            continue
        if answer.status in _REFUSED:
            raise TrailError(refusal(transport, answer, permission))
        raise TrailError(f"{method} {path} refused by {transport.where}: {answer.reason}")


def refusal(transport: Transport, answer: Answer, permission: str) -> str:
    """Say what a refused caller lacks: credentials, or a permission, by name."""
    lack = "no valid credentials" if answer.status == _UNAUTHENTICATED else f"no permission {permission!r}"
    return (
        f"{lack} at {transport.where} ({answer.reason}); the domain's access policy needs es:ESHttp* for the caller, "
        "and fine-grained access control a role with it"
    )


def of_cluster(error: object) -> bool:
    """Tell whether an error lies with the cluster's state, whatever its status: then the document is good."""
    if not isinstance(error, dict):
        return False
    return error.get("type") in _CLUSTER_ERRORS or _SHARD_LIMIT in str(error.get("reason"))
