"""Writes what member accounts send by subscription into the central log group.

Runs on Lambda with the standard library and boto3 alone. A batch of Kinesis records comes in, each a gzip file in which
CloudWatch Logs has put lines of one log stream of one account. Every line is written at least once: a batch that fails
is sent again by Lambda, from the first record that failed on. What CloudWatch Logs refuses (too old, too far in the
future), and what is no such record at all, is kept as a line of its own with the reason, so that nothing is lost and
no record stops those behind it.

Sources: CloudWatch Logs user guide, "Cross-account cross-Region subscriptions" (the record); CloudWatch Logs API
reference, "PutLogEvents" (the limits).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import logging
import os
import re
import time
import zlib
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LOG: Final = logging.getLogger(__name__)
_OVERHEAD: Final = 26
_BATCH_BYTES: Final = 1_048_576
_BATCH_EVENTS: Final = 10_000
_BATCH_SPAN: Final = 23 * 3_600_000
"""Milliseconds; CloudWatch Logs takes 24 hours."""
_LINE_BYTES: Final = 262_144 - _OVERHEAD
"""A longer line is written in pieces. CloudWatch Logs takes four times that since 2025, and reads of it do not."""
_MOST_BYTES: Final = 64 * 1_048_576
"""Of a record when inflated; CloudWatch Logs compresses a few MB at most."""
_STREAM: Final = re.compile(r"[:*]")
_STREAM_LENGTH: Final = 512
_REFUSED_STREAM: Final = "refused"
_KINDS: Final = ("DATA_MESSAGE", "CONTROL_MESSAGE")

Line = tuple[int, str]
"""Milliseconds since 1970, and the message."""


class RecordError(Exception):
    """A record that CloudWatch Logs cannot have written."""


def handler(event: Mapping[str, Any], _context: object = None, *, client: Any = None) -> dict[str, Any]:  # noqa: ANN401
    """Write a batch of Kinesis records.

    Args:
        event: ``{"Records": [{"kinesis": {"data": "<base64>", "sequenceNumber": "1"}}]}``.
        client: boto3's client of CloudWatch Logs; tests give another.

    Returns:
        ``{"batchItemFailures": []}``, or the first record that could not be written, from which Lambda starts again.
    """
    logs = client if client is not None else _client()
    group = os.environ["LOG_GROUP"]
    for record in event["Records"]:
        data = record["kinesis"]["data"]
        try:
            _take(logs, group, data)
        except Exception:  # noqa: BLE001 - whatever it is, Lambda sends the record again as long as Kinesis has it
            _LOG.exception("record was not written")
            return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]}]}
    return {"batchItemFailures": []}


def _take(logs: Any, group: str, data: str) -> None:  # noqa: ANN401 - boto3 has no types
    """Write one record, and what of it is refused."""
    try:
        stream, lines = read_record(data)
    except RecordError as error:
        _refuse(logs, group, [(0, data)], str(error))
        return
    for batch in batches(lines):
        for reason, refused in _put(logs, group, stream, batch):
            _refuse(logs, group, refused, reason)


def read_record(data: str) -> tuple[str, list[Line]]:
    """Return the stream that a record belongs to, and its lines in order of time; none for a control message.

    Raises:
        RecordError: For anything else than CloudWatch Logs writes.
    """
    try:
        inflater = zlib.decompressobj(wbits=31)
        text = inflater.decompress(base64.b64decode(data, validate=True), _MOST_BYTES)
        if not inflater.eof:
            raise RecordError(f"is cut off, or over {_MOST_BYTES} bytes")
        message = json.loads(text)
        if message["messageType"] not in _KINDS:
            raise RecordError("is of an unknown kind")
        if message["messageType"] == "CONTROL_MESSAGE":
            return "", []
        lines = [(int(line["timestamp"]), str(line["message"])) for line in message["logEvents"]]
        stream = stream_name(str(message["owner"]), str(message["logGroup"]), str(message["logStream"]))
    except (binascii.Error, zlib.error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RecordError(f"is no record of CloudWatch Logs ({type(error).__name__})") from None
    return stream, sorted(lines, key=lambda line: line[0])


def stream_name(owner: str, group: str, stream: str) -> str:
    """Return the name of the central stream for a stream of another account; different streams have different names."""
    full = f"{owner}/{group.strip('/')}/{stream}"
    name = _STREAM.sub("_", full)
    if name == f"{owner}/{group}/{stream}" and len(name) <= _STREAM_LENGTH:
        return name
    digest = hashlib.sha256(f"{owner}/{group}/{stream}".encode()).hexdigest()[:16]
    return f"{name[: _STREAM_LENGTH - len(digest) - 1]}-{digest}"


def batches(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Cut lines, in order of time, into what CloudWatch Logs takes at once; long ones into pieces."""
    batch: list[Line] = []
    size = 0
    for at, message in lines:
        for piece in _pieces(message):
            length = len(piece.encode()) + _OVERHEAD
            if batch and (
                size + length > _BATCH_BYTES or len(batch) >= _BATCH_EVENTS or at - batch[0][0] > _BATCH_SPAN
            ):
                yield batch
                batch, size = [], 0
            batch.append((at, piece))
            size += length
    if batch:
        yield batch


def _pieces(message: str) -> Iterator[str]:
    """Cut a message into pieces of at most so many bytes, never inside a character; an empty one is a space."""
    encoded = message.encode("utf-8", "backslashreplace")
    if len(encoded) <= _LINE_BYTES:
        # CloudWatch Logs takes no empty line.
        yield encoded.decode() or " "
        return
    start = 0
    while start < len(encoded):
        end = min(start + _LINE_BYTES, len(encoded))
        while end < len(encoded) and encoded[end] & 0xC0 == 0x80:  # noqa: PLR2004 - inside a UTF-8 character
            end -= 1
        yield encoded[start:end].decode()
        start = end


def _put(logs: Any, group: str, stream: str, batch: Sequence[Line]) -> Iterator[tuple[str, list[Line]]]:  # noqa: ANN401
    """Write one batch; yield what of it was refused, with the reason."""
    events = [{"timestamp": at, "message": message} for at, message in batch]
    try:
        answer = logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    except logs.exceptions.ResourceNotFoundException:
        with suppress(logs.exceptions.ResourceAlreadyExistsException):  # another invocation was quicker
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
        answer = logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    refused = answer.get("rejectedLogEventsInfo") or {}
    old = max(refused.get("tooOldLogEventEndIndex", 0), refused.get("expiredLogEventEndIndex", 0))
    new = refused.get("tooNewLogEventStartIndex", len(batch))
    if old:
        yield "too old", list(batch[:old])
    if new < len(batch):
        yield "too far in the future", list(batch[new:])


def _refuse(logs: Any, group: str, lines: Sequence[Line], reason: str) -> None:  # noqa: ANN401 - boto3 has no types
    """Keep what was refused, as lines of this moment that say why."""
    now = int(time.time() * 1000)
    wrapped = [
        (now, json.dumps({"refused": reason, "timestamp": at, "part": part, "message": piece}))
        for at, message in lines
        for part, piece in enumerate(_halves(message))
    ]
    for batch in batches(wrapped):
        for why, _ in _put(logs, group, _REFUSED_STREAM, batch):
            raise RecordError(f"lines of this moment were refused as {why}")


def _halves(message: str) -> Iterator[str]:
    """Cut a message so that each piece fits into a line of JSON, where a character may take twelve bytes."""
    for start in range(0, max(len(message), 1), _LINE_BYTES // 16):
        yield message[start : start + _LINE_BYTES // 16]


@cache
def _client() -> Any:  # noqa: ANN401 - boto3 has no types
    import boto3  # noqa: PLC0415 - tests bring their own client
    from botocore.config import Config  # noqa: PLC0415 - as above

    return boto3.client("logs", config=Config(retries={"mode": "standard", "total_max_attempts": 5}))
