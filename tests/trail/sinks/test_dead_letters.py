from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.sinks.dead_letters import (
    RAW_BYTES,
    DirectoryDeadLetters,
    MemoryDeadLetters,
    S3DeadLetters,
    letter_from,
    letter_json,
    letter_key,
)
from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter

if TYPE_CHECKING:
    from pathlib import Path

OBJECT = (
    "s3://b/AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/20/111122223333_CloudTrail_x_20261120T1000Z_a.json.gz"
)
LETTERS = [
    DeadLetter(OBJECT, 3, "the record has no eventID", b'{"a": 1}'),
    DeadLetter(OBJECT, None, "the file is cut off", b"\x1f\x8b\xff"),
    DeadLetter("b.json", None, "refused", b"{}"),
]


class Bucket:
    """A bucket of two keys a page, with what S3 does of conditional writes."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def put_object(self, **options: Any) -> dict[str, Any]:
        if self.error:
            raise self.error
        self.puts.append(options)
        if options["IfNoneMatch"] == "*" and options["Key"] in self.objects:
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        self.objects[options["Key"]] = options["Body"]
        return {}

    def list_objects_v2(self, **options: Any) -> dict[str, Any]:
        keys = sorted(key for key in self.objects if key.startswith(options["Prefix"]))
        start = int(options.get("ContinuationToken", 0))
        page = {"Contents": [{"Key": key} for key in keys[start : start + 2]], "IsTruncated": start + 2 < len(keys)}
        return {**page, "NextContinuationToken": str(start + 2)}

    def get_object(self, **options: Any) -> dict[str, Any]:
        return {"Body": io.BytesIO(self.objects[options["Key"]])}


def test_stores_keep_each_letter_once(tmp_path: Path) -> None:
    bucket = Bucket()
    for store in (MemoryDeadLetters(), DirectoryDeadLetters(tmp_path / "new"), S3DeadLetters(bucket, "b", "dead/")):
        assert list(store.letters()) == []
        store.put(LETTERS)
        store.put(LETTERS[::-1])
        assert sorted(store.letters(), key=letter_key) == sorted(LETTERS, key=letter_key)
    assert len(bucket.objects) == 3
    assert not list(tmp_path.rglob(".letter-*"))


def test_key_says_day_file_and_place() -> None:
    day, source, name = letter_key(LETTERS[0]).split("/")
    assert (day, len(source)) == ("2026-11-20", 32)
    assert name.startswith("00000003-")
    assert letter_key(LETTERS[1]).split("/")[1:] != [source, name]
    assert letter_key(LETTERS[2]).startswith("undated/")
    assert letter_key(DeadLetter(OBJECT, 3, "worded otherwise", b'{"a": 1}')) == letter_key(LETTERS[0])


@given(st.text(st.characters(exclude_categories=["Cs"])), st.none() | st.integers(0), st.text(), st.binary())
def test_letter_comes_back_as_it_was(source: str, position: int | None, reason: str, raw: bytes) -> None:
    letter = DeadLetter(source, position, reason, raw)
    assert letter_from(letter_json(letter), "x") == letter
    assert letter_key(letter).count("/") == 2


def test_letter_is_bounded() -> None:
    assert letter_from(letter_json(DeadLetter("a", 0, "r", b"x" * (2 * RAW_BYTES))), "x").raw == b"x" * RAW_BYTES


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"source":"a","position":1,"reason":"r","raw":1}'])
def test_damaged_letter_is_named(content: bytes) -> None:
    with pytest.raises(TrailError, match=r"dead letter x\.json is damaged"):
        letter_from(content, "x.json")


def test_disk_that_takes_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SinkUnavailableError, match="cannot be written: Not a directory"):
        DirectoryDeadLetters(tmp_path / "file").put(LETTERS)


def test_objects_are_written_with_the_callers_options() -> None:
    bucket = Bucket()
    S3DeadLetters(bucket, "b", "dead", ServerSideEncryption="aws:kms", SSEKMSKeyId="k").put(LETTERS[:1])
    (put,) = bucket.puts
    assert (put["Bucket"], put["SSEKMSKeyId"], put["Key"].startswith("dead/2026-11-20/")) == ("b", "k", True)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ClientError({"Error": {"Code": "SlowDown"}}, "PutObject"), SinkUnavailableError),
        # Somebody else's write of this letter may fail yet.
        (ClientError({"Error": {"Code": "ConditionalRequestConflict"}}, "PutObject"), SinkUnavailableError),
        (EndpointConnectionError(endpoint_url="s3"), SinkUnavailableError),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject"), TrailError),
    ],
)
def test_bucket_that_does_not_take_it_is_said(error: Exception, kind: type[TrailError]) -> None:
    bucket = Bucket()
    bucket.error = error
    with pytest.raises(TrailError, match="put_object on s3://b/dead/") as caught:
        S3DeadLetters(bucket, "b", "dead").put(LETTERS)
    assert type(caught.value) is kind
