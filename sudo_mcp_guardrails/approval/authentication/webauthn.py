"""Check a WebAuthn assertion over a decision: what W3C's "Web Authentication", section 7.2, asks a relying party to.

Registration is not here: whoever lets people enrol a key keeps its id, its public key (``getPublicKey()`` of the
browser's answer, a SubjectPublicKeyInfo), and the counter. One algorithm is taken, ES256, which every authenticator
has; attestation is not looked at.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey
from sudo_mcp_guardrails.approval.canonical import parsed
from sudo_mcp_guardrails.approval.deciding.decision import Factor, FactorKind
from sudo_mcp_guardrails.approval.errors import DecisionError, PlanError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_PART: Final = 8_192
"""Most bytes of clientDataJSON or authenticatorData; real ones have some hundreds."""
_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]*")
_PARTS: Final = ("clientDataJSON", "authenticatorData", "signature")
_HEADER: Final = 37
"""Bytes of authenticatorData before anything optional: hash, flags, counter."""
_PRESENT: Final = 0x01
_VERIFIED: Final = 0x04
_BACKUP_ELIGIBLE: Final = 0x08
_BACKED_UP: Final = 0x10
_ATTESTED: Final = 0x40
_EXTENDED: Final = 0x80


class SignatureVerifier(Protocol):
    """Checks ECDSA signatures: here in Python, or a library's where there is one."""

    def __call__(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        """Return whether the owner of a key signed a message.

        Args:
            public_key: DER of a SubjectPublicKeyInfo.
            signature: DER of r and s.
            message: what was signed; its SHA-256 is taken.
        """


def verify_es256(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether the owner of a key signed a message, by our own P-256."""
    try:
        return P256PublicKey.from_der(public_key).verifies(signature, message)
    except ValueError:
        return False


@dataclass(frozen=True)
class RelyingParty:
    """The page that people decide on.

    Attributes:
        id: its domain, or a suffix of it, such as ``approvals.example.com``.
        origins: that it is served from, such as ``https://approvals.example.com``; each is compared whole.

    Raises:
        DecisionError: there is no origin, or one without TLS that is not this machine.
    """

    id: str
    origins: tuple[str, ...]

    def __post_init__(self) -> None:
        """Validate."""
        if not self.id or not self.origins:
            raise DecisionError("the relying party has no id or no origin")
        for origin in self.origins:
            # Browsers offer WebAuthn in secure contexts alone; localhost and the names below it, all loopback, are.
            if not re.fullmatch(r"https://[^/\s]+|http://(?:[a-z0-9-]+\.)*localhost(:\d+)?", origin):
                raise DecisionError(f"origin {origin[:80]!r} is not allowed, allowed: https, or http://localhost")


@dataclass(frozen=True)
class Credential:
    """A key that somebody enrolled.

    Attributes:
        id: of the key, as the authenticator gave it.
        person: whose it is.
        public_key: DER of a SubjectPublicKeyInfo.
        counter: of the last assertion that was taken; 0 where the authenticator does not count.
    """

    id: bytes
    person: str
    public_key: bytes
    counter: int = 0


@dataclass(frozen=True)
class Assertion:
    """What the browser answers, as bytes.

    Attributes:
        credential_id: of the key.
        client_data: clientDataJSON.
        authenticator_data: authenticatorData.
        signature: DER.
    """

    credential_id: bytes
    client_data: bytes
    authenticator_data: bytes
    signature: bytes

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Assertion:
        """Read what ``PublicKeyCredential.toJSON()`` of the browser gives.

        Args:
            document: with ``rawId`` and ``response``, everything in base64url without padding.

        Raises:
            DecisionError: something is missing, too long or no base64url.
        """
        response = document.get("response")
        if not isinstance(response, dict):
            raise DecisionError("the assertion has no response")
        return cls(_bytes("rawId", document.get("rawId")), *(_bytes(name, response.get(name)) for name in _PARTS))

    @classmethod
    def of(cls, factor: Factor) -> Assertion:
        """Return the assertion that a recorded decision keeps, to verify it again; raises DecisionError for none."""
        if factor.kind is not FactorKind.WEBAUTHN or len(factor.proof) != 3:  # noqa: PLR2004
            raise DecisionError("the decision keeps no assertion")
        parts = (_bytes(name, part) for name, part in zip(_PARTS, factor.proof, strict=True))
        return cls(_bytes("credential", factor.credential), *parts)


@dataclass(frozen=True)
class Verified:
    """An assertion that holds.

    Attributes:
        factor: for the decision.
        counter: to keep with the credential for the next time.
    """

    factor: Factor
    counter: int


def verify_assertion(
    assertion: Assertion,
    *,
    challenge: str,
    credential: Credential,
    approver: str,
    party: RelyingParty,
    verify: SignatureVerifier = verify_es256,
) -> Verified:
    """Verify that the owner of a key decided just this.

    Args:
        assertion: the browser's answer.
        challenge: of the statement, :attr:`Statement.challenge`.
        credential: the enrolled key that the assertion names.
        approver: the person who signed in.
        party: the page.
        verify: of signatures. Default: in Python.

    Raises:
        DecisionError: it does not hold, with the first reason.
    """
    if assertion.credential_id != credential.id or credential.person != approver:
        raise DecisionError(f"the assertion is of another key than one of {approver!r}")
    if max(len(assertion.client_data), len(assertion.authenticator_data)) > MAX_PART:
        raise DecisionError(f"the assertion is too large, allowed are {MAX_PART} bytes for a part")
    _check_client_data(assertion.client_data, challenge, party)
    verified, counter = _check_authenticator_data(assertion.authenticator_data, party)
    message = assertion.authenticator_data + hashlib.sha256(assertion.client_data).digest()
    if not verify(credential.public_key, assertion.signature, message):
        raise DecisionError("the assertion's signature is not of the enrolled key")
    # Only now, since a counter that nobody signed tells nothing.
    if (counter or credential.counter) and counter <= credential.counter:
        raise DecisionError(
            f"the authenticator counts {counter}, allowed are more than {credential.counter}: it may have been copied"
        )
    factor = Factor(
        FactorKind.WEBAUTHN,
        party.id,
        bound_digest=challenge,
        user_verified=verified,
        credential=_text(credential.id),
        proof=(_text(assertion.client_data), _text(assertion.authenticator_data), _text(assertion.signature)),
    )
    return Verified(factor, counter)


def _check_client_data(data: bytes, challenge: str, party: RelyingParty) -> None:
    """Check what the browser says that it asked, and for whom."""
    try:
        # A name that stands twice is refused: two readers would see two challenges.
        client = parsed(data.decode(), "clientDataJSON")
    except UnicodeDecodeError:
        raise DecisionError("clientDataJSON is not UTF-8") from None
    except PlanError as error:
        raise DecisionError(str(error)) from None
    if not isinstance(client, dict):
        raise DecisionError("clientDataJSON is no object")
    if client.get("type") != "webauthn.get":
        raise DecisionError(f"the assertion is of type {str(client.get('type'))[:40]!r}, allowed is 'webauthn.get'")
    if client.get("challenge") != _text(bytes.fromhex(challenge)):
        raise DecisionError("the assertion is about something else than this decision")
    if client.get("origin") not in party.origins:
        allowed = ", ".join(party.origins)
        raise DecisionError(f"the assertion is from {str(client.get('origin'))[:80]!r}, allowed are {allowed}")
    if client.get("crossOrigin", False) is not False or "topOrigin" in client:
        raise DecisionError("the assertion was made inside of another page")
    binding = client.get("tokenBinding")
    if binding is not None and not (isinstance(binding, dict) and binding.get("status") == "supported"):
        raise DecisionError("the assertion is bound to a TLS connection that is not this one")


def _check_authenticator_data(data: bytes, party: RelyingParty) -> tuple[bool, int]:
    """Check what the authenticator says; return whether it verified its user, and its counter."""
    if len(data) < _HEADER:
        raise DecisionError(f"authenticatorData has {len(data)} bytes, allowed are {_HEADER} and more")
    if data[:32] != hashlib.sha256(party.id.encode()).digest():
        raise DecisionError(f"the assertion is for another relying party than {party.id!r}")
    flags = data[32]
    if not flags & _PRESENT:
        raise DecisionError("nobody touched the authenticator")
    if flags & _BACKED_UP and not flags & _BACKUP_ELIGIBLE:
        raise DecisionError("the authenticator says that a key is backed up that cannot be")
    if flags & _ATTESTED or bool(flags & _EXTENDED) != (len(data) > _HEADER):
        raise DecisionError("authenticatorData has not the length that its flags say")
    return bool(flags & _VERIFIED), int.from_bytes(data[33:37], "big")


def _bytes(name: str, text: object) -> bytes:
    if isinstance(text, str) and len(text) <= 2 * MAX_PART and _BASE64URL.fullmatch(text) and len(text) % 4 != 1:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if _text(data) == text:  # without bits that do not count, so that one value has one text
            return data
    raise DecisionError(f"{name} of the assertion is no base64url of up to {MAX_PART} bytes")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
