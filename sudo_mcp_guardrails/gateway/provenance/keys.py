"""Keys that sign and verify the log: Ed25519, in PEM files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.provenance.errors import ProvenanceError

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_MOST: Final = 16_384


class FileKey:
    """A private key of a PEM file that only its owner may read.

    Args:
        path: Of the file.

    Raises:
        ProvenanceError: It cannot be read, others may read it, or it holds no Ed25519 key.
    """

    def __init__(self, path: Path) -> None:
        try:
            mode = path.stat().st_mode
            data = path.read_bytes()[:_MOST]
        except OSError as error:
            raise ProvenanceError(f"key {str(path)!r} cannot be read: {error.strerror}") from error
        if mode & 0o077:
            raise ProvenanceError(f"key {str(path)!r} may be read by others (mode {mode & 0o777:o}), expected mode 600")
        self._key = _private(data, str(path))
        self.key_id = key_id(self._key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message."""
        return self._key.sign(message)


def read_public(path: Path) -> Ed25519PublicKey:
    """Return the public key of a PEM file.

    Raises:
        ProvenanceError: It cannot be read, or holds no public Ed25519 key.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - an extra
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        found = load_pem_public_key(path.read_bytes()[:_MOST])
    except (OSError, ValueError) as error:
        raise ProvenanceError(f"key {str(path)!r} cannot be read: {error}; expected a public key in PEM") from error
    if not isinstance(found, Ed25519PublicKey):
        raise ProvenanceError(f"key {str(path)!r} is no Ed25519 key")
    return found


def key_id(key: Ed25519PublicKey) -> str:
    """Return the name of a key: the SHA-256 of its 32 bytes."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def _private(data: bytes, where: str) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        found = load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise ProvenanceError(f"key {where!r} cannot be read: {error}; expected a private key in PEM") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise ProvenanceError(f"key {where!r} is no Ed25519 key")
    return found
