"""Where dead letters go: a directory, or a prefix in S3. The same letter has the same key, so a replay adds none."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.event import UNDATED
from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RAW_BYTES: Final = 1024 * 1024
"""Bytes that a letter keeps of what was there."""

# The day of a trail file stands in its key: `/2026/11/23/`, or `_20261123T1000Z_` in its name.
_DAY: Final = re.compile(r"(?:^|[/_])(20\d\d)(/?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?=[/T])")
# 409: somebody writes the same key at this moment. It is the same letter, and may fail all the same.
_TEMPORARY: Final = frozenset(
    {
        *("InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown", "503", "500", "Throttling"),
        *("ConditionalRequestConflict", "OperationAborted", "409"),
    }
)
_THERE: Final = frozenset({"PreconditionFailed", "412"})


class DeadLetterStore(Protocol):
    """Keeps what could not become an event."""

    def put(self, letters: Sequence[DeadLetter]) -> None:
        """Store letters durably, each once.

        Raises:
            SinkUnavailableError: not all could be stored; they may be put again.
        """
        ...

    def letters(self) -> Iterator[DeadLetter]:
        """Yield all letters, in the order of their keys."""
        ...


class MemoryDeadLetters:
    """Letters that end with the process."""

    def __init__(self) -> None:
        self._letters: dict[str, DeadLetter] = {}

    def put(self, letters: Sequence[DeadLetter]) -> None:
        """See :class:`DeadLetterStore`."""
        for letter in letters:
            self._letters.setdefault(letter_key(letter), letter)

    def letters(self) -> Iterator[DeadLetter]:
        """See :class:`DeadLetterStore`."""
        yield from (self._letters[key] for key in sorted(self._letters))


class DirectoryDeadLetters:
    """Letters as files below a directory, which is made on the first letter.

    Args:
        root: the directory.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, letters: Sequence[DeadLetter]) -> None:
        """See :class:`DeadLetterStore`."""
        for letter in letters:
            path = self._root / letter_key(letter)
            try:
                if path.exists():
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                _write_whole(path, letter_json(letter))
            except OSError as error:
                raise SinkUnavailableError(f"dead letter {path} cannot be written: {error.strerror}") from error

    def letters(self) -> Iterator[DeadLetter]:
        """See :class:`DeadLetterStore`."""
        for path in sorted(self._root.glob("*/*/*.json")):
            yield letter_from(path.read_bytes(), str(path))


class S3DeadLetters:
    """Letters as objects below a prefix; costs one PUT each. A letter that is there is not written over.

    Args:
        client: boto3's client of S3.
        bucket: its name.
        prefix: of the keys, without a slash at its end.
        options: laid over each ``put_object``, such as ``ServerSideEncryption`` and ``SSEKMSKeyId``.
    """

    def __init__(self, client: Any, bucket: str, prefix: str, **options: str) -> None:  # noqa: ANN401 - of boto3
        self._client = client
        self._bucket = bucket
        self._prefix = prefix.strip("/")
        self._options = options

    def put(self, letters: Sequence[DeadLetter]) -> None:
        """See :class:`DeadLetterStore`."""
        for letter in letters:
            self._call(
                "put_object",
                Key=f"{self._prefix}/{letter_key(letter)}",
                Body=letter_json(letter),
                ContentType="application/json",
                IfNoneMatch="*",  # an object under Object Lock would else get one more version at every replay
                **self._options,
            )

    def letters(self) -> Iterator[DeadLetter]:
        """See :class:`DeadLetterStore`."""
        options: dict[str, Any] = {"Prefix": f"{self._prefix}/"}
        while True:
            page = self._call("list_objects_v2", **options)
            for found in page.get("Contents", []):
                key = found["Key"]
                yield letter_from(self._call("get_object", Key=key)["Body"].read(), f"s3://{self._bucket}/{key}")
            if not page.get("IsTruncated"):
                return
            options["ContinuationToken"] = page["NextContinuationToken"]

    def _call(self, operation: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - of boto3
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - trail/ imports it where needed

        place = f"{operation} on s3://{self._bucket}/{options.get('Key', options.get('Prefix'))}"
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(Bucket=self._bucket, **options)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            if operation == "put_object" and code in _THERE:
                return {}
            raise (SinkUnavailableError if code in _TEMPORARY else TrailError)(f"{place}: {error}") from error
        except BotoCoreError as error:
            raise SinkUnavailableError(f"{place}: {error}") from error
        return answer


def letter_key(letter: DeadLetter) -> str:
    """Return a letter's key, ``DAY/HASH OF THE FILE/POSITION-HASH OF THE BYTES.json``.

    The day is the trail file's own, never today's, so that a replay finds the key again. The reason is no part of it:
    it may be worded otherwise by another version.
    """
    found = _DAY.search(letter.source)
    day = f"{found[1]}-{found[3]}-{found[4]}" if found else UNDATED
    source = hashlib.sha256(letter.source.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    place = "file" if letter.position is None else f"{letter.position:08}"
    return f"{day}/{source}/{place}-{hashlib.sha256(letter.raw[:RAW_BYTES]).hexdigest()[:32]}.json"


def letter_json(letter: DeadLetter) -> bytes:
    """Return a letter as JSON; bytes that are no UTF-8 are in base64."""
    kept = letter.raw[:RAW_BYTES]
    try:
        raw = {"raw": kept.decode()}
    except UnicodeDecodeError:
        raw = {"raw_base64": base64.b64encode(kept).decode()}
    what = {"source": letter.source, "position": letter.position, "reason": letter.reason, **raw}
    return json.dumps(what, indent=2).encode()


def letter_from(content: bytes, place: str) -> DeadLetter:
    """Read a letter back.

    Raises:
        TrailError: it is none.
    """
    try:
        what = json.loads(content)
        raw = base64.b64decode(what["raw_base64"]) if "raw_base64" in what else what["raw"].encode()
        return DeadLetter(what["source"], what["position"], what["reason"], raw)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrailError(f"dead letter {place} is damaged: {error!r}") from error


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after the power fails."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".letter-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
