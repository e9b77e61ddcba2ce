"""Evidence in DynamoDB and S3: races, crashes, keys of the wrong kind."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.evidence import Record
from sudo_mcp_guardrails.approval.store.copies import copy_key
from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore, Lost, check_records
from sudo_mcp_guardrails.approval.store.kms import MISSING_SECONDS, KmsSigner, KmsVerifier
from sudo_mcp_guardrails.approval.store.signers import Keys
from tests.handlers.approval import fakes

KEYS = Keys(fakes.EVIDENCE_KEY, fakes.DECISION_KEY, fakes.TRUST_KEY)
CHAIN = "apr-1"


class Place:
    """A table, a bucket and keys."""

    def __init__(self) -> None:
        self.faults = fakes.Faults()
        self.dynamodb, self.s3 = fakes.FakeDynamo(self.faults, page=3), fakes.FakeS3(self.faults)
        self.kms = fakes.FakeKms()
        self.verifier = KmsVerifier(self.kms)
        self.time = 1_000.9
        self.pauses: list[float] = []

    def store(self, key: str = fakes.EVIDENCE_KEY, *, bucket: str = "bucket") -> EvidenceStore:
        """A store of a function that has just started."""
        signer = KmsSigner(self.kms, key)
        clock = lambda: self.time  # noqa: E731 - short
        return EvidenceStore(self.dynamodb, self.s3, "evidence", bucket, signer, clock, pause=self.pauses.append)

    def copies(self) -> list[str]:
        return self.s3.keys("bucket", "records/")


@pytest.fixture
def place() -> Place:
    return Place()


def test_records_come_back_as_they_were_written(place: Place) -> None:
    made = [place.store().append(CHAIN, "note", "alice", {"number": number, "text": "ü\n"}) for number in range(8)]
    assert [record.time for record in made] == [1_000] * 8
    assert place.store().records(CHAIN) == made  # three pages of them
    assert place.store().checked(CHAIN, place.verifier, KEYS) == made
    assert place.store().last(CHAIN) == made[-1]
    assert place.store().record(CHAIN, 3) == made[2]
    assert place.store().records("apr-2") == []
    assert place.store().last("apr-2") is None
    assert place.copies() == [copy_key(CHAIN, number) for number in range(1, 9)]
    stored = [place.s3.get_object(Bucket="bucket", Key=key)["Body"].read() for key in place.copies()]
    assert [Record.from_line(line) for line in stored] == made


def test_a_clock_that_jumps_back_does_not_count(place: Place) -> None:
    place.store().append(CHAIN, "note", "alice", {})
    place.time = 10
    assert place.store().append(CHAIN, "note", "alice", {}).time == 1_000
    assert len(place.store().checked(CHAIN, place.verifier, KEYS)) == 2


def test_many_append_at_once_and_none_is_lost(place: Place) -> None:
    start = threading.Barrier(8)

    def append(name: str) -> None:
        start.wait()
        for number in range(4):
            place.store().append(CHAIN, "note", name, {"number": number})

    threads = [threading.Thread(target=append, args=(f"writer-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    records = place.store().checked(CHAIN, place.verifier, KEYS)
    said = sorted((record.who, record.body["number"]) for record in records)
    assert said == sorted((f"writer-{name}", number) for name in range(8) for number in range(4))
    assert len(place.copies()) == 32


def test_one_of_two_claims_is_lost(place: Place) -> None:
    first = place.store().append(CHAIN, "request", "agent", {})
    mine, yours = place.store(), place.store()
    won = mine.append_if(CHAIN, first, "execution", "broker-1", {})
    with pytest.raises(Lost, match="record 2 of 'apr-1' is there already"):
        yours.append_if(CHAIN, first, "execution", "broker-2", {})
    with pytest.raises(Lost):
        yours.append_if(CHAIN, None, "request", "agent", {})
    assert place.store().records(CHAIN) == [first, won]


def test_a_write_that_was_sent_twice_is_ones_own(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK tries again after the connection broke, and finds what its first try wrote."""
    once = place.dynamodb.put_item

    def twice(**call: Any) -> dict[str, Any]:
        once(**call)
        return once(**call)

    monkeypatch.setattr(place.dynamodb, "put_item", twice)
    made = place.store().append_if(CHAIN, None, "request", "agent", {})
    assert place.store().records(CHAIN) == [made]


def test_who_always_loses_gives_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.store().append(CHAIN, "note", "alice", {})
    store = place.store()
    monkeypatch.setattr(store, "last", lambda _chain: None)
    with pytest.raises(Lost, match="in 100 attempts"):
        store.append(CHAIN, "note", "bob", {})
    assert len(place.pauses) == 100
    assert max(place.pauses) <= 0.5


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(8))
def test_a_crash_anywhere_leaves_a_whole_chain(at: int, when: str) -> None:
    place = Place()
    place.faults.at = (at, when)
    for number in range(4):
        try:
            place.store().append(CHAIN, "note", "alice", {"number": number})
        except fakes.Crash:  # noqa: PERF203 - a crash each time
            place.faults.at = None
            before = place.store().checked(CHAIN, place.verifier, KEYS)
            place.store().append(CHAIN, "note", "alice", {"number": number, "again": True})
            assert len(place.store().records(CHAIN)) == len(before) + 1
    records = place.store().checked(CHAIN, place.verifier, KEYS)
    # Once more, as the daily heads do it: whatever copy is missing is the last one's.
    missing = {copy_key(CHAIN, record.number) for record in records} - set(place.copies())
    assert missing <= {copy_key(CHAIN, records[-1].number)}
    place.store().copy(records[-1])
    assert place.copies() == [copy_key(CHAIN, record.number) for record in records]


def test_the_copy_that_a_crash_left_out_is_made_good_first(place: Place) -> None:
    place.faults.at = (0, "after")  # the item is there, its copy is not
    with pytest.raises(fakes.Crash):
        place.store().append(CHAIN, "note", "alice", {})
    assert (place.copies(), len(place.store().records(CHAIN))) == ([], 1)
    place.faults.at = None
    place.store().append(CHAIN, "note", "alice", {})
    assert place.copies() == [copy_key(CHAIN, 1), copy_key(CHAIN, 2)]
    # The copy of the first one came before the second record was written.
    assert place.faults.calls[1:] == ["object records", "put evidence", "object records"]


@pytest.mark.parametrize("code", ["ConditionalRequestConflict", "AccessDenied"])
def test_a_copy_that_cannot_be_made_is_an_error(place: Place, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    tries: list[str] = []

    def refused(**call: Any) -> None:
        tries.append(call["Key"])
        raise fakes.aws_error(code)

    monkeypatch.setattr(place.s3, "put_object", refused)
    with pytest.raises(Exception, match=code):
        place.store().append(CHAIN, "note", "alice", {})
    assert len(tries) == (5 if code.startswith("Conditional") else 1)


@pytest.mark.parametrize(
    ("kind", "key", "good"),
    [
        ("decision", fakes.DECISION_KEY, True),
        ("view", fakes.DECISION_KEY, True),
        ("withdrawal", fakes.DECISION_KEY, True),
        ("decision", fakes.EVIDENCE_KEY, False),
        ("view", fakes.EVIDENCE_KEY, False),
        ("withdrawal", fakes.EVIDENCE_KEY, False),
        ("execution", fakes.DECISION_KEY, False),
        ("rule-decision", fakes.DECISION_KEY, False),
        ("anything-else", fakes.DECISION_KEY, False),
        ("execution", fakes.TRUST_KEY, False),
    ],
)
def test_each_kind_has_its_key(place: Place, kind: str, key: str, good: bool) -> None:  # noqa: FBT001 - a row
    place.store().append(CHAIN, "request", "agent", {"requester": {"run": "run-1"}})
    place.store(key).append(CHAIN, kind, "alice", {"by": "alice"})
    if good:
        assert len(place.store().checked(CHAIN, place.verifier, KEYS)) == 2
    else:
        with pytest.raises(EvidenceError, match="record 2"):
            place.store().checked(CHAIN, place.verifier, KEYS)


@pytest.mark.parametrize(("by", "who", "good"), [("run-1", "run-1", True), ("run-2", "run-2", False)])
def test_a_run_takes_back_its_own_request_alone(
    place: Place,
    by: str,
    who: str,
    good: bool,  # noqa: FBT001 - a row
) -> None:
    place.store().append(CHAIN, "request", "agent", {"requester": {"run": "run-1"}})
    place.store().append(CHAIN, "withdrawal", who, {"by": by})
    found = KEYS.misused(CHAIN, place.store().records(CHAIN))
    assert (found == []) is good


def test_a_chain_of_trust_is_signed_by_its_key_alone(place: Place) -> None:
    place.store(fakes.TRUST_KEY).append("trust/bot", "trust-canary", "suite", {})
    assert len(place.store().checked("trust/bot", place.verifier, KEYS)) == 1
    place.store().append("trust/bot", "trust-canary", "suite", {})
    with pytest.raises(EvidenceError, match="none of this chain's"):
        place.store().checked("trust/bot", place.verifier, KEYS)
    with pytest.raises(EvidenceError):
        check_records("trust/bot", place.store().records("trust/bot")[:1], place.verifier, replace(KEYS, trust=""))


@pytest.mark.parametrize("change", ["body", "gap", "moved", "signature"])
def test_what_was_tampered_with_is_refused(place: Place, change: str) -> None:
    for _ in range(3):
        place.store().append(CHAIN, "note", "alice", {"paid": 1})
    table = place.dynamodb.tables["evidence"]
    key = (CHAIN, 2)
    if change == "gap":
        del table[key]
    elif change == "moved":
        table[key] = {**table[CHAIN, 3], "number": {"N": "2"}}
    else:
        old, new = ('"paid":1', '"paid":2') if change == "body" else ('"signature":"M', '"signature":"N')
        table[key]["record"]["S"] = table[key]["record"]["S"].replace(old, new)
    with pytest.raises(EvidenceError, match=r"record 2|2 to 2 are missing|record 3"):
        place.store().checked(CHAIN, place.verifier, KEYS)


def test_who_only_reads_writes_nothing(place: Place) -> None:
    reader = EvidenceStore(place.dynamodb, place.s3, "evidence", "", None)
    with pytest.raises(EvidenceError, match="opened for reading"):
        reader.append(CHAIN, "note", "alice", {})
    place.store(bucket="").append(CHAIN, "note", "alice", {})
    assert place.copies() == []


def test_kms_signs_and_its_public_half_verifies(place: Place) -> None:
    signer = KmsSigner(place.kms, fakes.EVIDENCE_KEY)
    digest = b"\x01" * 32
    signature = signer.sign(digest)
    for _ in range(2):
        assert place.verifier.verify(fakes.EVIDENCE_KEY, digest, signature)
    assert not place.verifier.verify(fakes.DECISION_KEY, digest, signature)
    assert not place.verifier.verify(fakes.EVIDENCE_KEY, b"\x02" * 32, signature)
    assert not place.verifier.verify(fakes.EVIDENCE_KEY, b"\x01" * 31, signature)
    assert not place.verifier.verify(fakes.KEY_ARN + "nobody", digest, signature)
    with pytest.raises(EvidenceError, match="31 bytes"):
        signer.sign(b"\x01" * 31)
    with pytest.raises(EvidenceError, match="alias"):
        KmsSigner(place.kms, "alias/evidence")


def test_a_key_that_was_not_there_is_asked_for_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    verifier = KmsVerifier(place.kms, lambda: now)
    digest = b"\x01" * 32
    signature = KmsSigner(place.kms, fakes.EVIDENCE_KEY).sign(digest)
    asked: list[str] = []
    get = place.kms.get_public_key

    def spied(**call: Any) -> dict[str, Any]:
        asked.append(call["KeyId"])
        return get(**call)

    monkeypatch.setattr(place.kms, "get_public_key", spied)
    key = place.kms.keys.pop(fakes.EVIDENCE_KEY)
    for _ in range(3):
        assert not verifier.verify(fakes.EVIDENCE_KEY, digest, signature)
    assert len(asked) == 1
    place.kms.keys[fakes.EVIDENCE_KEY] = key
    assert not verifier.verify(fakes.EVIDENCE_KEY, digest, signature)
    now += MISSING_SECONDS
    assert verifier.verify(fakes.EVIDENCE_KEY, digest, signature)
    assert not verifier.verify(fakes.EVIDENCE_KEY, b"\x02" * 32, signature)
    assert len(asked) == 2


def test_a_kms_that_cannot_be_asked_is_no_bad_signature(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(**_call: Any) -> None:
        raise fakes.aws_error("ThrottlingException")

    monkeypatch.setattr(place.kms, "get_public_key", busy)
    with pytest.raises(Exception, match="Throttling"):
        place.verifier.verify(fakes.EVIDENCE_KEY, b"\x01" * 32, b"x")


@pytest.mark.parametrize("keys", [("", "b", ""), ("a", "", ""), ("a", "a", ""), ("a", "b", "a")])
def test_keys_are_different_ones(keys: tuple[str, str, str]) -> None:
    with pytest.raises(EvidenceError, match="one key for each"):
        Keys(*keys)
