"""What the demo asks a search index, beside the rows of a trace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.trail.index.names import PREFIX, event_patterns
from sudo_mcp_guardrails.trail.trace.index import index_rows

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.sinks.transports import Transport
    from sudo_mcp_guardrails.trail.trace.gather import Rows

_QUERY: Final = {"ignore_unavailable": "true", "allow_no_indices": "true"}
_OK: Final = 300


class SearchError(GuardrailsError):
    """The search index did not answer a question of the demo."""


class SearchIndex:
    """Asks the indexes of events.

    Args:
        transport: to the node.
        prefix: of the indexes.
    """

    def __init__(self, transport: Transport, prefix: str = PREFIX) -> None:
        self._transport = transport
        self._path = "/" + ",".join(event_patterns(prefix))
        self.rows: Rows = index_rows(transport, prefix)
        """Finds the events of a trace, to their end."""

    def refresh(self) -> None:
        """Have what is stored found by searches now, and not with the next refresh."""
        self._transport.send("POST", f"{self._path}/_refresh", query=_QUERY)

    def count(self, query: dict[str, Any] | None = None) -> int:
        """Return how many events a query finds; without one, all."""
        return int(self.ask({"size": 0, "track_total_hits": True, **({"query": query} if query else {})})["total"])

    def runs(self) -> dict[str, int]:
        """Return how many events each run has, of the fifty with the most."""
        found = self.ask({"size": 0, "aggs": {"runs": {"terms": {"field": "run", "size": 50}}}})
        return {bucket["key"]: bucket["doc_count"] for bucket in found["aggregations"]["runs"]["buckets"]}

    def ask(self, body: dict[str, Any]) -> dict[str, Any]:
        """Search; return ``total``, ``hits`` and ``aggregations``.

        Raises:
            SearchError: it was refused, or a part of it.
        """
        answer = self._transport.send("POST", f"{self._path}/_search", body=json.dumps(body).encode(), query=_QUERY)
        if answer.status >= _OK:
            raise SearchError(f"the search index at {self._transport.where} refused a search: {answer.reason}")
        if answer.body.get("_shards", {}).get("failed"):
            raise SearchError(f"the search index at {self._transport.where} answered a search in part only")
        found = answer.body.get("hits") or {"total": {"value": 0}, "hits": []}
        return {
            "total": (found.get("total") or {"value": 0})["value"],
            "hits": found["hits"],
            "aggregations": answer.body.get("aggregations") or {"runs": {"buckets": []}},
        }
