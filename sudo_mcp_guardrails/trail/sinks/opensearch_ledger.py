"""The ledger as an index beside the events, for a node or domain without a DynamoDB table."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.index.names import PREFIX, ledger_name
from sudo_mcp_guardrails.trail.ledger import ledger_key, record_from
from sudo_mcp_guardrails.trail.sinks.bulk import Bulk, Operation
from sudo_mcp_guardrails.trail.sinks.requests import request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.trail.sinks.retrying import Patience
    from sudo_mcp_guardrails.trail.sinks.sink import SourceRecord
    from sudo_mcp_guardrails.trail.sinks.transports import Transport

_PAGE: Final = 2000
_NOT_THERE: Final = 404


class OpenSearchLedger:
    """One document for each file, in ``PREFIX-ledger``.

    Args:
        transport: how to reach OpenSearch.
        patience: how long a request is tried.
        prefix: of the indexes.
    """

    def __init__(self, transport: Transport, patience: Patience, prefix: str = PREFIX) -> None:
        self._transport = transport
        self._patience = patience
        self._index = ledger_name(prefix)

    def put(self, records: Sequence[SourceRecord]) -> None:
        """See :class:`~sudo_mcp_guardrails.trail.ledger.Ledger`.

        Raises:
            TrailError: OpenSearch refuses a record.
        """
        operations = (
            Operation("index", self._index, key, json.dumps({"key": key, **asdict(record)}).encode())
            for key, record in ((ledger_key(record.name), record) for record in records)
        )
        for operation, outcome in Bulk(self._transport, self._patience).send(operations):
            if outcome.refused:
                raise TrailError(f"ledger record {operation.id} is refused: {outcome.reason}")

    def records(self) -> dict[str, SourceRecord]:
        """See :class:`~sudo_mcp_guardrails.trail.ledger.Ledger`."""
        missing = frozenset({_NOT_THERE})
        path = f"/{self._index}"
        send = (self._transport, self._patience)
        answer = request(*send, "POST", f"{path}/_refresh", permission="indices:admin/refresh", allowed=missing)
        found: dict[str, SourceRecord] = {}
        if answer.status == _NOT_THERE:
            return found
        # By the key, which is unique and changes never: pages neither overlap nor skip.
        body: dict[str, Any] = {"size": _PAGE, "sort": [{"key": "asc"}], "query": {"match_all": {}}}
        while True:
            answer = request(
                *send, "POST", f"{path}/_search", permission="indices:data/read/search", body=body, allowed=missing
            )
            hits = answer.body.get("hits", {}).get("hits", [])
            for hit in hits:
                record = record_from(hit["_source"])
                found[record.name] = record
            if len(hits) < _PAGE:
                return found
            body["search_after"] = hits[-1]["sort"]
