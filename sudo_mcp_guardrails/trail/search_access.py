"""What a domain of the pipeline's own needs: what the ingester may do in it, and how long its indexes live.

Sources: OpenSearch documentation, "Security", "Permissions" and "Security API"; "Index State Management", "ISM API".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError
from sudo_mcp_guardrails.trail.index.names import PREFIX, event_patterns
from sudo_mcp_guardrails.trail.index.policy import lifecycle_policy

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.index.policy import Tiers
    from sudo_mcp_guardrails.trail.sinks.transports import Transport

_API: Final = "/_plugins/_security/api"
_OK: Final = 300
_NOT_THERE: Final = 404


def role_name(prefix: str = PREFIX) -> str:
    """Return the name of the ingester's role in the domain."""
    return f"{prefix}-writer"


def writer_role(prefix: str = PREFIX) -> dict[str, Any]:
    """Return the ingester's role: it creates, compares and amends events, and neither searches nor deletes them."""
    return {
        "description": "Creates the events of the audit trail",
        "cluster_permissions": [
            "indices:admin/index_template/get",
            "indices:data/read/mget",
            "indices:data/write/bulk",
        ],
        "index_permissions": [
            {
                "index_patterns": list(event_patterns(prefix)),
                "allowed_actions": [
                    "indices:admin/create",
                    "indices:admin/mapping/auto_put",
                    "indices:data/read/get",
                    "indices:data/read/mget*",
                    "indices:data/write/bulk*",
                    "indices:data/write/index",
                    "indices:data/write/update",
                ],
            }
        ],
        "tenant_permissions": [],
    }


def grant_writer(transport: Transport, role_arn: str, prefix: str = PREFIX) -> bool:
    """Put the role and map an IAM role to it, where they are not as they should be.

    Args:
        transport: To the domain, as its master.
        role_arn: Of the ingester.
        prefix: Of the indexes.

    Returns:
        Whether anything was changed.

    Raises:
        SinkUnavailableError: where the domain does not take it; it is tried again at the next start.
    """
    name = role_name(prefix)
    mapping = {"backend_roles": [role_arn], "hosts": [], "users": []}
    changed = _put(transport, f"{_API}/roles/{name}", name, writer_role(prefix))
    return _put(transport, f"{_API}/rolesmapping/{name}", name, mapping) or changed


def install_lifecycle(transport: Transport, tiers: Tiers, prefix: str = PREFIX) -> bool:
    """Put the indexes' policy, where it is not as it should be. Indexes that are there keep the version they have.

    Args:
        transport: To the domain, as its master.
        tiers: How long an index stays where.
        prefix: Of the indexes.

    Returns:
        Whether anything was changed.

    Raises:
        SinkUnavailableError: where the domain does not take it; it is tried again at the next start.
    """
    path = f"/_plugins/_ism/policies/{prefix}"
    wanted = lifecycle_policy(tiers, prefix=prefix)
    answer = transport.send("GET", path)
    if answer.status >= _OK and answer.status != _NOT_THERE:
        raise SinkUnavailableError(f"{path} of {transport.where} cannot be read: {answer.reason}")
    query = None
    if answer.status < _OK:
        if _same(answer.body.get("policy"), wanted["policy"]):
            return False
        # A policy is replaced only by who has seen the one that is there.
        query = {name: str(answer.body[f"_{name[3:]}"]) for name in ("if_seq_no", "if_primary_term")}
    answer = transport.send("PUT", path, body=json.dumps(wanted).encode(), query=query)
    if answer.status >= _OK:
        raise SinkUnavailableError(f"{path} of {transport.where} cannot be put: {answer.reason}")
    return True


def _put(transport: Transport, path: str, name: str, wanted: dict[str, Any]) -> bool:
    answer = transport.send("GET", path)
    if answer.status >= _OK and answer.status != _NOT_THERE:
        raise SinkUnavailableError(f"{path} of {transport.where} cannot be read: {answer.reason}")
    there = answer.body.get(name, {})
    if all(_same(there.get(field), value) for field, value in wanted.items()):
        return False
    answer = transport.send("PUT", path, body=json.dumps(wanted).encode())
    if answer.status >= _OK:
        raise SinkUnavailableError(f"{path} of {transport.where} cannot be put: {answer.reason}")
    return True


def _same(there: Any, wanted: Any) -> bool:  # noqa: ANN401 - walks JSON
    """Compare what is there with what is wanted; the plugin adds fields of its own to what it keeps."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(_same(there.get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list) and wanted and isinstance(wanted[0], dict):
        return isinstance(there, list) and len(there) == len(wanted) and all(map(_same, there, wanted))
    if isinstance(wanted, list):
        return isinstance(there, list) and sorted(there) == sorted(wanted)
    return bool(there == wanted)
