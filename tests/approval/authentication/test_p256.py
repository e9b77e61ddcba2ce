from __future__ import annotations

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.approval.authentication import p256, p256_curve
from sudo_mcp_guardrails.approval.authentication.p256 import P256PublicKey
from sudo_mcp_guardrails.approval.authentication.p256_curve import N, P, Table, x_of
from tests.approval.signing import der_of, make_key, sign_digest


@pytest.fixture(autouse=True, params=["at once", "by tables"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test runs as for a key that was just read, and as for one that was used for long."""
    monkeypatch.setattr(p256, "_TABLE_AFTER", 0 if request.param == "by tables" else 10**9)


MESSAGE = b"approve approval-0001"
DIGEST = hashlib.sha256(MESSAGE).digest()

# RFC 6979, A.2.5: P-256 with SHA-256, message "sample" and message "test".
RFC_KEY = P256PublicKey(
    0x60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6,
    0x7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299,
)
RFC_SIGNATURES = {
    b"sample": (
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    ),
    b"test": (
        0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367,
        0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083,
    ),
}


@pytest.mark.parametrize("message", RFC_SIGNATURES)
def test_the_signatures_of_rfc_6979_hold(message: bytes) -> None:
    signature = der_of(*RFC_SIGNATURES[message])
    assert RFC_KEY.verifies(signature, message)
    assert not RFC_KEY.verifies(signature, message + b"x")
    assert not make_key(1).public.verifies(signature, message)


def test_a_signature_with_high_s_is_as_good() -> None:
    r, s = RFC_SIGNATURES[b"sample"]
    assert RFC_KEY.verifies(der_of(r, N - s), b"sample")


R, S = sign_digest(make_key(7), DIGEST)


@pytest.mark.parametrize(
    ("r", "s"),
    [
        (0, S),
        (R, 0),
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
        (N, S),
        (R, N),
        (N, N),
        (N - 1, N - 1),
        (R + N, S),
        (R, S + N),
        (R, 2**256 - 1),
        (N + 1, 1),
        (P, S),
        (R ^ 1, S),
        (R, S ^ 1),
        (S, R),
    ],
)
def test_other_numbers_are_no_signature(r: int, s: int) -> None:
    key = make_key(7).public
    assert key.verifies_digest(der_of(R, S), DIGEST)
    assert not key.verifies_digest(der_of(r, s), DIGEST)


def wrapped(body: bytes) -> bytes:
    return b"\x30" + bytes([len(body)]) + body


def integer(value: int) -> bytes:
    return der_of(value, 1)[2:-3]


GOOD = der_of(R, S)
# A point whose x lies between the order and the field's prime: there are few, and Wycheproof has one a curve.
LARGE_X = next(x for x in range(N + 1, P) if pow(x**3 - 3 * x + p256_curve.B, (P - 1) // 2, P) == 1)
LARGE = P256PublicKey(LARGE_X, pow(LARGE_X**3 - 3 * LARGE_X + p256_curve.B, (P + 1) // 4, P))
# Over a digest of zeros, r = s makes e/s*G + r/s*Q the key Q itself: a signature that holds, and a short one.
R_SHORT = LARGE_X - N
SHORT = der_of(R_SHORT, R_SHORT)


def test_x_counts_modulo_the_order() -> None:
    assert LARGE.verifies_digest(SHORT, bytes(32))
    assert not LARGE.verifies_digest(der_of(R_SHORT, R_SHORT + 1), bytes(32))


def longer(number: int) -> bytes:
    """The INTEGER with a zero too many."""
    return b"\x02" + bytes([integer(number)[1] + 1]) + b"\x00" + integer(number)[2:]


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\x30",
        b"\x30\x00",
        SHORT[:-1],
        SHORT + b"\x00",
        wrapped(SHORT[2:] + b"\x00"),
        b"\x31" + SHORT[1:],
        b"\x30\x81" + SHORT[1:],  # a length longer than it need be
        b"\x30\x80" + SHORT[2:] + b"\x00\x00",  # an open end, as BER has it
        b"\x30" + bytes([SHORT[1] + 1]) + SHORT[2:],
        b"\x30" + bytes([SHORT[1] - 1]) + SHORT[2:],
        wrapped(SHORT[2:] + b"\x05\x00"),  # a third element
        wrapped(integer(R_SHORT)),
        wrapped(integer(R_SHORT) + b"\x02\x00"),
        wrapped(b"\x02\x00" + integer(R_SHORT)),
        wrapped(b"\x02\x81" + integer(R_SHORT)[1:] + integer(R_SHORT)),
        wrapped(b"\x02\x82\x00" + integer(R_SHORT)[1:] + integer(R_SHORT)),
        wrapped(b"\x03" + integer(R_SHORT)[1:] + integer(R_SHORT)),
        wrapped(longer(R_SHORT) + integer(R_SHORT)),
        wrapped(integer(R_SHORT) + longer(R_SHORT)),
        wrapped(b"\x02\x01\x00" + integer(R_SHORT)),
        wrapped(b"\x02\x7f" + integer(R_SHORT)[2:] + integer(R_SHORT)),
        R_SHORT.to_bytes(32, "big") * 2,  # as JWS writes it
        SHORT * 4,
    ],
)
def test_other_encodings_are_no_signature(signature: bytes) -> None:
    assert not LARGE.verifies_digest(signature, bytes(32))


def test_a_negative_number_is_no_signature() -> None:
    # Without the zero before it, a number whose first bit is set is a negative one; some tools write it so.
    key = make_key(7)
    digests = (hashlib.sha256(bytes([number])).digest() for number in range(64))
    digest, r, s = next((each, *sign_digest(key, each)) for each in digests if sign_digest(key, each)[0] >> 255)
    assert key.public.verifies_digest(der_of(r, s), digest)
    assert not key.public.verifies_digest(wrapped(b"\x02\x20" + r.to_bytes(32, "big") + integer(s)), digest)


@pytest.mark.parametrize("secret", [1, 2, 3, N - 1, N - 2, 2**255])
def test_keys_that_are_the_generator_or_near_it_verify_as_others_do(secret: int) -> None:
    key = make_key(secret)
    for message in (b"a", b"b", b"c"):
        digest = hashlib.sha256(message).digest()
        r, s = sign_digest(key, digest)
        assert key.public.verifies_digest(der_of(r, s), digest)
        assert not key.public.verifies_digest(der_of(r, s ^ 1), digest)


def test_one_bit_changed_is_no_signature() -> None:
    key = make_key(7).public
    for place in range(0, len(GOOD) * 8, 5):
        changed = bytearray(GOOD)
        changed[place // 8] ^= 1 << place % 8
        assert not key.verifies_digest(bytes(changed), DIGEST), place


def test_a_sum_at_infinity_and_one_that_is_a_double_are_defined() -> None:
    # With s = 1 and r = x(Q): u1 = e and u2 = r, so that e is chosen to make u1*G equal or opposite to u2*Q.
    private = make_key(7)
    r = private.public.x % N
    opposite = (-r * private.secret) % N
    assert not private.public.verifies_digest(der_of(r, 1), opposite.to_bytes(32, "big"))
    equal = r * private.secret % N
    doubled = p256_curve.sum_of_multiples(equal, r, (private.public.x, private.public.y))
    assert doubled == make_key(2 * equal % N).public.x
    assert p256_curve.sum_of_multiples(opposite, r, (private.public.x, private.public.y)) is None
    assert p256_curve.sum_of_multiples(0, 0, (private.public.x, private.public.y)) is None


TABLE = Table((RFC_KEY.x, RFC_KEY.y))


@given(st.one_of(st.integers(0, 130), st.integers(N - 130, N + 130), st.integers(0, 2**256 - 1)))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_table_gives_the_multiples_that_doubling_gives(factor: int) -> None:
    assert x_of(TABLE.multiple(factor)) == p256_curve.sum_of_multiples(0, factor, (RFC_KEY.x, RFC_KEY.y))


def test_sums_of_tables_at_infinity_and_doubles_are_defined() -> None:
    one = TABLE.multiple(5)
    assert x_of(TABLE.multiple(5, one)) == x_of(TABLE.multiple(10))
    assert x_of(TABLE.multiple(N - 5, one)) is None
    assert TABLE.multiple(0) == p256_curve.INFINITY


def test_a_key_that_is_used_again_and_again_gets_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(p256, "_TABLE_AFTER", 3)
    key = P256PublicKey(RFC_KEY.x, RFC_KEY.y)
    for number in range(5):
        assert ("_table" in vars(key)) is (number > 3)
        assert key.verifies(der_of(*RFC_SIGNATURES[b"sample"]), b"sample")
        assert not RFC_KEY.verifies(der_of(R, S), b"sample")
    assert key == RFC_KEY


def test_a_digest_of_zeros_is_verified_by_its_other_half_alone() -> None:
    key = make_key(9)
    zeros = bytes(32)
    assert key.public.verifies_digest(der_of(*sign_digest(key, zeros)), zeros)


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        (0, 0, "not on the curve"),
        (RFC_KEY.x, RFC_KEY.y ^ 1, "not on the curve"),
        (RFC_KEY.x + P, RFC_KEY.y, "out of the field"),
        (RFC_KEY.x, RFC_KEY.y - P, "out of the field"),
        (P, 1, "out of the field"),
    ],
)
def test_what_is_no_point_is_no_key(x: int, y: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        P256PublicKey(x, y)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        RFC_KEY.der()[:-1],
        RFC_KEY.der() + b"\x00",
        RFC_KEY.der().replace(b"\x2a\x86\x48\xce\x3d\x03\x01\x07", b"\x2a\x86\x48\xce\x3d\x03\x01\x01"),
        RFC_KEY.der()[:26] + b"\x02" + RFC_KEY.der()[27:],
        RFC_KEY.der()[:26] + b"\x02" + RFC_KEY.der()[27:59],
        RFC_KEY.der()[:26] + b"\x00",
    ],
)
def test_other_bytes_are_no_key(der: bytes) -> None:
    with pytest.raises(ValueError, match="not"):
        P256PublicKey.from_der(der)


def test_a_key_is_read_as_it_is_written() -> None:
    assert P256PublicKey.from_der(RFC_KEY.der()) == RFC_KEY


def test_a_digest_of_another_length_is_an_error() -> None:
    with pytest.raises(ValueError, match="a digest of 20 bytes, expected 32"):
        RFC_KEY.verifies_digest(GOOD, bytes(20))


def test_an_independent_implementation_agrees() -> None:
    pytest.importorskip("cryptography", reason="cryptography, the second opinion, is not installed")
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def theirs(public: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
        try:
            public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    for number in range(10):
        private = ec.generate_private_key(ec.SECP256R1())
        message = MESSAGE + bytes([number])
        signature = private.sign(message, ec.ECDSA(hashes.SHA256()))
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        key = P256PublicKey.from_der(private.public_key().public_bytes(serialization.Encoding.DER, form))
        assert key.verifies(signature, message)
        assert not key.verifies(signature, message + b"!")
        for wrong in (signature[:-1] + bytes([signature[-1] ^ 1]), signature + b"\x00", GOOD):
            assert key.verifies(wrong, message) is theirs(private.public_key(), wrong, message) is False
    ours = make_key(7)
    public = ec.EllipticCurvePublicNumbers(ours.public.x, ours.public.y, ec.SECP256R1()).public_key()
    assert theirs(public, GOOD, MESSAGE)
    assert theirs(public, der_of(R, N - S), MESSAGE)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, N - 1), st.binary(min_size=32, max_size=32), st.integers(1, N - 1))
def test_what_was_signed_is_verified_and_nothing_else(secret: int, digest: bytes, other: int) -> None:
    key = make_key(secret)
    r, s = sign_digest(key, digest)
    assert key.public.verifies_digest(der_of(r, s), digest)
    if other not in (s, N - s):
        assert not key.public.verifies_digest(der_of(r, other), digest)
