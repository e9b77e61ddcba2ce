"""Forwards events to a Firehose stream: to a SIEM behind it, or a security lake.

At least once, and no store: nothing is looked up here, and a message that comes again is sent again. The SIEM tells
duplicates by ``eventID`` (``metadata.uid`` in OCSF).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.ocsf import to_ocsf
from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter, Written

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution
    from sudo_mcp_guardrails.trail.sinks.dead_letters import DeadLetterStore
    from sudo_mcp_guardrails.trail.sinks.sink import Batch, SourceRecord

FORMS: Final = ("ocsf", "cloudtrail")
"""As OCSF's API Activity; or as CloudTrail wrote it, with whose work it is under ``attribution``."""
MAX_RECORDS: Final = 500
MAX_BYTES: Final = 4 * 1024 * 1024
MAX_RECORD_BYTES: Final = 1000 * 1024
"""Of one request and one record (Firehose API reference, "PutRecordBatch")."""


class FirehoseSink:
    """Sends events as JSON lines.

    Args:
        client: boto3's client of Firehose.
        stream: its name.
        dead_letters: where an event is kept that is larger than Firehose takes.
        form: one of :data:`FORMS`.
        patience: how long records that were not taken are sent again. Default: two minutes.

    Raises:
        TrailError: for another form.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 has no types
        stream: str,
        dead_letters: DeadLetterStore,
        *,
        form: str = "ocsf",
        patience: Patience | None = None,
    ) -> None:
        if form not in FORMS:
            raise TrailError(f"form {form!r} is not known, expected one of {', '.join(FORMS)}")
        self._client = client
        self._stream = stream
        self._dead_letters = dead_letters
        self._form = form
        self._patience = patience or Patience()

    def write(self, batch: Batch) -> Written:
        """Send a batch; an event that is in it twice goes once.

        Raises:
            SinkUnavailableError: after all retries; a part of it may have been sent.
        """
        first: dict[tuple[str, str], int] = {}
        for position, one in enumerate(batch.events):
            first.setdefault((one.event.day, one.event.event_id), position)
        letters = list(batch.dead_letters)
        records: list[bytes] = []
        for position in first.values():
            record = self._line(batch.events[position])
            if len(record) > MAX_RECORD_BYTES:
                name = batch.sources[batch.origins[position]].name
                reason = f"refused by Firehose: {len(record)} bytes, allowed are {MAX_RECORD_BYTES}"
                letters.append(DeadLetter(name, None, reason, batch.events[position].event.raw))
            else:
                records.append(record)
        retries = sum(self._send(some) for some in _requests(records))
        self._dead_letters.put(letters)
        rejected = len(first) - len(records)
        return Written(len(records), len(batch.events) - len(first), rejected=rejected, retries=retries)

    def amend(self, changes: Sequence[tuple[str, str, Attribution]]) -> int:
        """Do nothing: what was sent is sent. Returns 0."""
        del changes
        return 0

    def missing(self, day: str, event_ids: Collection[str]) -> set[str]:
        """Refuse: nothing is kept here.

        Raises:
            TrailError: always.
        """
        raise TrailError(f"stream {self._stream!r} cannot tell which of {len(event_ids)} events of {day} it had")

    def ledger(self) -> dict[str, SourceRecord]:
        """Return nothing: no ledger is kept here."""
        return {}

    def count(self) -> int:
        """Return 0: nothing is kept here."""
        return 0

    def close(self) -> None:
        """Do nothing: the client is the caller's."""

    def _line(self, one: Attributed) -> bytes:
        if self._form == "ocsf":
            document = to_ocsf(one)
        else:
            document = {**one.event.document(), "attribution": to_ocsf(one, raw=False)["unmapped"]}
        return (
            json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        )

    def _send(self, records: Sequence[bytes]) -> int:
        """Send records, and again those that were not taken; return how often."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - trail/ imports it where needed

        attempts = self._patience.start()
        left = list(records)
        while left:
            try:
                answer = self._client.put_record_batch(
                    DeliveryStreamName=self._stream, Records=[{"Data": record} for record in left]
                )
            except (BotoCoreError, ClientError) as error:
                raise SinkUnavailableError(f"stream {self._stream!r}: {error}") from error
            results = answer["RequestResponses"]
            failed = [number for number, result in enumerate(results) if result.get("ErrorCode")]
            if failed:
                code = results[failed[0]]["ErrorCode"]
                left = [left[number] for number in failed]
                attempts.failed(f"{len(left)} records not taken by stream {self._stream!r}: {code}")
            else:
                left = []
        return attempts.failures


def _requests(records: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield records in portions that one request takes."""
    some: list[bytes] = []
    size = 0
    for record in records:
        if some and (len(some) >= MAX_RECORDS or size + len(record) > MAX_BYTES):
            yield some
            some, size = [], 0
        some.append(record)
        size += len(record)
    if some:
        yield some
