from __future__ import annotations

from datetime import date, datetime, timezone

import pytest

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.sources.keys import KeyRange, Kind, TrailKey, parse_key

A = "111122223333"


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            f"{A}_CloudTrail_us-east-2_20150801T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
            TrailKey(Kind.EVENTS, A, "us-east-2", at(2015, 8, 1, 2, 10)),
        ),
        (  # as in the user guide, without the underscore
            f"s3://b/p/AWSLogs/{A}/CloudTrail/us-west-1/2014/06/20/{A}_CloudTrail_us-west-1_20140620T1255ZHdkvFTXOA3Vn.json.gz",
            TrailKey(Kind.EVENTS, A, "us-west-1", at(2014, 6, 20, 12, 55)),
        ),
        (
            f"{A}_CloudTrail-Insight_us-gov-west-1_20261120T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
            TrailKey(Kind.INSIGHTS, A, "us-gov-west-1", at(2026, 11, 20, 2, 10)),
        ),
        (
            f"{A}_CloudTrail-NetworkActivity_us-east-1_20261120T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
            TrailKey(Kind.NETWORK_ACTIVITY, A, "us-east-1", at(2026, 11, 20, 2, 10)),
        ),
        (
            f"{A}_CloudTrail-Aggregated_us-east-1_20261120T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
            TrailKey(Kind.AGGREGATED, A, "us-east-1", at(2026, 11, 20, 2, 10)),
        ),
        (
            f"{A}_CloudTrail-Dreams_us-east-1_20261120T0210Z_Mu0KsOhtH1ar15ZZ.json.gz",
            TrailKey(Kind.OTHER, A, "us-east-1", at(2026, 11, 20, 2, 10)),
        ),
        (
            f"{A}_CloudTrail-Digest_us-east-2_your_trail-name_eu-west-1_20150817T150131Z.json.gz",
            TrailKey(Kind.DIGEST, A, "us-east-2", at(2015, 8, 17, 15, 1, 31), "your_trail-name", "eu-west-1"),
        ),
        (
            f"{A}_CloudTrail-Digest_us-east-2_your-trail_us-east-2_20150817T150131Z_backfill.json.gz",
            TrailKey(Kind.DIGEST, A, "us-east-2", at(2015, 8, 17, 15, 1, 31), "your-trail", "us-east-2", backfill=True),
        ),
    ],
)
def test_what_cloudtrail_names_tell(name: str, expected: TrailKey) -> None:
    assert parse_key(name) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "events.json",
        f"{A}_CloudTrail_us-east-2_20150230T0210Z_A.json.gz",
        f"{A}_CloudTrail_us-east-2_20150801T0260Z_A.json.gz",
        f"{A}_CloudTrail-Digest_us-east-2_20150801T0210Z_A.json.gz",
        f"{A}_Config_us-east-2_20150801T0210Z_A.json.gz",
        "١١١١٢٢٢٢٣٣٣٣_CloudTrail_us-east-2_20150801T0210Z_A.json.gz",
        f"{A}_CloudTrail_us-east-2_20150801T0210Z_A.json.gz.bak",
        f"{A}_CloudTrail_us-east-2_20150801T0210Z_A.json.gz/other",
    ],
)
def test_what_cloudtrail_did_not_name(name: str) -> None:
    assert parse_key(name) is None


NAME = f"AWSLogs/{A}/CloudTrail/us-east-2/2026/11/20/{A}_CloudTrail_us-east-2_20261120T0210Z_A.json.gz"


@pytest.mark.parametrize(
    ("keys", "covered"),
    [
        (KeyRange(), True),
        (KeyRange(since=date(2026, 11, 20), until=date(2026, 11, 20)), True),
        (KeyRange(since=date(2026, 11, 21)), False),
        (KeyRange(until=date(2026, 11, 19)), False),
        (KeyRange(accounts=frozenset({A})), True),
        (KeyRange(accounts=frozenset({"444455556666"})), False),
        (KeyRange(regions=frozenset({"us-east-1"})), False),
        (KeyRange(kinds=frozenset({Kind.DIGEST})), False),
        (KeyRange(first=NAME, last=NAME), True),
        (KeyRange(first=f"s3://bucket/{NAME}", last=f"s3://bucket/{NAME}"), True),
        (KeyRange(first=NAME + "a"), False),
        (KeyRange(last=NAME[:-1]), False),
    ],
)
def test_a_range_covers_what_it_names(keys: KeyRange, covered: bool) -> None:  # noqa: FBT001
    assert keys.covers(NAME) is covered
    assert keys.covers(f"s3://bucket/{NAME}") is covered


def test_a_range_of_dates_covers_only_what_cloudtrail_named() -> None:
    assert not KeyRange(since=date(2026, 1, 1)).covers("AWSLogs/events.json.gz")
    assert KeyRange(first="AWSLogs/").covers("AWSLogs/events.json.gz")


def test_a_range_that_nothing_can_be_in_is_refused() -> None:
    with pytest.raises(TrailError, match="since 2026-11-21 is after until 2026-11-20"):
        KeyRange(since=date(2026, 11, 21), until=date(2026, 11, 20))
    with pytest.raises(TrailError, match="first key 'b' comes after the last, 'a'"):
        KeyRange(first="b", last="a")
    with pytest.raises(TrailError, match="account '42' is not allowed, expected 12 digits"):
        KeyRange(accounts=frozenset({"42"}))
