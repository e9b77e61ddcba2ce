"""Evidence: what happened to an approval, as a chain of signed records.

Every request, view, decision, execution and outcome is a :class:`Record`. There is one chain for each approval, so that
thousands can run at once and none waits for another. A record's digest covers its chain's name, its number and the
digest of the record before; the first one's covers :func:`genesis`, which is made of the chain's name: a record can
neither be changed, nor moved, nor can a chain be handed to another approval. A tail that was cut, or a chain that is
gone, shows against a published head: see :mod:`~sudo_mcp_guardrails.approval.chain.heads`.

What is signed is the digest, as AWS KMS signs it (``Sign`` with ``MessageType`` ``DIGEST`` and ``ECDSA_SHA_256``: the
message is the 32 bytes, the answer is DER): KMS signs and verifies, or a library that does the same offline.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.approval.bounds import check_name
from sudo_mcp_guardrails.approval.canonical import digest, parsed
from sudo_mcp_guardrails.approval.chain.body import MAX_BODY, check_body
from sudo_mcp_guardrails.approval.errors import ApprovalError, EvidenceError
from sudo_mcp_guardrails.approval.moments import check_time, moment, written

if TYPE_CHECKING:
    from collections.abc import Mapping

RECORD_KIND: Final = "record/1"
GENESIS_KIND: Final = "record-genesis/1"
REQUEST: Final = "request"
VIEW: Final = "view"
DECISION: Final = "decision"
EXECUTION: Final = "execution"
OUTCOME: Final = "outcome"
"""These five, and other kinds of the same form: what kinds there are is for who writes them."""
MAX_NUMBER: Final = 1_000_000
"""Most records of a chain."""
_MAX_SIGNATURE: Final = 2_048
_CHAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,255}")
_KIND: Final = re.compile(r"[a-z](?:-?[a-z0-9]){0,63}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FIELDS: Final = ("chain", "number", "previous", "time", "kind", "who", "body", "digest", "keyId", "signature")


class Signer(Protocol):
    """Signs records: KMS, or a key on disk for what runs locally."""

    @property
    def key_id(self) -> str:
        """What names the key, the same that the verifier is asked about: a KMS key's ARN, never an alias."""

    def sign(self, digest: bytes) -> bytes:
        """Return the signature over a digest of 32 bytes; ECDSA over P-256 in DER, where KMS does it."""


class Verifier(Protocol):
    """Verifies signatures of records: KMS, or a library with the public keys."""

    def verify(self, key_id: str, digest: bytes, signature: bytes) -> bool:
        """Tell whether a key signed a digest; False for a signature that is none, or a key that is not known."""


@dataclass(frozen=True)
class Record:
    """One thing that happened.

    Attributes:
        chain: name of its chain: the approval's id, or ``trust/`` and an agent's name.
        number: from 1, without gaps.
        previous: digest of the record before; :func:`genesis` in the first.
        time: seconds since 1970, by the recorder's clock; never before the record before it.
        kind: what it is, lower-case words joined by hyphens.
        who: did it.
        body: of JSON: texts, whole numbers up to 2**53 - 1, true, false, null, lists and objects. Not to be changed.
        key_id: of the key that signs.
        signature: over the 32 bytes of the digest; empty only while it is being made.
        digest: over all the others but the signature, 64 hexadecimal digits; the one that was stored, which
            :func:`~sudo_mcp_guardrails.approval.chain.check.verify` compares.

    Raises:
        EvidenceError: a field is out of bounds. Whether the digest and the signature are right is not looked at.
    """

    chain: str
    number: int
    previous: str
    time: int
    kind: str
    who: str
    body: Mapping[str, Any] = field(hash=False)
    key_id: str
    signature: bytes = b""
    digest: str = ""

    def __post_init__(self) -> None:
        """Validate, and fill in the digest of a record that has none yet."""
        check_chain(self.chain)
        place = f"record of {self.chain!r}"
        if type(self.number) is not int or not 1 <= self.number <= MAX_NUMBER:
            raise EvidenceError(f"number {self.number!r} of a {place} is none, allowed: 1 to {MAX_NUMBER}")
        place = f"record {self.number} of {self.chain!r}"
        if not _KIND.fullmatch(self.kind):
            raise EvidenceError(f"kind {self.kind[:80]!r} of {place} is none, allowed: lower-case words and hyphens")
        if not _DIGEST.fullmatch(self.previous):
            raise EvidenceError(f"{place} has {self.previous[:80]!r} as the one before, allowed: 64 hexadecimal digits")
        try:
            check_time(f"time of {place}", self.time)
            check_name(f"who of {place}", self.who)
            check_name(f"key of {place}", self.key_id)
        except ApprovalError as error:
            raise EvidenceError(str(error)) from None
        check_body(self.body, place)
        if len(self.signature) > _MAX_SIGNATURE:
            raise EvidenceError(f"signature of {place} has {len(self.signature)} bytes, allowed are {_MAX_SIGNATURE}")
        if not self.digest:
            object.__setattr__(self, "digest", self.computed)
        elif not _DIGEST.fullmatch(self.digest):
            raise EvidenceError(f"digest {self.digest[:80]!r} of {place} is none, allowed: 64 hexadecimal digits")

    @cached_property
    def computed(self) -> str:
        """The digest that the record should have."""
        found = self._plain()
        return digest(RECORD_KIND, {name: found[name] for name in _FIELDS if name not in {"digest", "signature"}})

    def document(self) -> dict[str, Any]:
        """Return it as JSON: the time as text, the signature in base64."""
        found = self._plain()
        return {name: found[name] for name in _FIELDS}

    def line(self) -> bytes:
        """Return it as one line of JSON, with its newline; the same record gives the same bytes."""
        return json.dumps(self.document(), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_document(cls, document: object) -> Record:
        """Read it from JSON.

        Raises:
            EvidenceError: it has other fields, or one that is out of bounds.
        """
        if not isinstance(document, dict) or set(document) != set(_FIELDS):
            raise EvidenceError(f"what was stored is no record, allowed: an object of {', '.join(_FIELDS)}")
        text = {name: document[name] for name in _FIELDS if name not in {"number", "body"}}
        for name, value in text.items():
            if not isinstance(value, str):
                raise EvidenceError(f"{name} of a record is a {type(value).__name__}, allowed: a text")
        try:
            time, signature = moment(text["time"]), base64.b64decode(text["signature"], validate=True)
        except (ApprovalError, binascii.Error, ValueError) as error:
            raise EvidenceError(f"a record of {text['chain'][:80]!r} cannot be read: {error}") from None
        return cls(
            chain=text["chain"],
            number=document["number"],
            previous=text["previous"],
            time=time,
            kind=text["kind"],
            who=text["who"],
            body=document["body"],
            key_id=text["keyId"],
            signature=signature,
            digest=text["digest"] or "none",
        )

    @classmethod
    def from_line(cls, line: bytes | str) -> Record:
        """Read it from a line of JSON; raises EvidenceError, also for a name that stands twice in one object."""
        if len(line) > 2 * MAX_BODY:
            raise EvidenceError(f"a record's line has {len(line)} characters, allowed are {2 * MAX_BODY}")
        try:
            return cls.from_document(parsed(line, "a record's line"))
        except EvidenceError:
            raise
        except ApprovalError as error:
            raise EvidenceError(str(error)) from None

    def _plain(self) -> dict[str, Any]:
        return {
            "chain": self.chain,
            "number": self.number,
            "previous": self.previous,
            "time": written(self.time),
            "kind": self.kind,
            "who": self.who,
            "body": self.body,
            "digest": self.digest,
            "keyId": self.key_id,
            "signature": base64.b64encode(self.signature).decode(),
        }


def genesis(chain: str) -> str:
    """Return what stands for the record before the first one of a chain: no two chains share it."""
    return digest(GENESIS_KIND, check_chain(chain))


def append(
    chain: str, last: Record | None, *, time: int, kind: str, who: str, body: Mapping[str, Any], signer: Signer
) -> Record:
    """Make the next record of a chain, signed.

    Two that append at once make two records of one number: who stores them must do it on the condition that none of
    this chain and number is there (DynamoDB: ``attribute_not_exists``), and the one who loses appends again.

    Args:
        chain: its name.
        last: record of the chain; None for the first.
        time: seconds since 1970. A clock that was put back does not count: the last record's time is taken then.
        kind: what it is.
        who: did it.
        body: what there is to say.
        signer: of this chain.

    Raises:
        EvidenceError: the last record is another chain's, or a field is out of bounds.
    """
    if last is not None and last.chain != chain:
        raise EvidenceError(f"record {last.number} of {last.chain!r} is followed by none of {chain!r}")
    made = Record(
        chain=chain,
        number=last.number + 1 if last else 1,
        previous=last.digest if last else genesis(chain),
        time=max(time, last.time) if last else time,
        kind=kind,
        who=who,
        body=body,
        key_id=signer.key_id,
    )
    signature = signer.sign(bytes.fromhex(made.digest))
    if not signature:
        raise EvidenceError(f"key {signer.key_id!r} gave no signature for record {made.number} of {chain!r}")
    return replace(made, signature=signature)


def check_chain(chain: str) -> str:
    """Return the name of a chain.

    Raises:
        EvidenceError: it is none.
    """
    if not _CHAIN.fullmatch(chain):
        raise EvidenceError(f"chain {chain[:80]!r} is none, allowed: 1 to 256 letters, digits and . _ : / @ + -")
    return chain
