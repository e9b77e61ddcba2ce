"""Sign with a KMS key, and verify with its public half.

AWS KMS API reference, ``Sign``: with ``MessageType`` ``DIGEST`` the message is the 32 bytes of the hash, which KMS does
not hash again; ``ECDSA_SHA_256`` gives DER (RFC 3279). ``GetPublicKey`` gives a SubjectPublicKeyInfo in DER. A key pair
never changes under its ARN, so its public half is asked for once in a process: verifying takes no call, and 1,000
approvals at once do not meet the account's limit of requests with asymmetric keys. That there is no such key is
believed for some seconds alone: enough for the rest of a chain, and no answer of a moment outlasts it for long.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey
from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.store.aws import code_of

if TYPE_CHECKING:
    from collections.abc import Callable

MISSING_SECONDS: Final = 30
"""How long a key that was not there is not asked for again."""
ALGORITHM: Final = "ECDSA_SHA_256"
MESSAGE_TYPE: Final = "DIGEST"
_NO_KEY: Final = frozenset({"NotFoundException", "InvalidArnException", "UnsupportedOperationException"})
_MAX_VERIFIED: Final = 20_000
_DIGEST_BYTES: Final = 32


class KmsSigner:
    """A :class:`~sudo_mcp_guardrails.approval.evidence.Signer`.

    Args:
        client: boto3's client of KMS; may ``kms:Sign`` on the key.
        key_arn: ARN of the key, of spec ``ECC_NIST_P256``: never an alias, which can be moved to another key.

    Raises:
        EvidenceError: it is no ARN of a key.
    """

    def __init__(self, client: Any, key_arn: str) -> None:  # noqa: ANN401 - of boto3
        if not key_arn.startswith("arn:") or ":key/" not in key_arn:
            raise EvidenceError(f"key {key_arn[:80]!r} signs nothing, allowed: the ARN of a key, and none of an alias")
        self._client = client
        self._key_arn = key_arn

    @property
    def key_id(self) -> str:
        """The key's ARN."""
        return self._key_arn

    def sign(self, digest: bytes) -> bytes:
        """Return KMS's signature over a digest of 32 bytes, DER.

        Raises:
            EvidenceError: the digest has another length.
            Exception: what KMS answers; nothing was signed.
        """
        if len(digest) != _DIGEST_BYTES:
            raise EvidenceError(f"a digest of {len(digest)} bytes is not signed, allowed are {_DIGEST_BYTES}")
        answer = self._client.sign(
            KeyId=self._key_arn, Message=digest, MessageType=MESSAGE_TYPE, SigningAlgorithm=ALGORITHM
        )
        return bytes(answer["Signature"])


class KmsVerifier:
    """A :class:`~sudo_mcp_guardrails.approval.evidence.Verifier`.

    Args:
        client: boto3's client of KMS; may ``kms:GetPublicKey`` on the keys.
        clock: seconds that only grow. Default: the process's.
    """

    def __init__(self, client: Any, clock: Callable[[], float] = time.monotonic) -> None:  # noqa: ANN401 - of boto3
        self._client = client
        self._clock = clock
        self._missing: dict[str, float] = {}
        self._keys: dict[str, P256PublicKey] = {}
        # A chain is read again and again while it grows; a signature that was good stays good.
        self._good: OrderedDict[tuple[str, bytes, bytes], None] = OrderedDict()

    def verify(self, key_id: str, digest: bytes, signature: bytes) -> bool:
        """Tell whether a key signed a digest; False for a key that is not there, or none of this kind.

        Raises:
            Exception: KMS could not be asked; nothing is known then.
        """
        if len(digest) != _DIGEST_BYTES:
            return False
        known = (key_id, digest, signature)
        if known in self._good:
            self._good.move_to_end(known)
            return True
        key = self._key(key_id)
        if key is None or not key.verifies_digest(signature, digest):
            return False
        self._good[known] = None
        if len(self._good) > _MAX_VERIFIED:
            self._good.popitem(last=False)
        return True

    def _key(self, key_id: str) -> P256PublicKey | None:
        known = self._keys.get(key_id)
        if known is not None:
            return known
        asked = self._missing.get(key_id)
        if asked is not None and self._clock() - asked < MISSING_SECONDS:
            return None
        found = self._asked(key_id)
        if found is None:
            self._missing[key_id] = self._clock()
        else:
            self._keys[key_id] = found
            self._missing.pop(key_id, None)
        return found

    def _asked(self, key_id: str) -> P256PublicKey | None:
        try:
            answer = self._client.get_public_key(KeyId=key_id)
        except Exception as error:
            if code_of(error) not in _NO_KEY:
                raise
            return None
        try:
            return P256PublicKey.from_der(bytes(answer["PublicKey"]))
        except ValueError:
            return None
