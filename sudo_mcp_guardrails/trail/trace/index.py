"""Rows of a trace from OpenSearch."""

from __future__ import annotations

import base64
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError
from sudo_mcp_guardrails.trail.event import Event
from sudo_mcp_guardrails.trail.index.names import PREFIX, event_patterns
from sudo_mcp_guardrails.trail.reading.decode import NoEventError, decode
from sudo_mcp_guardrails.trail.segment_lines import ATTRIBUTION_FIELDS
from sudo_mcp_guardrails.trail.sinks.requests import request
from sudo_mcp_guardrails.trail.sinks.retrying import Patience

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sudo_mcp_guardrails.trail.sinks.transports import Answer, Transport
    from sudo_mcp_guardrails.trail.trace.gather import Rows, Wanted

_TERMS: Final = 10_000
"""Values of one question; ``index.max_terms_count`` allows 65,536."""
_PAGE: Final = 250
_SEARCH: Final = "indices:data/read/search"
_SCROLL: Final = "indices:data/read/scroll"
_HELD: Final = "1m"
_EVERY_INDEX: Final = {"ignore_unavailable": "true", "allow_no_indices": "true"}


def index_rows(transport: Transport, prefix: str = PREFIX, patience: Patience | None = None) -> Rows:
    """Return what finds the events of a trace in OpenSearch.

    An event is found once the index was refreshed, half a minute after it was written where nothing else is set.
    Indexes in cold storage, which are detached, are not searched.

    Args:
        transport: how to reach it.
        prefix: of the indexes.
        patience: how long a request is tried. Default: that of the sink.

    Raises:
        SinkUnavailableError: when it is asked, and there is no good answer in time.
        TrailError: when it is asked, and the caller may not search.
    """
    path = "/" + ",".join(event_patterns(prefix))
    held = patience or Patience()

    def rows(wanted: Wanted, limit: int) -> Iterator[Attributed]:
        found = (one for clauses in _questions(wanted) for one in _search(transport, held, path, clauses))
        return islice(found, limit)

    return rows


def _questions(wanted: Wanted) -> Iterator[list[dict[str, Any]]]:
    """Yield the clauses of each question, any of which makes an event one of those wanted."""
    fields = {
        "event_id": wanted.events,
        "request_id": wanted.requests,
        "run": wanted.runs,
        "source_identity": wanted.runs,
        "session": wanted.sessions,
        "access_key": wanted.sessions,
        "sign_in_session": wanted.sessions,
    }
    if max(map(len, fields.values())) <= _TERMS:
        yield [{"terms": {name: sorted(values)}} for name, values in fields.items() if values]
        return
    for name, values in fields.items():
        yield from ([{"terms": {name: some}}] for some in _parts(values))


def _parts(values: Collection[str]) -> Iterator[list[str]]:
    rest = iter(sorted(values))
    while some := list(islice(rest, _TERMS)):
        yield some


def _search(transport: Transport, patience: Patience, path: str, clauses: list[dict[str, Any]]) -> Iterator[Attributed]:
    body = {
        "size": _PAGE,
        "sort": ["_doc"],
        "_source": {"excludes": ["kv"]},
        "query": {"bool": {"should": clauses, "minimum_should_match": 1}},
    }
    query = {**_EVERY_INDEX, "scroll": _HELD}
    answer = request(transport, patience, "POST", f"{path}/_search", permission=_SEARCH, body=body, query=query)
    scroll = answer.body.get("_scroll_id")
    try:
        while hits := _hits(answer, transport):
            yield from (_attributed(hit["_source"]) for hit in hits)
            body = {"scroll": _HELD, "scroll_id": scroll}
            answer = request(transport, patience, "POST", "/_search/scroll", permission=_SCROLL, body=body)
            scroll = answer.body.get("_scroll_id", scroll)
    finally:
        if scroll is not None:
            missing = frozenset({404})
            body = {"scroll_id": [scroll]}
            request(transport, patience, "DELETE", "/_search/scroll", permission=_SCROLL, body=body, allowed=missing)


def _hits(answer: Answer, transport: Transport) -> list[dict[str, Any]]:
    """Return what an answer found; a part of it is none, since a trace would lack the rest unseen."""
    if failed := answer.body.get("_shards", {}).get("failed"):
        raise SinkUnavailableError(f"{failed} shards of {transport.where} gave no answer")
    found: list[dict[str, Any]] = answer.body.get("hits", {}).get("hits") or []
    return found


def _attributed(source: dict[str, Any]) -> Attributed:
    raw = base64.b64decode(source["raw_base64"]) if "raw_base64" in source else source.get("raw", "{}").encode()
    try:
        event = decode(raw)
    except NoEventError:  # a stub: its event is a dead letter, and its id is all that is here
        nothing: dict[str, Any] = dict.fromkeys(Event._fields)
        event = Event(**{**nothing, "event_id": source["event_id"], "raw": b"{}"})
    by = By(source.get("by", By.NOBODY.value))
    return Attributed(event, Attribution(by, *(source.get(name) for name in ATTRIBUTION_FIELDS[1:])))
