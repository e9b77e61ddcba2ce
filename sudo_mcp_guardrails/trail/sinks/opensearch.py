"""The OpenSearch sink: one index a day of ``eventTime``, ``_id`` = ``eventID``, every event created once.

What is written stays as it was written: events are only ever created, and a create that finds the event is success
(409). What OpenSearch refuses becomes a dead letter first, and then a stub under the same id, so that counts match;
when the event comes again and OpenSearch takes it by then, it takes the stub's place.

A day's index that lifecycle management made read-only takes no late event: the write raises, and so nothing is lost
unseen. CloudTrail delivers for up to 30 days, so keep indexes hot for longer than that.
"""

from __future__ import annotations

import logging
import re
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.event import UNDATED
from sudo_mcp_guardrails.trail.index.document import attribution_fields
from sudo_mcp_guardrails.trail.index.names import document_id, event_patterns, index_name
from sudo_mcp_guardrails.trail.index.template import IndexSettings, event_template, ledger_template
from sudo_mcp_guardrails.trail.sinks.bulk import Bulk, Operation
from sudo_mcp_guardrails.trail.sinks.lookup import lookup
from sudo_mcp_guardrails.trail.sinks.opensearch_ledger import OpenSearchLedger
from sudo_mcp_guardrails.trail.sinks.opensearch_write import BatchWrite, encoded
from sudo_mcp_guardrails.trail.sinks.requests import request
from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.sink import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attribution
    from sudo_mcp_guardrails.trail.ledger import Ledger
    from sudo_mcp_guardrails.trail.sinks.dead_letters import DeadLetterStore
    from sudo_mcp_guardrails.trail.sinks.sink import Batch, SourceRecord
    from sudo_mcp_guardrails.trail.sinks.transports import Answer, Transport

_log: Final = logging.getLogger(__name__)
_OK: Final = 300
_NOT_THERE: Final = 404
_CONFLICT: Final = 409
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d")
_PATTERN_OPTIONS: Final = {"ignore_unavailable": "true", "allow_no_indices": "true"}


@dataclass(frozen=True)
class SinkOptions:
    """How the sink writes.

    Attributes:
        settings: of the indexes.
        patience: how long each request is tried.
        most_bytes: of a bulk request; a domain on small instances takes 10 MiB.
        most_items: of a bulk request.
        in_flight: bulk requests that are under way at once; each takes memory of its size.
        compare: whether duplicates are compared with what is there. Without it conflicts with earlier writes are not
            counted, stubs are not replaced, and a replay is faster.
        prepare: whether to install the index templates where they are absent or older. Without it they must be there.
    """

    settings: IndexSettings = field(default_factory=IndexSettings)
    patience: Patience = field(default_factory=Patience)
    most_bytes: int = 5 * 1024 * 1024
    most_items: int = 1000
    in_flight: int = 2
    compare: bool = True
    prepare: bool = True


class OpenSearchSink:
    """Keeps events in OpenSearch. See :class:`~sudo_mcp_guardrails.trail.sinks.sink.Sink`.

    Args:
        transport: how to reach it.
        dead_letters: where what it refuses is kept.
        ledger: of files. Default: an index beside the events.
        options: how it writes.
        now: the time, for ``ingested_at``.
    """

    def __init__(
        self,
        transport: Transport,
        dead_letters: DeadLetterStore,
        *,
        ledger: Ledger | None = None,
        options: SinkOptions | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._transport = transport
        self._dead_letters = dead_letters
        self._options = options or SinkOptions()
        self._prefix = self._options.settings.prefix
        self._ledger: Ledger = ledger or OpenSearchLedger(transport, self._options.patience, self._prefix)
        self._now = now
        self._prepared = not self._options.prepare

    def prepare(self) -> None:
        """Install the index templates, where they are absent or this version's are newer. The first write does it.

        Raises:
            SinkUnavailableError: OpenSearch gave no good answer in time.
            TrailError: the caller may not, or another template claims the same indexes with the same priority.
        """
        settings = self._options.settings
        for name, template in (("events", event_template(settings)), ("ledger", ledger_template(settings))):
            path = f"/_index_template/{self._prefix}-{name}"
            answer = self._request("GET", path, "indices:admin/index_template/get", allowed=frozenset({_NOT_THERE}))
            there: dict[str, Any] = next(
                (found["index_template"] for found in answer.body.get("index_templates", [])), {}
            )
            newer = int(there.get("version") or 0) > template["version"]
            same = there.get("_meta", {}).get("digest") == template["_meta"]["digest"]
            if not newer and not same:
                self._request("PUT", path, "indices:admin/index_template/put", body=template)
        self._prepared = True

    def write(self, batch: Batch) -> Written:
        """See :class:`~sudo_mcp_guardrails.trail.sinks.sink.Sink`.

        Raises:
            TrailError: the caller lacks a permission, or an index is not what it must be.
        """
        if not self._prepared:
            self.prepare()
        work = BatchWrite(
            batch,
            self._bulk(),
            self._dead_letters,
            prefix=self._prefix,
            compare=self._options.compare,
            id=secrets.token_hex(8),
            now=int(self._now().timestamp() * 1000),
        )
        work.run()
        self._dead_letters.put(batch.dead_letters)
        # Last: a file stands in the ledger only when all of it is stored.
        self._ledger.put(
            [
                replace(source, created=work.created[number], duplicates=work.duplicates[number])
                for number, source in enumerate(batch.sources)
            ]
        )
        return Written(
            created=sum(work.created.values()),
            duplicates=sum(work.duplicates.values()),
            conflicts=work.conflicts,
            rejected=work.rejected,
            retries=work.bulk.retries,
        )

    def amend(self, changes: Sequence[tuple[str, str, Attribution]]) -> int:
        """See :class:`~sudo_mcp_guardrails.trail.sinks.sink.Sink`.

        What is refused for good is said in the log and does not count: one event that can never be known better must
        not hold up those that come after it.
        """
        operations = (
            Operation("update", self._index(day), document_id(id), encoded({"doc": attribution_fields(attribution)}))
            for day, id, attribution in changes
        )
        there = 0
        for operation, outcome in self._bulk().send(operations):
            if outcome.status == _CONFLICT:
                raise SinkUnavailableError(f"event {operation.id!r} of {operation.index} is being amended by another")
            if outcome.refused:
                _log.warning("event %r of %s is not amended: %s", operation.id, operation.index, outcome.reason)
            there += outcome.status < _OK
        return there

    def missing(self, day: str, event_ids: Collection[str]) -> set[str]:
        """See :class:`~sudo_mcp_guardrails.trail.sinks.sink.Sink`. Sees events that no search finds yet."""
        index = self._index(day)
        wanted = {(index, document_id(id)): id for id in event_ids}
        found = {key for key, _ in lookup(self._transport, self._options.patience, list(wanted))}
        return {id for key, id in wanted.items() if key not in found}

    def ledger(self) -> dict[str, SourceRecord]:
        """See :class:`~sudo_mcp_guardrails.trail.sinks.sink.Sink`."""
        return self._ledger.records()

    def count(self) -> int:
        """See :class:`~sudo_mcp_guardrails.trail.sinks.sink.Sink`. Cold indexes, which are detached, do not count."""
        path = "/" + ",".join(event_patterns(self._prefix))
        self._request("POST", f"{path}/_refresh", "indices:admin/refresh", query=_PATTERN_OPTIONS)
        answer = self._request("GET", f"{path}/_count", "indices:data/read/search", query=_PATTERN_OPTIONS)
        failed = answer.body.get("_shards", {}).get("failed")
        if failed:
            raise SinkUnavailableError(f"{failed} shards of {self._transport.where} cannot be counted")
        return int(answer.body["count"])

    def close(self) -> None:
        """See :class:`~sudo_mcp_guardrails.trail.sinks.sink.Sink`."""
        self._transport.close()

    def _bulk(self) -> Bulk:
        options = self._options
        return Bulk(self._transport, options.patience, options.most_bytes, options.most_items, options.in_flight)

    def _index(self, day: str) -> str:
        if day != UNDATED and not _DAY.fullmatch(day):
            raise TrailError(f"day {day!r} is none, allowed are YYYY-MM-DD and {UNDATED}")
        return index_name(day, self._prefix)

    def _request(
        self,
        method: str,
        path: str,
        permission: str,
        *,
        body: object = None,
        query: dict[str, str] | None = None,
        allowed: frozenset[int] = frozenset(),
    ) -> Answer:
        send = (self._transport, self._options.patience)
        return request(*send, method, path, permission=permission, body=body, query=query, allowed=allowed)
