"""Look at the events that messages bring or tell of, and tell of what is found in them.

A batch of a queue's messages is looked at together; where that fails, each message by itself, and those that fail
alone go back to the queue, which shows them again and after five times puts them into the dead letter queue. What can
never be looked at (no known message, a record that is no event) goes there at once, with the reason. An event that
comes again changes nothing: groups count it once, and what was told is not told again.
"""

from __future__ import annotations

import json
import logging
import random
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.telling import CANARY_RULE, DIMENSION, NAMESPACE
from sudo_mcp_guardrails.detection.times import seconds_of
from sudo_mcp_guardrails.handlers.detect_parts import made_parts
from sudo_mcp_guardrails.handlers.notifications import NotificationError, read_notification
from sudo_mcp_guardrails.handlers.notified import NotifiedFiles
from sudo_mcp_guardrails.trail.attribution import Attributed
from sudo_mcp_guardrails.trail.reading import read_pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.handlers.detect_parts import DetectParts
    from sudo_mcp_guardrails.handlers.notifications import Notification
    from sudo_mcp_guardrails.trail.event import Event

_COUNTS: Final = (
    "Events", "Findings", "Canary", "DeadLetters", "Conflicts", "LayersFailed", "SwitchUnreadable",
)  # fmt: skip
_SECONDS: Final = frozenset({"EventAge", "Delay"})
_TRIES: Final = 12
"""How often a batch is counted anew since another function counted in the same groups, or looked at the same agent."""
_PAUSE: Final = 0.4
"""Most seconds between two of these, drawn at random: those who lost together do not meet again."""
_PIECE: Final = 2000
"""Events that are looked at together, and whose groups are written together."""
_LETTER: Final = 200_000
"""Most characters of a dead letter: SQS takes 256 KB."""

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


def handler(event: dict[str, Any], context: Any, parts: DetectParts | None = None) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own
    """Look at what one invocation brings.

    Args:
        event: A batch of a queue's messages.
        context: Lambda's.
        parts: What the function works with; made from the environment when left out.

    Returns:
        ``{"batchItemFailures": […]}`` with the messages to show again.
    """
    del context
    run = _Run(parts or made_parts())
    known: dict[str, Notification] = {}
    for record in event["Records"]:
        try:
            known[record["messageId"]] = read_notification(record["body"])
        except NotificationError as error:  # noqa: PERF203 - one bad message must not cost the others
            run.bury(record["messageId"], record["body"], str(error))
    try:
        if known:
            run.look(list(known.values()))
    except Exception as error:  # noqa: BLE001 - any failure at all; each message's own is kept below
        if len(known) > 1:
            _log.warning("%d messages together failed, trying each: %s", len(known), error)
        for message, notification in known.items():
            run.look_alone(message, notification)
    run.say(messages=len(event["Records"]))
    return {"batchItemFailures": [{"itemIdentifier": message} for message in run.failed]}


class _Run:
    """One invocation: what it counts and which messages failed."""

    def __init__(self, parts: DetectParts) -> None:
        self._parts = parts
        self._counts = dict.fromkeys(_COUNTS, 0)
        self._oldest: int | None = None
        self._delay: float | None = None
        self.failed: list[str] = []
        """Ids of the messages to show again."""

    def look_alone(self, message: str, notification: Notification) -> None:
        """Look at one message; where that fails it goes back."""
        try:
            self.look([notification])
        except Exception as error:  # noqa: BLE001 - whatever it is, the message is shown again
            self._fail(message, error)

    def look(self, notifications: Sequence[Notification]) -> None:
        """Look at all events of messages; whatever could not be told raises."""
        source = NotifiedFiles(notifications, self._parts.s3, max_bytes=self._parts.max_object_bytes)
        for file in source.files():
            data = source.read(file)
            if data is None:
                self._send(json.dumps({"file": file.name}), "the object was gone before it was read")
                continue
            for content in read_pieces(file.name, data):
                for start in range(0, len(content.events), _PIECE):
                    self._look(content.events[start : start + _PIECE])
                for letter in content.dead_letters:
                    self._send(letter.raw.decode("utf-8", "replace"), f"{letter.reason}, in {letter.source}")

    def bury(self, message: str, body: str, reason: str) -> None:
        """Put a message that can never be looked at into the dead letter queue, with the reason."""
        try:
            self._send(body, reason)
        except Exception as error:  # noqa: BLE001 - then the queue itself does, after five times
            self._fail(message, error)

    def say(self, *, messages: int) -> None:
        """Write the invocation's metrics, by the embedded metric format."""
        values: dict[str, float] = {**self._counts, "Messages": messages, "Failed": len(self.failed)}
        if self._oldest is not None:
            values["EventAge"] = max(0.0, time.time() - self._oldest)
        if self._delay is not None:
            values["Delay"] = self._delay
        metrics = [{"Name": name, "Unit": "Seconds" if name in _SECONDS else "Count"} for name in values]
        directive = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": metrics}
        aws = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
        sys.stdout.write(json.dumps({"_aws": aws, DIMENSION: self._parts.monitoring, **values}) + "\n")

    def _look(self, events: Sequence[Event]) -> None:
        """Look at events, tell, and then write what was counted: what was not told is counted again."""
        parts = self._parts
        attributed = [Attributed(event, parts.attributor.attribute(event)) for event in events]
        for number in range(_TRIES):
            parts.begin()
            for one in attributed:
                for alert in parts.detector.look(one):
                    parts.journal.alert(alert)
                    self._tell(alert)
            # Before anything is counted: what was found forbids to learn of a run, and is not found a second time.
            parts.keep_notes()
            if parts.layers.commit() and parts.groups.commit():
                break
            self._counts["Conflicts"] += 1
            time.sleep(random.uniform(0, min(_PAUSE, 0.01 * 2**number)))  # noqa: S311 - no secret
        else:
            raise DetectionError(f"what is counted was written by others {_TRIES} times in a row")
        parts.attributor.flush()
        self._counts["Events"] += len(events)
        self._counts["LayersFailed"] += parts.layers.failed
        self._counts["SwitchUnreadable"] += bool(parts.switch is not None and parts.switch.unreadable)
        times = [found for event in events if (found := seconds_of(event.event_time)) is not None]
        self._oldest = min([*times, *([self._oldest] if self._oldest is not None else [])], default=None)

    def _tell(self, alert: Alert) -> None:
        if self._parts.teller.tell(alert, lambda: self._parts.trace(alert)) is None:
            return
        self._counts["Canary" if alert.rule == CANARY_RULE else "Findings"] += 1
        when = seconds_of(alert.subject.event.event_time)
        if when is not None:
            self._delay = max(self._delay or 0.0, time.time() - when)

    def _send(self, body: str, reason: str) -> None:
        self._parts.sqs.send_message(
            QueueUrl=self._parts.dead_letters,
            MessageBody=body[:_LETTER] or "(empty)",
            MessageAttributes={"REASON": {"DataType": "String", "StringValue": reason[:1000]}},
        )
        self._counts["DeadLetters"] += 1

    def _fail(self, message: str, error: Exception) -> None:
        self.failed.append(message)
        _log.error(json.dumps({"message": message, "failed": f"{type(error).__name__}: {error}"}))
