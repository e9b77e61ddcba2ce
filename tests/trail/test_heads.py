from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.heads import (
    GENESIS,
    DailyHead,
    Head,
    against_published,
    chained,
    daily_head,
    parse_daily_head,
    parse_head,
    publish_to_bucket,
    publish_to_directory,
    published_name,
)

if TYPE_CHECKING:
    from pathlib import Path


def chain(*days: str, seed: int = 0) -> list[Head]:
    heads: list[Head] = []
    previous = GENESIS
    for number, day in enumerate(days, start=1):
        digest = f"{number + seed:064x}"
        head = Head(number, 10, 1, 2, 3, f"{day}T10:00:00Z", 99, digest, previous, chained(previous, digest))
        heads.append(head)
        previous = head.head
    return heads


CHAIN = chain("2026-11-20", "2026-11-20", "2026-11-21", "2026-11-23")


def test_a_head_is_read_as_it_was_written() -> None:
    assert parse_head(CHAIN[1].line()) == CHAIN[1]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        CHAIN[0].line()[:-5],
        CHAIN[0].line().replace(b'"events":10', b'"events":"10"'),
        CHAIN[0].line().replace(b'"events":10', b'"events":-1'),
        CHAIN[0].line().replace(b'"events":10', b'"events":true'),
        CHAIN[0].line().replace(b'"previous":"0', b'"previous":"x'),
        CHAIN[0].line().replace(b'"events":10', b'"events":10,"more":1'),
    ],
)
def test_what_is_no_head_is_none(line: bytes) -> None:
    assert parse_head(line) is None


def test_a_days_head_counts_what_was_there_when_it_ended() -> None:
    assert daily_head(CHAIN, "2026-11-19") == DailyHead("2026-11-19", "trail", 0, 0, 0, 0, 0, GENESIS)
    assert daily_head(CHAIN, "2026-11-20") == DailyHead("2026-11-20", "trail", 2, 20, 2, 4, 6, CHAIN[1].head)
    assert daily_head(CHAIN, "2026-11-22").head == CHAIN[2].head
    with pytest.raises(TrailError, match="day 'today' is none"):
        daily_head(CHAIN, "today")


def test_a_published_head_is_never_written_over(tmp_path: Path) -> None:
    head = daily_head(CHAIN, "2026-11-20")
    path = publish_to_directory(head, tmp_path)
    assert publish_to_directory(head, tmp_path) == path
    assert parse_daily_head(path.read_bytes()) == head
    path.write_bytes(b"{}")
    with pytest.raises(TrailError, match="another head"):
        publish_to_directory(head, tmp_path)
    assert path.read_bytes() == b"{}"
    with pytest.raises(TrailError, match="no published head"):
        parse_daily_head(b"{}")


def test_another_head_of_the_same_day_stands_beside_the_first(tmp_path: Path) -> None:
    publish_to_directory(daily_head(CHAIN, "2026-11-20"), tmp_path)
    publish_to_directory(daily_head(chain("2026-11-20", seed=7), "2026-11-20"), tmp_path)
    assert len(list(tmp_path.rglob("*.json"))) == 2


class Bucket:
    """S3 as far as it is used: a conditional put, and a get."""

    def __init__(self, refuses: str | None = None) -> None:
        self.objects: dict[str, bytes] = {}
        self.refuses = refuses

    def put_object(self, *, Key: str, Body: bytes, IfNoneMatch: str, **_: Any) -> None:  # noqa: N803 - boto3's
        assert IfNoneMatch == "*"
        code = self.refuses or ("PreconditionFailed" if Key in self.objects else None)
        if code:
            raise ClientError({"Error": {"Code": code}}, "PutObject")
        self.objects[Key] = Body

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's
        content = self.objects[Key]

        class Body:
            def read(self) -> bytes:
                return content

        return {"Body": Body()}


def test_a_bucket_takes_a_head_once() -> None:
    head = daily_head(CHAIN, "2026-11-23")
    bucket = Bucket()
    key = publish_to_bucket(head, bucket, "second", prefix="audit/")
    assert key == "audit/" + published_name(head)
    assert publish_to_bucket(head, bucket, "second", prefix="audit/") == key
    assert json.loads(bucket.objects[key])["events"] == 40
    bucket.objects[key] = b"other"
    with pytest.raises(TrailError, match="another head"):
        publish_to_bucket(head, bucket, "second", prefix="audit/")
    with pytest.raises(TrailError, match="AccessDenied"):
        publish_to_bucket(head, Bucket(refuses="AccessDenied"), "second")


def test_a_cut_tail_shows_against_a_published_head() -> None:
    published = [daily_head(CHAIN, "2026-11-20"), daily_head(CHAIN, "2026-11-23")]
    assert against_published(CHAIN, published) == []
    assert against_published([*CHAIN, *CHAIN], published) == []
    (found,) = against_published(CHAIN[:3], published)
    assert "2026-11-23" in found
    assert "1 of 4 are cut off" in found


def test_a_log_that_was_written_anew_shows() -> None:
    other = chain("2026-11-20", "2026-11-20", "2026-11-21", "2026-11-23", seed=9)
    (found,) = against_published(other, [daily_head(CHAIN, "2026-11-23")])
    assert "written anew" in found
    fewer = [replace(CHAIN[0], events=9), *CHAIN[1:]]
    (found,) = against_published(fewer, [daily_head(CHAIN, "2026-11-23")])
    assert "counts other events" in found
