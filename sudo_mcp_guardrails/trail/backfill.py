"""Take in what a range of keys or dates holds and a sink has not: :func:`~.reconcile.reconcile` that mends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.trail.reconcile import reconcile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sudo_mcp_guardrails.trail.digests.verify import Verdict
    from sudo_mcp_guardrails.trail.reconciled import Reconciled
    from sudo_mcp_guardrails.trail.sinks.sink import Sink
    from sudo_mcp_guardrails.trail.source import KeepingSource, SourceFile


def backfill(
    source: KeepingSource,
    sink: Sink,
    take_in: Callable[[Iterable[SourceFile]], object],
    *,
    digests: Iterable[Verdict] | None = None,
    deep: bool = False,
    progress: Callable[[Reconciled], None] | None = None,
) -> Reconciled:
    """Take in every trail file of a source that its sink has not.

    Args:
        source: where the files are, with the range that is meant: ``S3Source(…, keys=KeyRange(since=…, until=…))``.
        sink: where the events go.
        take_in: takes files in, as :func:`~sudo_mcp_guardrails.trail.ingest.ingest` does.
        digests: as in :func:`~sudo_mcp_guardrails.trail.reconcile.reconcile`.
        deep: also read the files that the ledger has, and take in those of which events are missing.
        progress: called after each file.

    Raises:
        UnreadableFileError: where the source cannot be listed.
        SinkUnavailableError: where the sink took no more; the same call again goes on.
    """
    return reconcile(source, sink, digests=digests, repair=take_in, deep=deep, progress=progress)
