from __future__ import annotations

import gzip
import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.trail.digests.public_keys import KeyFile
from sudo_mcp_guardrails.trail.digests.verify import DigestCheck, Status
from sudo_mcp_guardrails.trail.errors import UnreadableFileError
from sudo_mcp_guardrails.trail.sources.directory import DirectorySource
from sudo_mcp_guardrails.trail.sources.keys import KeyRange
from tests.trail.digests.signing import FIRST, delivery, make_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sudo_mcp_guardrails.trail.source import SourceFile
    from tests.trail.digests.signing import Delivery


def check(root: Path, keys: KeyRange | None = None, **more: Any) -> list[tuple[str, str, Status]]:
    """Return all verdicts but those of what is valid, each with the kind and the file's own name."""
    verdicts = DigestCheck(DirectorySource(root, keys), KeyFile([make_key().record()]), **more).run()
    return [
        (verdict.kind, verdict.name.rpartition("/")[2], verdict.status)
        for verdict in verdicts
        if verdict.status is not Status.VALID
    ]


def last(key: str) -> str:
    return key.rpartition("/")[2]


def test_everything_is_valid_where_nothing_was_touched(tmp_path: Path) -> None:
    made = delivery()
    source = DirectorySource(made.save(tmp_path))
    verdicts = list(DigestCheck(source, KeyFile([make_key().record()])).run())
    assert {verdict.status for verdict in verdicts} == {Status.VALID}
    assert [v.name for v in verdicts if v.kind == "digest"] == made.digests
    assert [(v.name, v.digest) for v in verdicts if v.kind == "log"] == list(zip(made.logs, made.digests, strict=True))
    assert all(verdict.good and verdict.reason is None for verdict in verdicts)


def recompressed(made: Delivery) -> None:
    """Another gzip of the same content, as S3 Batch or a copy tool may leave it: the content is what is signed."""
    made.objects[made.logs[1]] = gzip.compress(gzip.decompress(made.objects[made.logs[1]]), 1, mtime=7)


def changed_log(made: Delivery) -> None:
    content = gzip.decompress(made.objects[made.logs[1]]).replace(b"ListBuckets", b"ListBuckett")
    made.objects[made.logs[1]] = gzip.compress(content)


def appended_log(made: Delivery) -> None:
    """A second gzip member, which gunzip reads and a check of the first member alone does not see."""
    made.objects[made.logs[1]] += gzip.compress(b'{"Records":[]}')


def cut_log(made: Delivery) -> None:
    made.objects[made.logs[1]] = made.objects[made.logs[1]][:-9]


def unpacked_log(made: Delivery) -> None:
    made.objects[made.logs[1]] = gzip.decompress(made.objects[made.logs[1]])


def deleted_log(made: Delivery) -> None:
    made.drop(made.logs[1])


def deleted_digest(made: Delivery) -> None:
    made.drop(made.digests[1])


def deleted_first_digest(made: Delivery) -> None:
    made.drop(made.digests[0])


def changed_digest(made: Delivery) -> None:
    """The log file is changed, and the digest so that it fits; nobody but CloudTrail can sign that."""
    changed_log(made)
    document = json.loads(gzip.decompress(made.objects[made.digests[1]]))
    document["logFiles"] = []
    made.objects[made.digests[1]] = gzip.compress(json.dumps(document).encode())


def foreign_signature(made: Delivery) -> None:
    made.metadata[made.digests[1]]["signature"] = made.metadata[made.digests[2]]["signature"]


def no_hex_signature(made: Delivery) -> None:
    made.metadata[made.digests[1]]["signature"] = "not hex"


def unsigned(made: Delivery) -> None:
    del made.metadata[made.digests[1]]


def other_algorithm(made: Delivery) -> None:
    made.metadata[made.digests[1]]["signature-algorithm"] = "SHA1withRSA"


def no_gzip(made: Delivery) -> None:
    made.objects[made.digests[1]] = b"{}"


def no_json(made: Delivery) -> None:
    made.objects[made.digests[1]] = gzip.compress(b"{")


def no_previous_member(made: Delivery) -> None:
    document = json.loads(gzip.decompress(made.objects[made.digests[1]]))
    del document["previousDigestSignature"]
    made.objects[made.digests[1]] = gzip.compress(json.dumps(document).encode())


def moved(made: Delivery) -> None:
    """An old digest of an hour without trouble, put where another one was."""
    made.objects[made.digests[1]] = made.objects[made.digests[0]]
    made.metadata[made.digests[1]] = made.metadata[made.digests[0]]


@pytest.mark.parametrize(
    ("breaks", "expected"),
    [
        (recompressed, []),
        (changed_log, [("log", 1, Status.CHANGED)]),
        (appended_log, [("log", 1, Status.CHANGED)]),
        (cut_log, [("log", 1, Status.CHANGED)]),
        (unpacked_log, [("log", 1, Status.CHANGED)]),
        (deleted_log, [("log", 1, Status.MISSING)]),
        (deleted_digest, [("digest", 1, Status.MISSING)]),
        (deleted_first_digest, [("digest", 0, Status.MISSING)]),
        (changed_digest, [("digest", 1, Status.BAD_SIGNATURE)]),
        (foreign_signature, [("digest", 1, Status.BAD_SIGNATURE)]),
        (no_hex_signature, [("digest", 1, Status.BAD_SIGNATURE)]),
        (unsigned, [("digest", 1, Status.MALFORMED)]),
        (other_algorithm, [("digest", 1, Status.MALFORMED)]),
        (no_gzip, [("digest", 1, Status.MALFORMED)]),
        (no_json, [("digest", 1, Status.MALFORMED)]),
        (no_previous_member, [("digest", 1, Status.MALFORMED)]),
        (moved, [("digest", 1, Status.MOVED)]),
    ],
)
def test_each_way_to_break_it_is_found_and_nothing_else(
    tmp_path: Path, breaks: Callable[[Delivery], None], expected: list[tuple[str, int, Status]]
) -> None:
    made = delivery()
    breaks(made)
    named = [(kind, last((made.logs if kind == "log" else made.digests)[n]), status) for kind, n, status in expected]
    assert check(made.save(tmp_path)) == named


def test_a_digest_that_was_exchanged_for_another_that_is_signed_is_found_by_its_successor(tmp_path: Path) -> None:
    made = delivery(3)
    end = FIRST + timedelta(hours=1)
    made.digests = made.digests[:1]
    made.digest(end)  # of the same hour, without the log file
    assert check(made.save(tmp_path)) == [("digest", last(made.digests[1]), Status.CHANGED)]


def test_a_digest_that_its_successor_passes_over_is_found(tmp_path: Path) -> None:
    made = delivery(2)
    made.digests = made.digests[:1]
    made.digest(FIRST + timedelta(hours=2))
    found = check(made.save(tmp_path))
    assert found == [("digest", last(delivery(2).digests[1]), Status.CHANGED)]


def test_a_key_that_nobody_knows_and_one_of_another_time_prove_nothing(tmp_path: Path) -> None:
    made = delivery(1)
    source = DirectorySource(made.save(tmp_path))
    late = make_key().record(ValidityStartTime="2026-11-21T00:00:00Z")
    for keys in (KeyFile([make_key(2).record()]), KeyFile([late])):
        found = [(verdict.kind, verdict.status) for verdict in DigestCheck(source, keys).run()]
        assert found == [("digest", Status.UNKNOWN_KEY)]


def test_a_chain_that_begins_anew_is_a_gap_that_is_told_and_no_fault(tmp_path: Path) -> None:
    made = delivery(2)
    made.digest(FIRST + timedelta(hours=9), first=True)
    verdicts = list(DigestCheck(DirectorySource(made.save(tmp_path)), KeyFile([make_key().record()])).run())
    gap = verdicts[-1]
    assert (gap.status, gap.good) == (Status.GAP, True)
    assert gap.reason == (
        "no digest covers 2026-11-20T02:00:00Z to 2026-11-20T09:00:00Z: validation or the trail was off"
    )


def test_a_tail_that_was_cut_off_shows_where_it_is_said_until_when_there_must_be_digests(tmp_path: Path) -> None:
    made = delivery(4)
    made.drop(made.digests[3])
    root = made.save(tmp_path)
    assert check(root) == []
    end = FIRST + timedelta(hours=2)
    assert check(root, until=end + timedelta(hours=3)) == []
    assert check(root, until=end + timedelta(hours=4)) == [("digest", last(made.digests[2]), Status.MISSING)]


def test_digests_before_the_range_are_not_missed_and_those_in_it_are(tmp_path: Path) -> None:
    made = delivery(30)
    root = made.save(tmp_path)
    assert check(root, KeyRange(since=date(2026, 11, 21))) == []
    (root / made.digests[25]).unlink()
    assert check(root, KeyRange(since=date(2026, 11, 21))) == [("digest", last(made.digests[25]), Status.MISSING)]


def test_digests_of_what_came_late_are_a_chain_of_their_own(tmp_path: Path) -> None:
    made = delivery(2)
    regular = made.digests
    made.digests = []
    late = made.log(FIRST, "late", unique="LATELATELATELATE")
    made.digest(FIRST, late, first=True, backfill=True)
    made.digest(FIRST + timedelta(hours=1), backfill=True)
    assert check(made.save(tmp_path / "good")) == []
    # They come when there is something, and not every hour.
    ends = [name for _, name, _ in check(tmp_path / "good", until=FIRST + timedelta(days=9))]
    assert ends == [last(regular[-1])]
    del made.metadata[made.digests[0]]["backfill-generation-timestamp"]
    assert check(made.save(tmp_path / "bad")) == [("digest", last(made.digests[0]), Status.MALFORMED)]
    assert regular[0] not in made.digests


def test_two_trails_in_one_bucket_are_two_chains(tmp_path: Path) -> None:
    one, two = delivery(3), delivery(3, trail="other")
    one.save(tmp_path)
    assert check(two.save(tmp_path)) == []


def test_two_copies_of_a_trail_are_two_chains_and_a_copy_of_the_digests_alone_is_one(tmp_path: Path) -> None:
    made = delivery(30)
    made.save(tmp_path / "one")
    made.save(tmp_path / "two")
    assert check(tmp_path) == []
    alone = tmp_path / "one/AWSLogs/111122223333/CloudTrail-Digest/eu-central-1"
    assert check(alone, logs=False) == []
    (tmp_path / "two" / made.digests[7]).unlink()
    assert check(tmp_path) == [("digest", last(made.digests[7]), Status.MISSING)]


@pytest.mark.parametrize("keep", ["logs/", "logs/AWSLogs/111122223333/"])
def test_a_copy_may_lack_folders(tmp_path: Path, keep: str) -> None:
    made = delivery(3, prefix="logs/")
    made.drop(made.logs[2])
    assert check(made.save(tmp_path, keep=keep)) == [("log", last(made.logs[2]), Status.MISSING)]


def test_a_copy_may_have_more_folders_or_none(tmp_path: Path) -> None:
    made = delivery(3)
    made.save(tmp_path / "deep" / "copies" / made.bucket)
    assert check(tmp_path / "deep") == []
    flat = tmp_path / "flat"
    flat.mkdir()
    for path in [path for path in (tmp_path / "deep").rglob("*") if path.is_file()]:
        path.rename(flat / path.name)
    assert check(flat) == []
    (flat / last(made.logs[0])).unlink()
    assert check(flat) == [("log", last(made.logs[0]), Status.MISSING)]


def test_the_log_files_may_be_left_out(tmp_path: Path) -> None:
    made = delivery(2)
    made.drop(made.logs[0])
    assert check(made.save(tmp_path), logs=False) == []


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    made = delivery(3)

    class Refusing(DirectorySource):
        def read_with_metadata(self, file: SourceFile) -> Any:
            if file.name == made.digests[0]:
                raise UnreadableFileError("no")
            return None if file.name == made.digests[1] else super().read_with_metadata(file)

        def read(self, file: SourceFile) -> bytes | None:
            raise UnreadableFileError(f"no {file.name}")

    verdicts = DigestCheck(Refusing(made.save(tmp_path)), KeyFile([make_key().record()])).run()
    assert [(verdict.kind, verdict.status) for verdict in verdicts] == [
        ("digest", Status.UNREADABLE),
        ("digest", Status.MISSING),
        ("digest", Status.VALID),
        ("log", Status.UNREADABLE),
    ]
