"""Verify records with public keys alone: offline, and in a Lambda function that asks KMS for nothing.

A KMS key's public half is what ``GetPublicKey`` returns for a key of spec ``ECC_NIST_P256``; it never changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey


class PublicKeys:
    """A :class:`~sudo_mcp_guardrails.approval.evidence.Verifier` with keys on P-256.

    Args:
        keys: public keys, by the ids that records name.
    """

    def __init__(self, keys: Mapping[str, P256PublicKey]) -> None:
        self._keys = dict(keys)

    def verify(self, key_id: str, digest: bytes, signature: bytes) -> bool:
        """Tell whether a key signed a digest; False for a key that is not among them."""
        key = self._keys.get(key_id)
        return key is not None and key.verifies_digest(signature, digest)
