"""The source that messages make: the objects and the events that they tell of, and no others."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.source import SourceFile
from sudo_mcp_guardrails.trail.sources.s3 import S3Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.handlers.notifications import Notification

EVENT: Final = "event:"
"""Before the name of an event that came whole. It stands in no ledger: the file that it is delivered in does."""
_TIME: Final = re.compile(rb'"eventTime"\s*:\s*"([^"]{0,40})"')


class NotifiedFiles:
    """The files of one or more messages, each once: objects by their names, then events by their time.

    What mints a session comes before what the session does, so that a batch which holds both knows whose work it is.

    Two versions of one key are two files, lest who replaces an object hides what was in it before. The events of both
    are taken in; the ledger knows names alone, and keeps the line of the version that was told of last.

    Args:
        notifications: what the messages say.
        client: boto3's S3 client.
        max_bytes: most bytes of one object, as stored.
    """

    def __init__(self, notifications: Sequence[Notification], client: Any, *, max_bytes: int) -> None:  # noqa: ANN401 - boto3 has no types
        self._files: dict[tuple[str, str], SourceFile] = {}
        self._buckets: dict[str, S3Source] = {}
        self._events: dict[str, bytes] = {}
        for notification in notifications:
            for found in notification.objects:
                bucket = self._buckets.setdefault(found.bucket, S3Source(client, found.bucket, max_bytes=max_bytes))
                # By its version, so that an object that was deleted or replaced meanwhile is read all the same.
                self._files[found.name, found.version or ""] = bucket.file(
                    found.key, found.size or 0, version=found.version
                )
            for event in notification.events:
                # By content: the same event twice is one file, and dead letters of two never get one name.
                name = f"{EVENT}{hashlib.sha256(event).hexdigest()}"
                self._events[name] = event
                self._files[name, ""] = SourceFile(name, len(event))

    def files(self) -> Iterator[SourceFile]:
        """Yield the files."""
        # Of one name in the order that they were told of: version ids have none.
        yield from sorted(self._files.values(), key=self._place)

    def _place(self, file: SourceFile) -> tuple[bool, bytes, str]:
        event = self._events.get(file.name)
        time = _TIME.search(event) if event is not None else None
        return event is not None, time[1] if time else b"", file.name

    def read(self, file: SourceFile) -> bytes | None:
        """Return a file's bytes; None where the object is gone.

        Raises:
            UnreadableFileError: For an object that may not be read or is too large; its message is shown again, and
                ends in the dead letter queue.
        """
        if file.name in self._events:
            return self._events[file.name]
        return self._buckets[file.name.removeprefix("s3://").partition("/")[0]].read(file)
