from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey
from sudo_mcp_guardrails.approval.chain.body import MAX_BODY
from sudo_mcp_guardrails.approval.chain.check import ChainHead, Flaw, head_of, verify
from sudo_mcp_guardrails.approval.chain.keys import PublicKeys
from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.evidence import Record, append, genesis
from sudo_mcp_guardrails.approval.moments import written
from tests.approval.chains import KEYS, NOON, Keys, chain

NAME = "approval-0001"
CHAIN = chain(NAME, "request", "view", "decision", "execution", "outcome")
TRUSTED = {"key-1"}


def flaws(records: list[Record], **more: Any) -> set[tuple[int, Flaw]]:
    return {(one.number, one.flaw) for one in verify(NAME, records, KEYS, TRUSTED, **more)}


def signed_anew(record: Record) -> Record:
    """A record that was changed by somebody who has the key."""
    fresh = replace(record, digest="", signature=b"")
    return replace(fresh, signature=KEYS.sign(bytes.fromhex(fresh.digest)))


def test_the_fixture_is_at_noon() -> None:
    assert written(NOON) == "2026-11-23T12:00:00Z"


def test_a_whole_chain_has_no_problem_in_any_order() -> None:
    assert verify(NAME, CHAIN, KEYS, TRUSTED) == []
    assert verify(NAME, CHAIN[::-1], KEYS, TRUSTED, published=head_of(NAME, CHAIN)) == []
    assert verify(NAME, [], KEYS, TRUSTED) == []


def test_a_record_is_read_as_it_was_written() -> None:
    for record in CHAIN:
        assert Record.from_line(record.line()) == record
        assert Record.from_document(json.loads(json.dumps(record.document()))) == record


def test_a_digest_is_what_another_program_would_compute() -> None:
    """The text is written out here, since programs of others verify these chains: it may not change."""
    record = append("a-1", None, time=NOON, kind="view", who="alice", body={"ä": [1, None, True, "x"]}, signer=KEYS)
    first = hashlib.sha256(b'sudo-mcp-guardrails/record-genesis/1\n"a-1"').hexdigest()
    text = (
        'sudo-mcp-guardrails/record/1\n{"body":{"ä":[1,null,true,"x"]},"chain":"a-1","keyId":"key-1","kind":"view",'
        f'"number":1,"previous":"{first}","time":"2026-11-23T12:00:00Z","who":"alice"}}'
    )
    assert record.previous == genesis("a-1") == first
    assert record.digest == hashlib.sha256(text.encode()).hexdigest()
    assert record.signature == KEYS.sign(bytes.fromhex(record.digest))


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize(
    "change", [{"time": NOON + 99}, {"kind": "other"}, {"who": "mallory"}, {"body": {"what": "else"}}, {"number": 9}]
)
def test_a_changed_record_shows(number: int, change: dict[str, Any]) -> None:
    records = [*CHAIN]
    records[number] = replace(CHAIN[number], **change)
    assert Flaw.CHANGED in {flaw for _, flaw in flaws(records)}


@pytest.mark.parametrize("number", range(4))
def test_a_changed_record_shows_also_where_the_key_signed_it_anew(number: int) -> None:
    records = [*CHAIN]
    records[number] = signed_anew(replace(CHAIN[number], who="mallory"))
    assert flaws(records) == {(number + 2, Flaw.CHANGED)}


def test_a_last_record_that_the_key_signed_anew_shows_against_a_published_head() -> None:
    records = [*CHAIN[:4], signed_anew(replace(CHAIN[4], who="mallory"))]
    assert flaws(records) == set()
    assert flaws(records, published=head_of(NAME, CHAIN)) == {(5, Flaw.REWRITTEN)}


@pytest.mark.parametrize("gone", range(5))
def test_a_missing_record_shows(gone: int) -> None:
    records = [record for record in CHAIN if record.number != gone + 1]
    expected = {(gone + 2, Flaw.GAP)} if gone < 4 else set()
    assert flaws(records) == expected
    cut = {(5, Flaw.CUT)} if gone == 4 else set()
    assert flaws(records, published=head_of(NAME, CHAIN)) == expected | cut


def test_a_chain_that_is_gone_shows_against_a_published_head() -> None:
    assert flaws([], published=head_of(NAME, CHAIN)) == {(5, Flaw.CUT)}


def test_a_longer_chain_than_was_published_is_whole() -> None:
    assert flaws(CHAIN, published=head_of(NAME, CHAIN[:2])) == set()
    assert flaws(CHAIN, published=head_of(NAME, [])) == set()


def test_a_signature_of_nobody_or_of_another_record_shows() -> None:
    for signature in (b"", b"\x30\x06", CHAIN[0].signature):
        assert flaws([*CHAIN[:2], replace(CHAIN[2], signature=signature), *CHAIN[3:]]) == {(3, Flaw.SIGNATURE)}


def test_another_key_shows_although_it_signed() -> None:
    other = append(NAME, CHAIN[-1], time=NOON + 9, kind="view", who="mallory", body={}, signer=Keys("key-2"))
    assert flaws([*CHAIN, other]) == {(6, Flaw.KEY)}
    assert verify(NAME, [*CHAIN, other], KEYS, {"key-1", "key-2"}) == []


def test_naming_another_key_in_a_record_shows() -> None:
    assert (3, Flaw.CHANGED) in flaws([*CHAIN[:2], replace(CHAIN[2], key_id="key-2"), *CHAIN[3:]])


def test_a_record_of_another_chain_shows() -> None:
    other = chain("approval-0002", "request", "view", "decision")
    assert flaws([*CHAIN[:2], other[2], *CHAIN[3:]]) == {(3, Flaw.OTHER_CHAIN), (4, Flaw.GAP)}


def test_a_chain_cannot_be_moved_to_another_approval() -> None:
    moved = [signed_anew(replace(record, chain="approval-0002")) for record in CHAIN]
    found = verify("approval-0002", moved, KEYS, TRUSTED)
    assert {(one.number, one.flaw) for one in found} == {(number, Flaw.CHANGED) for number in range(1, 6)}


def test_two_records_of_one_number_show() -> None:
    twin = append(NAME, CHAIN[1], time=NOON + 2, kind="decision", who="bob", body={}, signer=KEYS)
    assert (3, Flaw.DUPLICATE) in flaws([*CHAIN, twin])
    assert flaws([*CHAIN, CHAIN[2]]) == {(3, Flaw.DUPLICATE)}


def test_a_clock_that_is_put_back_counts_as_the_last_records_time() -> None:
    later = append(NAME, CHAIN[-1], time=NOON - 3600, kind="view", who="alice", body={}, signer=KEYS)
    assert later.time == CHAIN[-1].time
    assert flaws([*CHAIN, later]) == set()


def test_a_record_that_is_older_than_the_one_before_shows() -> None:
    older = append(NAME, None, time=NOON - 9, kind="view", who="alice", body={}, signer=KEYS)
    older = signed_anew(replace(older, number=6, previous=CHAIN[-1].digest))
    assert flaws([*CHAIN, older]) == {(6, Flaw.TIME)}


def test_signatures_below_a_known_head_are_not_verified_again() -> None:
    keys = Keys()
    assert verify(NAME, CHAIN, keys, TRUSTED, known=head_of(NAME, CHAIN[:4])) == []
    assert keys.verified == 1


def test_a_known_head_is_no_way_around_signatures() -> None:
    """The digests below it must lead to it; where they do not, every signature is asked about."""
    keys = Keys()
    forged = [*CHAIN[:2], signed_anew(replace(CHAIN[2], who="mallory")), *CHAIN[3:]]
    assert verify(NAME, forged, keys, TRUSTED, known=head_of(NAME, CHAIN[:4]))
    assert keys.verified == 5
    other = ChainHead(NAME, 4, "0" * 64)
    assert flaws(CHAIN, known=other) == {(4, Flaw.REWRITTEN)}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_change_of_any_stored_byte_shows_or_is_refused(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, 4))
    line = bytearray(CHAIN[number].line().rstrip())
    place = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.integers(32, 126).filter(lambda byte: byte != line[place]))
    line[place] = other
    try:
        changed = Record.from_line(bytes(line))
    except EvidenceError:
        return
    records = [*CHAIN]
    records[number] = changed
    assert verify(NAME, records, KEYS, TRUSTED)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"a": 1.5}, "write it as text"),
        ({"a": [Decimal("0.1")]}, "write it as text"),
        ({"a": b"x"}, "write it as text"),
        ({"a": {"b": 2**53}}, "write it as text"),
        ({"a": object()}, "cannot be recorded"),
        ({"a": "\ud800"}, "cannot be recorded"),
        ({"a": "x" * MAX_BODY}, "bytes, allowed are"),
        ([], "allowed: an object"),
    ],
)
def test_a_body_that_would_not_be_the_same_when_read_is_refused(body: Any, message: str) -> None:
    with pytest.raises(EvidenceError, match=message):
        append(NAME, None, time=NOON, kind="view", who="alice", body=body, signer=KEYS)


def test_a_body_nested_too_deep_is_refused() -> None:
    body: Any = {}
    for _ in range(200):
        body = {"a": body}
    with pytest.raises(EvidenceError, match="nested"):
        append(NAME, None, time=NOON, kind="view", who="alice", body=body, signer=KEYS)


@pytest.mark.parametrize(
    "change",
    [
        {"chain": ""},
        {"chain": "a b"},
        {"chain": "x" * 300},
        {"number": 0},
        {"number": True},
        {"number": 10**9},
        {"previous": "x"},
        {"previous": "A" * 64},
        {"time": -1},
        {"time": 10**15},
        {"kind": "No"},
        {"who": ""},
        {"who": "a\nb"},
        {"key_id": ""},
        {"digest": "none"},
        {"signature": b"x" * 5000},
    ],
)
def test_a_field_out_of_bounds_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError):
        replace(CHAIN[0], **change)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        CHAIN[0].line().replace(b'"who"', b'"whom"'),
        CHAIN[0].line().replace(b'"kind":', b'"kind":"x","kind":'),
        CHAIN[0].line().replace(b"2026-11-23T12:00:00Z", b"2026-11-23 12:00:00"),
        CHAIN[0].line().replace(b'"number":1', b'"number":"1"'),
        CHAIN[0].line().replace(b'"who":"alice"', b'"who":7'),
        CHAIN[0].line().replace(CHAIN[0].digest.encode(), b""),
        b'"' + b"x" * (3 * MAX_BODY) + b'"',
    ],
)
def test_what_is_no_record_is_refused(line: bytes) -> None:
    with pytest.raises(EvidenceError):
        Record.from_line(line)


def test_a_signature_that_is_no_base64_is_refused() -> None:
    with pytest.raises(EvidenceError, match="cannot be read"):
        Record.from_document({**CHAIN[0].document(), "signature": "?"})


def test_a_record_follows_its_own_chain_alone() -> None:
    with pytest.raises(EvidenceError, match="is followed by none"):
        append("approval-0002", CHAIN[-1], time=NOON, kind="view", who="alice", body={}, signer=KEYS)


def test_a_key_that_gives_no_signature_makes_no_record() -> None:
    class Silent(Keys):
        def sign(self, digest: bytes) -> bytes:  # noqa: ARG002 - a KMS that answers nothing
            return b""

    with pytest.raises(EvidenceError, match="gave no signature"):
        append(NAME, None, time=NOON, kind="view", who="alice", body={}, signer=Silent())


def test_a_head_of_another_chain_is_refused() -> None:
    with pytest.raises(EvidenceError, match="says nothing of"):
        verify(NAME, CHAIN, KEYS, TRUSTED, published=head_of("approval-0002", []))


def test_a_gap_says_what_is_missing() -> None:
    (problem,) = verify(NAME, [CHAIN[0], CHAIN[4]], KEYS, TRUSTED)
    assert problem.text == "2 to 4 are missing"


def test_too_many_records_or_a_name_that_is_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EvidenceError, match="chain 'a b' is none"):
        verify("a b", [], KEYS, TRUSTED)
    monkeypatch.setattr("sudo_mcp_guardrails.approval.chain.check.MAX_NUMBER", 5)
    assert verify(NAME, CHAIN, KEYS, TRUSTED) == []
    monkeypatch.setattr("sudo_mcp_guardrails.approval.chain.check.MAX_NUMBER", 4)
    with pytest.raises(EvidenceError, match="has 5 records, allowed are 4"):
        verify(NAME, CHAIN, KEYS, TRUSTED)


class Ecdsa:
    """A key as KMS has one: ECDSA over P-256 and SHA-256, asked with the digest, answering in DER."""

    key_id = "arn:aws:kms:eu-central-1:111111111111:key/0"

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self._key = ec.generate_private_key(ec.SECP256R1())

    def sign(self, digest: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        signature: bytes = self._key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        return signature

    def public(self) -> PublicKeys:
        from cryptography.hazmat.primitives import serialization

        info = serialization.PublicFormat.SubjectPublicKeyInfo
        der = self._key.public_key().public_bytes(serialization.Encoding.DER, info)
        return PublicKeys({self.key_id: P256PublicKey.from_der(der)})


def test_signatures_as_kms_makes_them_are_verified_offline() -> None:
    pytest.importorskip("cryptography", reason="cryptography, which signs here as KMS does, is not installed")
    key = Ecdsa()
    records: list[Record] = []
    for kind in ("request", "decision"):
        last = records[-1] if records else None
        records.append(append(NAME, last, time=NOON, kind=kind, who="alice", body={}, signer=key))
    assert records[0].signature[0] == 0x30
    assert verify(NAME, records, key.public(), {key.key_id}) == []
    wrong = [records[0], replace(records[1], signature=records[0].signature)]
    assert [one.flaw for one in verify(NAME, wrong, key.public(), {key.key_id})] == [Flaw.SIGNATURE]
    unknown = verify(NAME, records, PublicKeys({}), {key.key_id})
    assert [one.flaw for one in unknown] == [Flaw.SIGNATURE] * 2
