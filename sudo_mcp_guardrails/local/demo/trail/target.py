"""Where the demo's events go: a real OpenSearch node, or where there is none, DuckDB."""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.handlers import trail_ingest
from sudo_mcp_guardrails.handlers.trail_parts import Parts
from sudo_mcp_guardrails.local.demo.trail.search_rows import SearchIndex
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.toolchain.opensearch_node import OpenSearchAbsentError, opensearch_node
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.sinks.transports import SignedTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from sudo_mcp_guardrails.toolchain.opensearch_node import OpenSearchNode
    from sudo_mcp_guardrails.trail.trace.gather import Rows

NOWHERE: Final = "http://127.0.0.1:9"
"""The discard port: nothing answers there."""
_MOST: Final = 10


class Target(Protocol):
    """Where events go."""

    @property
    def shown(self) -> str:
        """Who shows it, in words."""
        ...

    @property
    def url(self) -> str:
        """What the deployed function writes to."""
        ...

    def count(self, *, attributed: bool = False) -> int:
        """Return how many events are found; of agents alone where that is asked."""
        ...

    def runs(self) -> dict[str, int]:
        """Return how many events each run has."""
        ...

    def rows(self) -> Rows:
        """Return what finds the events of a trace."""
        ...


class NodeTarget:
    """A real OpenSearch node, which the deployed Lambda function writes to.

    Args:
        node: it runs.
    """

    def __init__(self, node: OpenSearchNode) -> None:
        self.url = node.url
        self.shown = "a real OpenSearch node" if node.own else "the OpenSearch that OPENSEARCH_URL names"
        self._index = SearchIndex(SignedTransport(node.url, timeout=20))

    def count(self, *, attributed: bool = False) -> int:
        """See :class:`Target`."""
        self._index.refresh()
        return self._index.count({"term": {"attributed": True}} if attributed else None)

    def runs(self) -> dict[str, int]:
        """See :class:`Target`."""
        return self._index.runs()

    def rows(self) -> Rows:
        """See :class:`Target`."""
        return self._index.rows


class StoreTarget:
    """DuckDB in a folder. The Lambda function's own handler writes to it, run in this process.

    Args:
        folder: of the store.

    Raises:
        GuardrailsError: DuckDB is not installed.
    """

    shown: Final = "DuckDB, since there is no OpenSearch here; the Lambda function's handler runs in this process"
    url: Final = NOWHERE

    def __init__(self, folder: Path) -> None:
        try:
            from sudo_mcp_guardrails.trail.sinks.duckdb import DuckDbSink  # noqa: PLC0415 - an extra

            self._sink = DuckDbSink(folder)
        except ImportError as error:
            raise GuardrailsError("neither OpenSearch nor DuckDB is here; install the extra 'trail'") from error
        self._folder = folder
        self._attributor = Attributor(GuardrailNames())

    def take(self, s3: Any, messages: list[dict[str, str]]) -> tuple[set[str], str]:  # noqa: ANN401 - boto3 has no types
        """Have the handler take in messages; return the ids of those that failed, and what it printed."""
        records = [
            {"messageId": message["MessageId"], "body": message["Body"], "eventSource": "aws:sqs"}
            for message in messages
        ]
        printed = io.StringIO()
        parts = Parts("demo", s3, self._sink, self._attributor)
        with contextlib.redirect_stdout(printed):
            answer = trail_ingest.handler({"Records": records}, None, parts)
        return {failed["itemIdentifier"] for failed in answer["batchItemFailures"]}, printed.getvalue()

    def names(self) -> set[str]:
        """Return the files that were taken in."""
        return set(self._sink.ledger())

    def finish(self) -> None:
        """Write no more, so that the store can be asked."""
        self._sink.close()

    def count(self, *, attributed: bool = False) -> int:
        """See :class:`Target`."""
        [(count,)] = self._ask("SELECT count(*) FROM trail WHERE attributed OR NOT $1", [attributed])
        return int(count)

    def runs(self) -> dict[str, int]:
        """See :class:`Target`."""
        found = self._ask("SELECT run, count(*) FROM trail WHERE run IS NOT NULL GROUP BY run ORDER BY 2 DESC LIMIT 50")
        return {run: int(events) for run, events in found}

    def rows(self) -> Rows:
        """See :class:`Target`."""
        from sudo_mcp_guardrails.trail.trace.store import store_rows  # noqa: PLC0415 - with the extra

        return store_rows(self._folder)

    def _ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        from sudo_mcp_guardrails.trail.sinks.duckdb_query import query  # noqa: PLC0415 - as above

        return list(query(self._folder, sql, values).rows)


class Targets:
    """Makes the target while other things are done, and takes it away again.

    Args:
        report: told about long work.
    """

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report
        self._stack = ExitStack()
        self._thread = ThreadPoolExecutor(1)
        self._made: Future[Target] | None = None

    def begin(self) -> None:
        """Begin to start a node; returns at once."""
        self._made = self._thread.submit(self._make)

    def wait(self) -> Target:
        """Return the target.

        Raises:
            GuardrailsError: there is one that should serve, and does not; or none at all.
        """
        if self._made is None:
            self.begin()
        assert self._made is not None  # noqa: S101 - begun above
        return self._made.result()

    def close(self) -> None:
        """End what was begun, whatever became of it; more than once does nothing."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self._stack.close()

    def _make(self) -> Target:
        try:
            return NodeTarget(self._stack.enter_context(opensearch_node(self._report, heap="512m")))
        except OpenSearchAbsentError as error:
            self._report(str(error))
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="mcp-guardrails-trail-"))
            target = StoreTarget(Path(folder))
            self._stack.callback(target.finish)
            return target


def metrics(text: str) -> dict[str, float]:
    """Return the sums of the metrics that a handler printed, by name."""
    sums: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith('{"_aws"'):
            continue
        found = json.loads(line)
        for each in found["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            sums[each["Name"]] = sums.get(each["Name"], 0) + found[each["Name"]]
    return sums


def receive(sqs: Any, queue: str) -> list[dict[str, str]]:  # noqa: ANN401 - boto3 has no types
    """Return what a queue holds now, at most ten messages."""
    answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=_MOST, WaitTimeSeconds=0)
    found: list[dict[str, str]] = answer.get("Messages", [])
    return found
