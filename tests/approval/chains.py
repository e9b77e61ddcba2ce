"""Keys and chains for the tests of evidence and trust."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.approval.evidence import append
from sudo_mcp_guardrails.approval.trust import record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.approval.trust_ledger.entries import Fact

NOON = 1_795_435_200
"""2026-11-23T12:00:00Z."""


class Keys:
    """Signs and verifies by HMAC: what the code under test sees of a key is the same."""

    def __init__(self, key_id: str = "key-1") -> None:
        self.key_id = key_id
        self.verified = 0

    def sign(self, digest: bytes) -> bytes:
        assert len(digest) == 32
        return hmac.new(self.key_id.encode(), digest, hashlib.sha256).digest()

    def verify(self, key_id: str, digest: bytes, signature: bytes) -> bool:
        self.verified += 1
        return hmac.compare_digest(hmac.new(key_id.encode(), digest, hashlib.sha256).digest(), signature)


KEYS = Keys()


def chain(name: str, *kinds: str, time: int = NOON, body: dict[str, Any] | None = None) -> list[Record]:
    """Return a chain of one record a second."""
    found: list[Record] = []
    for number, kind in enumerate(kinds):
        last = found[-1] if found else None
        said = {"what": kind, "number": number, **(body or {})}
        found.append(append(name, last, time=time + number, kind=kind, who="alice", body=said, signer=KEYS))
    return found


def ledger(agent: str, facts: Iterable[tuple[int, Fact]]) -> list[Record]:
    """Return a signed ledger of trust: times and facts."""
    found: list[Record] = []
    for time, fact in facts:
        last = found[-1] if found else None
        found.append(record(agent, last, fact, time=time, who="broker", signer=KEYS))
    return found
