from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.trail.digests import digest as module
from sudo_mcp_guardrails.trail.digests.digest import (
    MalformedDigestError,
    content_hash,
    inflated,
    parse_digest,
)
from tests.trail.digests.signing import delivery, sha256


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=4000), min_size=1, max_size=5), st.integers(1, 9))
def test_the_content_is_that_of_all_members(parts: list[bytes], level: int) -> None:
    data = b"".join(gzip.compress(part, level) for part in parts)
    content = b"".join(parts)
    assert b"".join(inflated(data, len(content))) == content == gzip.decompress(data)
    assert content_hash(data, len(content)) == sha256(content)
    if content:
        with pytest.raises(MalformedDigestError, match=f"more than {len(content) - 1} bytes"):
            content_hash(data, len(content) - 1)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=200_000), st.data())
def test_a_gzip_that_is_cut_off_anywhere_is_told(content: bytes, data: st.DataObject) -> None:
    whole = gzip.compress(content)
    end = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(MalformedDigestError, match="cut off"):
        content_hash(whole[:end], len(content))


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_gzip_or_told(data: bytes) -> None:
    with pytest.raises(MalformedDigestError, match="gzip"):
        content_hash(data, 1000)


def test_what_follows_a_gzip_is_not_passed_over() -> None:
    for rest in (b"\0", b"\0" * 512, b'{"Records":[]}'):
        with pytest.raises(MalformedDigestError, match="gzip"):
            content_hash(gzip.compress(b"x") + rest, 100)


def test_a_wrong_checksum_is_told() -> None:
    data = bytearray(gzip.compress(b"x" * 1000))
    data[-6] ^= 1
    with pytest.raises(MalformedDigestError, match="not gzip"):
        content_hash(bytes(data), 10_000)


def test_a_bomb_costs_no_memory_and_too_many_members_no_time() -> None:
    engine = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(engine.compress(b"\0" * 1024 * 1024) for _ in range(64)) + engine.flush()
    tracemalloc.start()
    try:
        with pytest.raises(MalformedDigestError, match="more than 50000000 bytes"):
            content_hash(bomb, 50_000_000)
        assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
    finally:
        tracemalloc.stop()
    with pytest.raises(MalformedDigestError, match="more than 1000 gzip members"):
        content_hash(gzip.compress(b"") * 1001, 1)
    assert content_hash(gzip.compress(b"") * 1000, 1) == sha256(b"")


def document() -> tuple[dict[str, Any], dict[str, str]]:
    made = delivery(2)
    key = made.digests[1]
    return json.loads(gzip.decompress(made.objects[key])), dict(made.metadata[key])


def test_a_digest_says_what_was_signed() -> None:
    made = delivery(2)
    first, second = (parse_digest(made.objects[key], made.metadata[key]) for key in made.digests)
    assert first.signed_text().decode().split("\n") == [
        "2026-11-20T01:00:00Z",
        f"trail-bucket/{made.digests[0]}",
        sha256(gzip.decompress(made.objects[made.digests[0]])),
        "null",
    ]
    assert second.signed_text().decode().rpartition("\n")[2] == first.signature
    assert (first.previous_key, second.previous_key) == (None, made.digests[0])
    assert second.previous_hash == first.content_hash
    assert [log.key for log in second.log_files] == made.logs[1:]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"digestS3Bucket": None}, "no digestS3Bucket"),
        ({"digestS3Object": 1}, "no digestS3Object"),
        ({"digestEndTime": "yesterday"}, "time 'yesterday'"),
        ({"digestStartTime": None}, "no digestStartTime"),
        ({"digestPublicKeyFingerprint": ""}, "no digestPublicKeyFingerprint"),
        ({"previousDigestSignature": 1}, "no previousDigestSignature"),
        ({"digestSignatureAlgorithm": "none"}, "signed with 'none'"),
        ({"logFiles": {}}, "logFiles is no list"),
        ({"logFiles": [1]}, "a log file is no object"),
        ({"logFiles": [{"s3Bucket": "b", "s3Object": "k"}]}, "no hashValue"),
        ({"logFiles": [{"s3Bucket": "b", "s3Object": "k", "hashValue": "00"}]}, "hash '00'"),
        (
            {"logFiles": [{"s3Bucket": "b", "s3Object": "k", "hashValue": "0" * 64, "hashAlgorithm": "MD5"}]},
            "of 'MD5'",
        ),
        ({"logFiles": [{"s3Bucket": "b", "hashValue": "0" * 64}]}, "no s3Object"),
    ],
)
def test_a_digest_of_another_form_is_told(change: dict[str, Any], reason: str) -> None:
    found, metadata = document()
    with pytest.raises(MalformedDigestError, match=reason):
        parse_digest(gzip.compress(json.dumps({**found, **change}).encode()), metadata)


@pytest.mark.parametrize("content", [b"[]", b"1", b"\xff", b'{"a":' * 100_000])
def test_what_is_no_object_is_told(content: bytes) -> None:
    with pytest.raises(MalformedDigestError, match=r"not JSON|no object"):
        parse_digest(gzip.compress(content), document()[1])


def test_a_digest_without_log_files_is_one_of_an_hour_without_activity() -> None:
    found, metadata = document()
    for changed in ({**found, "logFiles": []}, {**found, "logFiles": None}):
        data = gzip.compress(json.dumps(changed).encode())
        assert parse_digest(data, metadata).log_files == ()


def test_a_digest_larger_than_allowed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DIGEST_BYTES", 100)
    found, metadata = document()
    with pytest.raises(MalformedDigestError, match="more than 100 bytes"):
        parse_digest(gzip.compress(json.dumps(found).encode()), metadata)
