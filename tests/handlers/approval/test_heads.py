"""The daily heads: published in order, to both buckets, and the copies made good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.approval.chain.heads import against_published, parse_heads
from sudo_mcp_guardrails.handlers import approval_heads
from tests.approval.made import START
from tests.handlers.approval import fakes
from tests.handlers.approval.works import Works

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.approval.chain.heads import ApprovalHeads

DAY = 86_400


@pytest.fixture
def works(tmp_path: Path) -> Works:
    return Works(tmp_path)


def published(works: Works, bucket: str = "other-account") -> list[ApprovalHeads]:
    found = works.s3.keys(bucket, "heads/mcp-guardrails-approval/")
    return [parse_heads(works.s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in found]


def run(works: Works) -> list[str]:
    found: list[str] = approval_heads.handler({}, None, works.place)["published"]
    return found


def test_a_day_that_is_over_is_published_once(works: Works) -> None:
    first, second = works.submitted(), works.submitted()
    works.decide(first, "alice")
    works.time = START + DAY
    assert len(run(works)) == 1
    assert run(works) == []
    (heads,) = published(works)
    assert (heads.day, [(one.chain, one.length) for one in heads.chains]) == (
        "2026-11-23",
        sorted([(first, 3), (second, 1)]),
    )
    assert published(works, "bucket") == [heads]
    records = works.place.evidence.records
    assert against_published([heads], records, until="2026-11-23") == []
    del works.dynamodb.tables["evidence"][first, 3]
    assert [one.flaw.value for one in against_published([heads], records)] == ["cut"]


def test_missed_days_are_caught_up_with_in_order(works: Works) -> None:
    works.submitted()
    works.time = START + DAY
    run(works)
    works.time = START + 5 * DAY
    assert len(run(works)) == 4
    heads = published(works)
    assert [one.day for one in heads] == [f"2026-11-{day}" for day in range(23, 28)]
    assert against_published(heads, works.place.evidence.records, until="2026-11-27") == []
    works.time = START + 100 * DAY
    assert len(run(works)) == approval_heads.MAX_DAYS


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(2))
def test_a_crash_publishes_no_second_head_of_a_day(tmp_path: Path, at: int, when: str) -> None:
    works = Works(tmp_path)
    works.submitted()
    works.time = START + DAY
    works.faults.at = (len(works.faults.calls) + at, when)
    with pytest.raises(fakes.Crash):
        run(works)
    works.faults.at = None
    run(works)
    assert len(published(works)) == len(published(works, "bucket")) == 1


def test_the_copy_that_a_crash_left_out_is_made_good(works: Works) -> None:
    approval = works.submitted()
    key = next(key for key in works.s3.objects if key[1].startswith(f"records/{approval}"))
    del works.s3.objects[key]
    works.time = START + DAY
    run(works)
    assert key in works.s3.objects


def test_a_head_that_is_not_its_own_stops_it(works: Works) -> None:
    works.submitted()
    works.time = START + DAY
    run(works)
    ((key, versions),) = [one for one in works.s3.objects.items() if one[0][0] == "bucket" and "heads/" in one[0][1]]
    works.s3.objects[key] = [(versions[0][0], versions[0][1].replace(b'"day":"2026-11-23"', b'"day":"2026-11-22"'))]
    works.time += DAY
    with pytest.raises(Exception, match="not what its digest was made of"):
        run(works)
