"""An OpenSearch that answers as it is told, and a clock that nobody waits for."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.transports import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

Items = list[tuple[str, str, str]]
"""Verb, index and id of each item of a bulk request."""
Script = Callable[[Items], Answer]


@dataclass
class Clock:
    """Time that only sleeping moves."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def patience(self, seconds: float) -> Patience:
        return Patience(seconds, clock=lambda: self.now, sleep=self.sleep, jitter=lambda: 1.0)


@dataclass
class Pretend:
    """A node that knows ``create``, ``index``, ``update`` and ``_mget``; ``before`` may answer in its place.

    ``after`` may swallow the answer of a bulk that was carried out, by raising.
    """

    before: Callable[[str, Items], Answer | None] | None = None
    after: Callable[[Items], None] | None = None
    documents: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    requests: list[Items] = field(default_factory=list)
    bodies: list[int] = field(default_factory=list)
    where: str = "http://pretend"

    def send(
        self, _method: str, path: str, *, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        del query
        lines = [json.loads(line) for line in (body or b"").splitlines()]
        items: Items = []
        if path == "/_bulk":
            items = [(verb, at["_index"], at["_id"]) for action in lines[::2] for verb, at in action.items()]
            self.requests.append(items)
            self.bodies.append(len(body or b""))
        told = self.before(path, items) if self.before else None
        if told is not None:
            return told
        if path == "/_bulk":
            answer = self._bulk(items, lines[1::2])
            if self.after:
                self.after(items)
            return answer
        if path == "/_mget":
            asked = [(doc["_index"], doc["_id"]) for doc in lines[0]["docs"]]
            return Answer(200, {"docs": [self._found(key) for key in asked]})
        return Answer(200, {"index_templates": []})

    def _bulk(self, items: Items, documents: list[dict[str, Any]]) -> Answer:
        found = []
        for (verb, index, id), document in zip(items, documents, strict=True):
            key = (index, id)
            status = 201
            if verb == "create" and key in self.documents:
                status = 409
            elif verb == "update":
                status = 200 if key in self.documents else 404
                self.documents.get(key, {}).update(document["doc"])
            else:
                self.documents[key] = document
            found.append({verb: {"status": status, "_index": index}})
        return Answer(200, {"errors": False, "items": found})

    def _found(self, key: tuple[str, str]) -> dict[str, Any]:
        if key not in self.documents:
            return {"found": False}
        return {"found": True, "_source": self.documents[key], "_seq_no": 1, "_primary_term": 1}

    def close(self) -> None:
        """Nothing is open."""


def refusing(items: Items, status: int, kind: str, reason: str = "because") -> Answer:
    """Answer every item of a bulk the same."""
    error = {"type": kind, "reason": reason}
    return Answer(200, {"errors": True, "items": [{verb: {"status": status, "error": error}} for verb, _, _ in items]})
