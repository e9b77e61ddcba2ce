"""Which documents are there, by index and id: in real time, not as of the last refresh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError
from sudo_mcp_guardrails.trail.sinks.requests import request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.trail.sinks.retrying import Patience
    from sudo_mcp_guardrails.trail.sinks.transports import Transport

_AT_ONCE: Final = 1000


def lookup(
    transport: Transport, patience: Patience, keys: Sequence[tuple[str, str]], names: Sequence[str] = ()
) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Yield the documents that are there, each with its key.

    Args:
        transport: how to reach OpenSearch.
        patience: how long a request is tried.
        keys: index and ``_id`` of each.
        names: fields that are wanted of them.

    Raises:
        SinkUnavailableError: for some it cannot be said.
        TrailError: the caller may not read.
    """
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        wanted: list[str] | bool = list(names) if names else False
        body = {"docs": [{"_index": index, "_id": id, "_source": wanted} for index, id in some]}
        answer = request(transport, patience, "POST", "/_mget", permission="indices:data/read/mget", body=body)
        docs = answer.body.get("docs", [])
        if len(docs) != len(some):
            raise SinkUnavailableError(f"{len(docs)} answers of {len(some)} from {transport.where}")
        for key, found in zip(some, docs, strict=True):
            error = found.get("error")
            if error and error.get("type") != "index_not_found_exception":
                raise SinkUnavailableError(f"event {key[1]!r} of {key[0]} cannot be read: {error.get('reason')}")
            if found.get("found"):
                yield key, found
