from __future__ import annotations

from datetime import date

import pytest

from sudo_mcp_guardrails.trail.digests.public_keys import KeyFile
from sudo_mcp_guardrails.trail.digests.verify import DigestCheck, Status
from sudo_mcp_guardrails.trail.errors import TrailError, UnreadableFileError
from sudo_mcp_guardrails.trail.source import SourceFile
from sudo_mcp_guardrails.trail.sources.keys import KeyRange, Kind
from sudo_mcp_guardrails.trail.sources.s3 import S3Source
from tests.trail.digests.signing import BUCKET, delivery, make_key
from tests.trail.sources.fake_s3 import FakeS3, etag

ORGANIZATION = "o-exampleorgid"
DAYS = ("2026/11/18", "2026/11/19", "2026/11/20", "2026/11/21", "2026/11/22")


def key(account: str, region: str, day: str, kind: str = "CloudTrail", organization: str = "") -> str:
    middle = f"{organization}/" if organization else ""
    name = f"{account}_{kind}_{region}_{day.replace('/', '')}T1005Z_AAAAAAAAAAAAAAAA.json.gz"
    return f"logs/AWSLogs/{middle}{account}/{kind}/{region}/{day}/{name}"


KEYS = [
    key(account, region, day, kind, organization)
    for organization in ("", ORGANIZATION)
    for account in ("111122223333", "444455556666")
    for kind in ("CloudTrail", "CloudTrail-Insight")
    for region in ("eu-central-1", "us-east-1")
    for day in DAYS
]
OTHERS = ["README.txt", "logs/AWSLogs/111122223333/Config/eu-central-1/2026/11/20/config.json.gz", "logs/AWSLogs/"]


def bucket() -> FakeS3:
    return FakeS3(BUCKET, {name: name.encode() for name in [*KEYS, *OTHERS]})


def names(source: S3Source) -> list[str]:
    return [file.name.removeprefix(f"s3://{BUCKET}/") for file in source.files()]


def test_everything_below_a_prefix_is_listed_in_order_over_all_pages() -> None:
    fake = bucket()
    assert names(S3Source(fake.client, BUCKET)) == sorted([*KEYS, *OTHERS[:-1]])
    assert names(S3Source(fake.client, BUCKET, "logs/AWSLogs/o-")) == sorted(k for k in KEYS if ORGANIZATION in k)


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        (KeyRange(since=date(2026, 11, 20)), ("2026/11/20", "2026/11/21", "2026/11/22")),
        (KeyRange(until=date(2026, 11, 19)), ("2026/11/18", "2026/11/19")),
        (KeyRange(since=date(2026, 11, 20), until=date(2026, 11, 20)), ("2026/11/20",)),
        (KeyRange(since=date(2027, 1, 1)), ()),
    ],
)
def test_a_range_of_dates_is_what_is_listed(keys: KeyRange, wanted: tuple[str, ...]) -> None:
    found = names(S3Source(bucket().client, BUCKET, "logs/", keys))
    assert found == sorted(k for k in KEYS if any(day in k for day in wanted))


def test_accounts_regions_and_kinds_are_found_by_their_folders() -> None:
    fake = bucket()
    wanted = KeyRange(
        since=date(2026, 11, 22),
        accounts=frozenset({"444455556666"}),
        regions=frozenset({"us-east-1"}),
        kinds=frozenset({Kind.EVENTS}),
    )
    found = names(S3Source(fake.client, BUCKET, "logs", wanted))
    assert found == [
        key("444455556666", "us-east-1", "2026/11/22"),
        key("444455556666", "us-east-1", "2026/11/22", organization=ORGANIZATION),
    ]
    assert not any("111122223333" in request for request in fake.requests)
    assert not any("eu-central-1" in request for request in fake.requests)
    below = f"logs/AWSLogs/{ORGANIZATION}/"
    assert names(S3Source(bucket().client, BUCKET, below, wanted)) == found[1:]


def test_old_days_are_not_listed() -> None:
    folder = "AWSLogs/111122223333/CloudTrail/eu-central-1/"
    old = [f"{folder}2020/01/01/111122223333_CloudTrail_eu-central-1_20200101T00{n:02}Z_A.json.gz" for n in range(40)]
    new = f"{folder}2026/11/20/111122223333_CloudTrail_eu-central-1_20261120T0000Z_A.json.gz"
    fake = FakeS3(BUCKET, dict.fromkeys([*old, new], b""))
    assert names(S3Source(fake.client, BUCKET, keys=KeyRange(since=date(2026, 11, 20)))) == [new]
    assert fake.requests.count(f"list {folder}") == 1


def test_a_folder_of_the_day_before_or_after_is_looked_into_too() -> None:
    base = "AWSLogs/111122223333/CloudTrail/eu-central-1"
    name = "111122223333_CloudTrail_eu-central-1_20261120T{}Z_A.json.gz"
    late = [f"{base}/2026/11/19/{name.format('0000')}", f"{base}/2026/11/21/{name.format('2359')}"]
    fake = FakeS3(BUCKET, dict.fromkeys(late, b""))
    day = date(2026, 11, 20)
    assert names(S3Source(fake.client, BUCKET, keys=KeyRange(since=day, until=day))) == late


def test_a_range_of_keys_is_what_is_listed() -> None:
    ordered = sorted(KEYS)
    for first, last in ((3, 11), (0, 0), (20, 39)):
        keys = KeyRange(first=ordered[first], last=ordered[last])
        assert names(S3Source(bucket().client, BUCKET, "logs/AWSLogs/", keys)) == [
            name for name in ordered if ordered[first] <= name <= ordered[last]
        ]
    both = KeyRange(first=ordered[3], since=date(2026, 11, 22))
    assert names(S3Source(bucket().client, BUCKET, "logs/", both)) == [k for k in ordered[3:] if DAYS[-1] in k]


def test_an_object_is_read_and_one_that_is_gone_is_none() -> None:
    fake = FakeS3(BUCKET, {"a b+c.json": b"bytes"})
    source = S3Source(fake.client, BUCKET)
    [file] = source.files()
    assert file == SourceFile(f"s3://{BUCKET}/a b+c.json", 5, etag(b"bytes"))
    assert source.read(file) == b"bytes"
    fake.versions["a b+c.json"].clear()
    assert source.read(file) is None
    assert source.read(source.file("never")) is None


def test_an_object_that_was_replaced_is_read_as_it_was_listed() -> None:
    fake = FakeS3(BUCKET, {"a.json": b"listed", "a.json.bak": b"older"})
    fake.put("a.json.bak", b"listed")  # the same bytes, and the version id that a.json gets next
    source = S3Source(fake.client, BUCKET)
    file = next(iter(source.files()))
    fake.put("a.json", b"exchanged")
    assert source.read(file) == b"listed"
    assert source.read(source.file("a.json")) == b"exchanged"
    assert source.read(source.file("a.json", version="v1")) == b"listed"
    assert source.read(source.file("a.json", version="v9")) is None
    del fake.versions["a.json"][0]  # a bucket without versions
    assert source.read(file) is None


def test_the_metadata_comes_with_the_bytes() -> None:
    fake = FakeS3(BUCKET)
    fake.put("digest", b"d", {"signature": "aa", "signature-algorithm": "SHA256withRSA"})
    source = S3Source(fake.client, BUCKET)
    assert source.read_with_metadata(source.file("digest")) == (
        b"d",
        {"signature": "aa", "signature-algorithm": "SHA256withRSA"},
    )


@pytest.mark.parametrize(
    ("status", "code"),
    [(403, "AccessDenied"), (403, "InvalidObjectState"), (503, "SlowDown"), (400, "KMS.DisabledException")],
)
def test_what_is_refused_is_an_error_that_names_it(status: int, code: str) -> None:
    fake = FakeS3(BUCKET, {"a.json": b"x"})
    fake.errors["a.json"] = (status, code)
    source = S3Source(fake.client, BUCKET)
    with pytest.raises(UnreadableFileError, match=rf"file 's3://{BUCKET}/a.json' cannot be read: .*{code}"):
        source.read(source.file("a.json"))
    fake.errors[""] = (status, code)
    with pytest.raises(UnreadableFileError, match=f"bucket '{BUCKET}' cannot be listed: .*{code}"):
        list(source.files())


def test_versions_that_may_not_be_listed_are_an_error_and_not_a_loss() -> None:
    fake = FakeS3(BUCKET, {"a.json": b"listed"})
    source = S3Source(fake.client, BUCKET)
    [file] = source.files()
    fake.put("a.json", b"exchanged")
    fake.errors[""] = (403, "AccessDenied")
    with pytest.raises(
        UnreadableFileError, match="was replaced since it was listed, and its versions cannot be listed"
    ):
        source.read(file)


def test_an_object_larger_than_allowed_and_one_of_another_bucket_are_refused() -> None:
    source = S3Source(FakeS3(BUCKET, {"a.json": b"12345"}).client, BUCKET, max_bytes=4)
    with pytest.raises(UnreadableFileError, match="is larger than 4 bytes"):
        source.read(source.file("a.json"))
    with pytest.raises(TrailError, match=f"is of another place than bucket '{BUCKET}'"):
        source.read(SourceFile("s3://other/a.json", 1))


def test_a_source_covers_its_own_names() -> None:
    source = S3Source(bucket().client, BUCKET, "logs/", KeyRange(since=date(2026, 11, 20)))
    covered = {name for name in KEYS if source.covers(f"s3://{BUCKET}/{name}")}
    assert covered == set(names(source))
    assert not source.covers(f"s3://other/{KEYS[-1]}")
    assert not source.covers(KEYS[-1])


def test_digests_are_checked_where_they_were_delivered() -> None:
    made = delivery(4)
    fake = FakeS3(BUCKET)
    for name, data in made.objects.items():
        fake.put(name, data, made.metadata.get(name))
    keys = KeyFile([make_key().record()])
    assert {v.status for v in DigestCheck(S3Source(fake.client, BUCKET), keys).run()} == {Status.VALID}
    fake.put(made.logs[1], b"exchanged")
    del fake.versions[made.logs[2]]
    data = made.objects[made.digests[3]]
    fake.put(made.digests[3].replace("T04", "T05"), data, made.metadata[made.digests[3]])
    found = [(v.name, v.status) for v in DigestCheck(S3Source(fake.client, BUCKET), keys).run() if not v.good]
    place = f"s3://{BUCKET}/"
    assert found == [
        (place + made.logs[1], Status.CHANGED),
        (place + made.logs[2], Status.MISSING),
        (place + made.digests[3].replace("T04", "T05"), Status.MOVED),
    ]
