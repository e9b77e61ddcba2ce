"""The record that somebody enrolled a key: what an auditor needs to verify the key's assertions a second time.

It keeps the public half, which is no secret. Without it a recorded assertion says something to nobody but the table of
credentials, which whoever holds the evidence may not have, and which can be written over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

from sudo_mcp_guardrails.approval import codec
from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey
from sudo_mcp_guardrails.approval.bounds import check_name, check_text
from sudo_mcp_guardrails.approval.errors import DecisionError

REGISTRATION: Final = "registration"
"""Kind of the record."""
CREDENTIAL_CHAINS: Final = "credentials/"
"""What names of chains of registrations begin with."""
_MAX_ID: Final = 1_400
_MAX_KEY: Final = 200


@dataclass(frozen=True)
class Registration(codec.Documented):
    """Somebody enrolled a key.

    Attributes:
        credential: id of the key, base64url.
        public_key: SubjectPublicKeyInfo in DER, base64.
        person: whose it is, in the form that people are compared by.
        reason: what let him enrol it.
        label: that he gave it; may be empty.

    Raises:
        DecisionError: a value is out of bounds, or the key is none of P-256.
    """

    credential: str
    public_key: str
    person: str
    reason: str
    label: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        check_name("person", self.person)
        check_text("reason", self.reason, empty=False)
        check_name("label", self.label, empty=True)
        if not 1 <= len(self.credential) <= _MAX_ID:
            raise DecisionError(f"credential id of {len(self.credential)} characters, allowed are 1 to {_MAX_ID}")
        try:
            P256PublicKey.from_der(self.key)
        except ValueError as error:
            raise DecisionError(f"key of {self.person!r} is none: {error}") from None

    @property
    def key(self) -> bytes:
        """The public key in DER; raises DecisionError where it is no base64."""
        try:
            if len(self.public_key) <= _MAX_KEY:
                return base64.b64decode(self.public_key, validate=True)
        except (binascii.Error, ValueError):
            pass
        raise DecisionError(f"key of {self.person!r} is no base64 of up to {_MAX_KEY} characters")

    @classmethod
    def of(cls, credential: str, public_key: bytes, person: str, reason: str, label: str) -> Registration:
        """Return the registration of a key in DER; raises DecisionError."""
        return cls(credential, base64.b64encode(public_key).decode(), person, reason, label)

    @classmethod
    def from_document(cls, document: object) -> Registration:
        """Read it from JSON; raises DecisionError."""
        return codec.read(cls, document, REGISTRATION)


def credential_chain(person: str) -> str:
    """Return the name of the chain of a person's registrations.

    Args:
        person: in the form that people are compared by.
    """
    return f"{CREDENTIAL_CHAINS}{hashlib.sha256(person.encode()).hexdigest()[:32]}"
