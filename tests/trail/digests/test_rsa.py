from __future__ import annotations

import pytest

from sudo_mcp_guardrails.trail.digests.rsa import RsaPublicKey
from tests.trail.digests.signing import SHA256_INFO, integer, make_key, sha256, tlv

MESSAGE = b"2026-11-20T01:00:00Z\nbucket/key\nhash\nnull"


def public() -> RsaPublicKey:
    return RsaPublicKey.from_der(make_key().der)


def test_what_the_owner_signed_is_verified() -> None:
    assert public().verifies(make_key().sign(MESSAGE), MESSAGE)


def test_another_message_another_key_and_another_signature_are_not() -> None:
    signature = make_key().sign(MESSAGE)
    assert not public().verifies(signature, MESSAGE + b"x")
    assert not public().verifies(make_key(2).sign(MESSAGE), MESSAGE)
    assert not public().verifies(signature[:-1] + bytes([signature[-1] ^ 1]), MESSAGE)


@pytest.mark.parametrize("length", [0, 1, 255, 257])
def test_a_signature_of_another_length_is_none(length: int) -> None:
    signature = make_key().sign(MESSAGE)
    assert not public().verifies((b"\x00" * length + signature)[:length] or b"", MESSAGE)
    assert not public().verifies(b"\x00" + signature, MESSAGE)


def test_a_number_beyond_the_modulus_is_none_though_it_is_congruent() -> None:
    key = make_key()
    messages = (f"{n}".encode() for n in range(1000))
    signed = ((message, int.from_bytes(key.sign(message), "big")) for message in messages)
    message, number = next(each for each in signed if each[1] + key.modulus < 1 << 2048)
    assert public().verifies(number.to_bytes(256, "big"), message)
    assert not public().verifies((number + key.modulus).to_bytes(256, "big"), message)
    assert not public().verifies((number + key.modulus).to_bytes(257, "big"), message)


def padded(front: bytes, tail: bytes = b"", info: str = SHA256_INFO) -> bytes:
    body = bytes.fromhex(info) + bytes.fromhex(sha256(MESSAGE))
    return (front + body + tail).ljust(256, b"\x00")[:256]


@pytest.mark.parametrize(
    "message",
    [
        padded(b"\x00\x01" + b"\xff" * 8 + b"\x00", b"\x01" * 200),  # Bleichenbacher 2006: short padding, rest at will
        padded(b"\x00\x02" + b"\xff" * 202 + b"\x00"),  # the padding of encryption
        padded(b"\x00\x01" + b"\xff" * 201 + b"\xfe\x00"),
        padded(b"\x00\x01" + b"\xff" * 202 + b"\x00", info="3031300d060960864801650304020205000430"),  # SHA-384
    ],
)
def test_no_other_padding_is_taken(message: bytes) -> None:
    key = make_key()
    assert not public().verifies(key.sign_padded(message), MESSAGE)


def test_a_subject_public_key_info_is_read_too() -> None:
    algorithm = tlv(0x30, bytes.fromhex("06092a864886f70d0101010500"))
    assert RsaPublicKey.from_der(tlv(0x30, algorithm + tlv(0x03, b"\x00" + make_key().der))) == public()


@pytest.mark.parametrize(
    ("der", "reason"),
    [
        (b"", "not the DER"),
        (b"\x30", "not the DER"),
        (b"junk", "not the DER"),
        (make_key().der[:-1], "cut off"),
        (make_key().der + b"\x00", "bytes after the key"),
        (tlv(0x30, integer(15) + integer(3)), "a key of 4 bits, expected 2048"),
        (tlv(0x30, integer(make_key().modulus) + integer(1)), "not an RSA public key"),
        (tlv(0x30, integer(make_key().modulus) + integer(2)), "not an RSA public key"),
        (tlv(0x30, integer(make_key().modulus) + integer((1 << 100) + 1)), "exponent of more than 64 bits"),
        (tlv(0x30, integer(make_key().modulus * 2) + integer(3)), "not an RSA public key"),
        (b"\x30\x85\x00\x00\x00\x00\x01\x00", "not the DER"),
    ],
)
def test_what_is_no_key_is_refused(der: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        RsaPublicKey.from_der(der)


def test_an_independent_implementation_agrees() -> None:
    pytest.importorskip("cryptography", reason="cryptography, the second opinion, is not installed")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    private = rsa.generate_private_key(65537, 3072)
    signature = private.sign(MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    for form in (serialization.PublicFormat.PKCS1, serialization.PublicFormat.SubjectPublicKeyInfo):
        key = RsaPublicKey.from_der(private.public_key().public_bytes(serialization.Encoding.DER, form))
        assert key.verifies(signature, MESSAGE)
        assert not key.verifies(signature, MESSAGE + b"!")
    theirs = rsa.RSAPublicNumbers(65537, make_key().modulus).public_key()
    theirs.verify(make_key().sign(MESSAGE), MESSAGE, padding.PKCS1v15(), hashes.SHA256())
