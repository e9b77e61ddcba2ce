"""Take in the trail files and events that messages tell of.

The queue's messages come in batches. They are taken in together, which makes few and large requests of them; where
that fails, each is taken in by itself, and only those that fail alone are handed back to the queue, which shows them
again later and after five times puts them into the dead letter queue. A file that was taken in and comes again
changes nothing, since sinks create each event once.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.handlers.notifications import read_notification
from sudo_mcp_guardrails.handlers.notified import NotifiedFiles
from sudo_mcp_guardrails.handlers.trail_parts import made_parts
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, UnreadableFileError
from sudo_mcp_guardrails.trail.ingest import ingest
from sudo_mcp_guardrails.trail.metrics import counted, metric_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.handlers.notifications import Notification
    from sudo_mcp_guardrails.handlers.trail_parts import Parts

_SPARE_SECONDS: Final = 5.0
"""Left at the end of an invocation, to say what failed."""
_MOST_NAMED: Final = 20

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


def handler(event: dict[str, Any], context: Any, parts: Parts | None = None) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own
    """Take in what one invocation brings.

    Args:
        event: A batch of a queue's messages; or one message itself, as EventBridge, SNS and S3 send it.
        context: Lambda's, which tells how much time is left; without one there is no end.
        parts: What the function works with; made from the environment when left out.

    Returns:
        ``{"batchItemFailures": […]}`` with the messages to show again.

    Raises:
        Exception: What one message by itself failed with, so that who called tries again.
    """
    parts = parts or made_parts()
    run = _Run(parts, context)
    records = event.get("Records")
    if not isinstance(records, list) or not records or records[0].get("eventSource") != "aws:sqs":
        try:
            if unreadable := run.take([read_notification(event)]):
                raise UnreadableFileError("; ".join(unreadable.values()))
        finally:
            run.say(messages=1)
        return {"batchItemFailures": []}
    known: dict[str, Notification] = {}
    for record in records:
        try:
            known[record["messageId"]] = read_notification(record["body"])
        except Exception as error:  # noqa: BLE001, PERF203 - one bad message must not cost the others
            run.fail(record["messageId"], error)
    run.take_all(known)
    run.say(messages=len(records))
    return {"batchItemFailures": [{"itemIdentifier": message} for message in run.failed]}


class _Run:
    """One invocation: what it counts and which messages failed."""

    def __init__(self, parts: Parts, context: Any) -> None:  # noqa: ANN401 - as above
        self._parts = parts
        self._context = context
        self._counts: dict[str, float] = {}
        self._gone: list[str] = []
        self._latest = ""
        self.failed: list[str] = []
        """Ids of the messages to show again."""

    def take_all(self, known: dict[str, Notification]) -> None:
        """Take in messages together, or where that fails one by one, as long as there is time.

        Two in a row for which the sink is not there, each with its own retries behind it, mean that it is down; the
        rest goes back to the queue at once.
        """
        if not known:
            return
        try:
            unreadable = self.take(list(known.values()))
        except Exception as error:  # noqa: BLE001 - any failure at all; each message's own is kept below
            if len(known) == 1:
                self.fail(next(iter(known)), error)
                return
            _log.warning("%d messages together failed, trying each: %s", len(known), _told(error))
        else:
            for message, notification in known.items():
                self._fail_unreadable(message, notification, unreadable)
            return
        down = 0
        for message, notification in known.items():
            if down > 1 or self._no_time():
                self.fail(message, None)
                continue
            try:
                unreadable = self.take([notification])
            except Exception as error:  # noqa: BLE001 - as above
                down = down + 1 if isinstance(error, SinkUnavailableError) else 0
                self.fail(message, error)
            else:
                self._fail_unreadable(message, notification, unreadable)
                down = 0

    def take(self, notifications: Sequence[Notification]) -> dict[str, str]:
        """Take in files; what was not stored durably raises.

        Returns:
            Why files that are there could not be read, by name: refused, archived, or too large.
        """
        source = NotifiedFiles(notifications, self._parts.s3, max_bytes=self._parts.max_object_bytes)
        report = ingest(source, self._parts.sink, self._parts.attributor)
        self._gone += report.gone
        self._latest = max(self._latest, report.last_time or "")
        for name, value in counted(report).items():
            self._counts[name] = self._counts.get(name, 0) + value
        return dict(report.unreadable)

    def fail(self, message: str, error: Exception | None) -> None:
        """Note a message that goes back to the queue."""
        self.failed.append(message)
        if error is not None:
            _log.error(json.dumps({"message": message, "failed": _told(error)}))

    def _fail_unreadable(self, message: str, notification: Notification, unreadable: dict[str, str]) -> None:
        """Note a message of which a file could not be read; the others are in, and come again as duplicates."""
        reasons = [unreadable[found.name] for found in notification.objects if found.name in unreadable]
        if reasons:
            self.fail(message, UnreadableFileError("; ".join(reasons)))

    def say(self, *, messages: int) -> None:
        """Write the invocation's metrics."""
        values = {**self._counts, "Messages": messages, "Failed": len(self.failed), "Gone": len(self._gone)}
        if (age := _age(self._latest)) is not None:
            values["EventAge"] = age
        sys.stdout.write(metric_line(self._parts.pipeline, values, gone=self._gone[:_MOST_NAMED]))

    def _no_time(self) -> bool:
        left = getattr(self._context, "get_remaining_time_in_millis", None)
        return left is not None and left() / 1000 < _SPARE_SECONDS + self._parts.patience


def _age(latest: str) -> float | None:
    """Return how old the newest event of the invocation is, in seconds; a time in the future is 0."""
    if not latest:
        return None
    time = datetime.strptime(latest[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    return max(0.0, (datetime.now(timezone.utc) - time).total_seconds())


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
