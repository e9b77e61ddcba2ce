"""Bulk requests: bounded in bytes and in number, tried again item by item.

What is tried again, and what is not. An answer of 201, 200, 404 or 409 for an item is its end. 429, 5xx, a block on
the index (disk full, an index made read-only) and no answer at all come again. Any other 4xx for an item is a refusal
of that document. 401 and 403 for the whole request are a missing permission, which no waiting mends.

Sources: OpenSearch documentation, "Bulk" (items are answered in their order; ``create`` on an existing id is 409) and
"HTTP status codes"; Amazon OpenSearch Service, "Maximum size of HTTP request payloads" (10 MiB on small instances).
"""

from __future__ import annotations

import json
import re
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.sinks.requests import of_cluster, refusal
from sudo_mcp_guardrails.trail.sinks.transports import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from sudo_mcp_guardrails.trail.sinks.retrying import Attempts, Patience
    from sudo_mcp_guardrails.trail.sinks.transports import Answer, Transport

_FILTER: Final = "errors,items.*.status,items.*._index,items.*.error.type,items.*.error.reason,items.*.error.caused_by"
_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_OK: Final = 300
_MISSING: Final = 404
_CONFLICT: Final = 409
_TOO_LARGE: Final = 413
_TOO_MANY: Final = 429
_SERVER: Final = 500
_REFUSED: Final = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Operation:
    """One item of a bulk request.

    Attributes:
        verb: ``create``, ``index`` or ``update``.
        index: name of the index.
        id: ``_id``.
        body: the line after, as JSON.
        only_at: sequence number and primary term that the document must still have, or it is 409.
    """

    verb: str
    index: str
    id: str
    body: bytes
    only_at: tuple[int, int] | None = None

    def lines(self) -> bytes:
        """Return the two lines."""
        if not self.only_at and self.verb == "create" and _PLAIN_ID.fullmatch(self.id):
            return b'{"create":{"_index":"%s","_id":"%s"}}\n%s\n' % (self.index.encode(), self.id.encode(), self.body)
        names: dict[str, object] = {"_index": self.index, "_id": self.id}
        if self.only_at:
            names["if_seq_no"], names["if_primary_term"] = self.only_at
        if self.verb == "update":
            names["retry_on_conflict"] = 3
        action = json.dumps({self.verb: names})
        return b"".join((action.encode(), b"\n", self.body, b"\n"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one item ended.

    Attributes:
        status: 201 created, 200 updated, 404 not there, 409 there already, else refused for good.
        unsure: whether an earlier attempt of it got no answer, so that 409 may be its own doing.
        reason: why it was refused.
    """

    status: int
    unsure: bool = False
    reason: str | None = None

    @property
    def refused(self) -> bool:
        """Whether the document was refused for good."""
        return self.status >= _OK and self.status not in {_CONFLICT, _MISSING}


@dataclass
class Bulk:
    """Sends operations.

    Attributes:
        transport: how.
        patience: how long each request is tried.
        most_bytes: of a request's body. One operation that is larger goes alone.
        most_items: of a request.
        in_flight: requests that are under way at once: while OpenSearch works on one, the next is made.
        retries: requests that were sent again, so far.
    """

    transport: Transport
    patience: Patience
    most_bytes: int = 5 * 1024 * 1024
    most_items: int = 1000
    in_flight: int = 2
    retries: int = field(default=0, init=False)
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse bounds that would never send.

        Raises:
            TrailError: a bound is below 1.
        """
        if min(self.most_bytes, self.most_items, self.in_flight) < 1:
            raise TrailError(
                f"bulk bounds of {self.most_bytes} bytes, {self.most_items} items and {self.in_flight} requests in "
                "flight must all be above 0"
            )

    def send(self, operations: Iterable[Operation]) -> Iterator[tuple[Operation, Outcome]]:
        """Send all operations, and yield each with its end, in their order.

        Memory holds the requests that are in flight, and the one that is being made. Where one fails, those that are
        under way come to their end first.

        Raises:
            SinkUnavailableError: OpenSearch did not take a request in time.
            TrailError: it refuses requests as such, or writes to another index than it was told.
        """
        groups = self._groups(operations)
        first, second = next(groups, None), next(groups, None)
        if first is None:
            return
        if second is None or self.in_flight == 1:  # most writes of a Lambda function: no thread for them
            for group in chain((first,), () if second is None else (second,), groups):
                yield from zip(group, self._group(group), strict=True)
            return
        under_way: deque[tuple[list[Operation], Future[list[Outcome]]]] = deque()
        with ThreadPoolExecutor(self.in_flight, "bulk") as pool:
            try:
                for group in chain((first, second), groups):
                    under_way.append((group, pool.submit(self._group, group)))
                    if len(under_way) > self.in_flight:
                        done, outcomes = under_way.popleft()
                        yield from zip(done, outcomes.result(), strict=True)
                while under_way:
                    done, outcomes = under_way.popleft()
                    yield from zip(done, outcomes.result(), strict=True)
            finally:
                pool.shutdown(cancel_futures=True)

    def _groups(self, operations: Iterable[Operation]) -> Iterator[list[Operation]]:
        group: list[Operation] = []
        size = 0
        for operation in operations:
            # 2 line ends, and some 40 bytes of JSON around the names.
            more = len(operation.body) + len(operation.index) + 6 * len(operation.id) + 64
            if group and (size + more > self.most_bytes or len(group) >= self.most_items):
                yield group
                group, size = [], 0
            group.append(operation)
            size += more
        if group:
            yield group

    def _group(self, group: Sequence[Operation], doubtful: Collection[int] = ()) -> list[Outcome]:
        """Send operations until each has its end; of the doubtful an earlier request got no answer."""
        ends: list[Outcome | None] = [None] * len(group)
        waiting = list(range(len(group)))
        unsure = set(doubtful)
        attempts = self.patience.start()
        while waiting:
            body = b"".join(group[i].lines() for i in waiting)
            try:
                answer = self.transport.send("POST", "/_bulk", body=body, query={"filter_path": _FILTER})
            except UnreachableError as error:
                unsure.update(waiting)
                self._wait(attempts, str(error))
                continue
            if answer.status == _TOO_LARGE:
                doubts = {place for place, i in enumerate(waiting) if i in unsure}
                halves = self._too_large([group[i] for i in waiting], doubts, answer)
                for i, end in zip(waiting, halves, strict=True):
                    ends[i] = end
                break
            self._check(answer)
            items = answer.body.get("items")
            if answer.status >= _OK or not isinstance(items, list) or len(items) != len(waiting):
                # A server error may come after some of the work: what was sent may be there.
                unsure.update(waiting)
                self._wait(attempts, f"no bulk from {self.transport.where}: {answer.reason}")
                continue
            again: list[int] = []
            reason = ""
            for i, item in zip(waiting, items, strict=True):
                ends[i], why = self._item(group[i], item, unsure=i in unsure)
                if why:
                    again.append(i)
                    reason = why
            waiting = again
            if waiting:
                self._wait(
                    attempts, f"{len(waiting)} of {len(group)} items not taken by {self.transport.where}: {reason}"
                )
        return [end for end in ends if end is not None]

    def _too_large(self, group: list[Operation], doubtful: set[int], answer: Answer) -> list[Outcome]:
        if len(group) == 1:
            return [Outcome(_TOO_LARGE, bool(doubtful), f"too large for {self.transport.where}: {answer.reason}")]
        with self._lock:
            self.retries += 1
        half = len(group) // 2
        first = {place for place in doubtful if place < half}
        second = {place - half for place in doubtful if place >= half}
        return [*self._group(group[:half], first), *self._group(group[half:], second)]

    def _wait(self, attempts: Attempts, reason: str) -> None:
        attempts.failed(reason)
        with self._lock:
            self.retries += 1

    def _check(self, answer: Answer) -> None:
        """Refuse an answer to the whole request that no waiting mends."""
        status = answer.status
        if status in _REFUSED and not of_cluster(answer.body.get("error")):
            raise TrailError(refusal(self.transport, answer, "indices:data/write/bulk"))
        if _OK <= status < _SERVER and status not in {_TOO_MANY, *_REFUSED}:
            raise TrailError(f"bulk request refused by {self.transport.where}: {answer.reason}")

    def _item(self, operation: Operation, item: Any, *, unsure: bool) -> tuple[Outcome | None, str]:  # noqa: ANN401 - JSON
        """Return how an item ended; None and why where it comes again."""
        inner = item.get(operation.verb) if isinstance(item, dict) else None
        status = inner.get("status") if isinstance(inner, dict) else None
        if not isinstance(inner, dict) or not isinstance(status, int):
            return None, "an item of the answer has no status"
        where = inner.get("_index")
        if status < _OK and where is not None and where != operation.index:
            raise TrailError(
                f"index {operation.index!r} is an alias of {where!r}; through an alias that rolls over an event would "
                "be stored twice, so it must be an index"
            )
        error = inner.get("error")
        if status == _MISSING and operation.verb != "update":
            raise TrailError(
                f"index {operation.index!r} is not there and may not be made at {self.transport.where}: "
                f"{_reason(error, status)}; action.auto_create_index must allow it"
            )
        if status < _OK or status in {_CONFLICT, _MISSING}:
            return Outcome(status, unsure), ""
        reason = _reason(error, status)
        if status in {_TOO_MANY, *_REFUSED} or status >= _SERVER or of_cluster(error):
            if status in _REFUSED and not of_cluster(error):
                raise TrailError(f"no permission to write to {operation.index!r} at {self.transport.where}: {reason}")
            return None, f"{operation.index}: {reason}"
        return Outcome(status, unsure, reason), ""


def _reason(error: object, status: int) -> str:
    """Say in one line why an item was refused."""
    if not isinstance(error, dict):
        return f"status {status}"
    cause = error.get("caused_by")
    more = f" ({cause.get('type')}: {cause.get('reason')})" if isinstance(cause, dict) else ""
    return " ".join(f"{error.get('type')}: {error.get('reason')}{more}".split())[:1000]
