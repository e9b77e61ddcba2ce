"""CloudTrail's part: keys, digests and log files as it writes them, for the tests of what checks them."""

from __future__ import annotations

import base64
import copy
import functools
import gzip
import hashlib
import json
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from tests.trail.made import ACCOUNT, event, records

if TYPE_CHECKING:
    from pathlib import Path

BUCKET = "trail-bucket"
REGION = "eu-central-1"
FIRST = datetime(2026, 11, 20, 1, tzinfo=timezone.utc)
SHA256_INFO = "3031300d060960864801650304020105000420"


@dataclass(frozen=True)
class Key:
    p: int
    q: int
    fingerprint: str
    exponent: int = 65537

    @property
    def modulus(self) -> int:
        return self.p * self.q

    @property
    def der(self) -> bytes:
        return tlv(0x30, integer(self.modulus) + integer(self.exponent))

    def sign(self, message: bytes) -> bytes:
        length = (self.modulus.bit_length() + 7) // 8
        info = bytes.fromhex(SHA256_INFO) + hashlib.sha256(message).digest()
        padded = b"\x00\x01" + b"\xff" * (length - len(info) - 3) + b"\x00" + info
        return self.sign_padded(padded)

    def sign_padded(self, padded: bytes) -> bytes:
        number, p, q = int.from_bytes(padded, "big"), self.p, self.q
        # By the primes one at a time, which takes a quarter of the time: RFC 8017, 5.1.2.
        of_p, of_q = (pow(number, pow(self.exponent, -1, prime - 1), prime) for prime in (p, q))
        return (of_q + (of_p - of_q) * pow(q, -1, p) % p * q).to_bytes(len(padded), "big")

    def record(self, **more: Any) -> dict[str, Any]:
        """Return the key as `aws cloudtrail list-public-keys` prints it."""
        return {
            "Value": base64.b64encode(self.der).decode(),
            "ValidityStartTime": "2026-11-01T00:00:00+00:00",
            "ValidityEndTime": "2026-12-01T00:00:00+00:00",
            "Fingerprint": self.fingerprint,
            **more,
        }


def tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


@functools.cache
def make_key(seed: int = 1, bits: int = 2048) -> Key:
    """Return a key; the same for the same seed, and good for nothing but tests."""
    source = random.Random(seed)  # noqa: S311 - the tests are to be the same every time
    while True:
        p, q = prime(source, bits // 2), prime(source, bits // 2)
        if p != q and (p - 1) % 65537 and (q - 1) % 65537:
            return Key(p, q, hashlib.md5(str(p * q).encode(), usedforsecurity=False).hexdigest())


def prime(source: random.Random, bits: int) -> int:
    small = [n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n**0.5) + 1, 2))]
    while True:
        candidate = source.getrandbits(bits) | (3 << bits - 2) | 1
        if all(candidate % n for n in small) and all(pow(base, candidate - 1, candidate) == 1 for base in (2, 3, 5, 7)):
            return candidate


@dataclass
class Delivery:
    """A bucket that CloudTrail delivers to, an hour at a time."""

    key: Key = field(default_factory=make_key)
    bucket: str = BUCKET
    prefix: str = ""
    trail: str = "organization_trail"
    objects: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, dict[str, str]] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)

    def log(self, at: datetime, *ids: str, unique: str = "AAAAAAAAAAAAAAAA") -> str:
        key = (
            f"{self.prefix}AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/{at:%Y/%m/%d}/"
            f"{ACCOUNT}_CloudTrail_{REGION}_{at:%Y%m%dT%H%M}Z_{unique}.json.gz"
        )
        time = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        self.objects[key] = gzip.compress(records(*(event(each, eventTime=time) for each in ids)), mtime=0)
        self.logs.append(key)
        return key

    def digest(self, end: datetime, *logs: str, first: bool = False, backfill: bool = False, **changes: Any) -> str:
        """Sign a digest over an hour's logs; it follows the last one, unless it is the first of a chain."""
        key = (
            f"{self.prefix}AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/{end:%Y/%m/%d}/"
            f"{ACCOUNT}_CloudTrail-Digest_{REGION}_{self.trail}_eu-west-1_{end:%Y%m%dT%H%M%SZ}"
            f"{'_backfill' if backfill else ''}.json.gz"
        )
        before = None if first or not self.digests else self.digests[-1]
        document = {
            "awsAccountId": ACCOUNT,
            "digestStartTime": f"{end - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
            "digestEndTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "digestS3Bucket": self.bucket,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": self.key.fingerprint,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": None,
            "oldestEventTime": None,
            "previousDigestS3Bucket": before and self.bucket,
            "previousDigestS3Object": before,
            "previousDigestHashValue": before and sha256(gzip.decompress(self.objects[before])),
            "previousDigestHashAlgorithm": before and "SHA-256",
            "previousDigestSignature": before and self.metadata[before]["signature"],
            "logFiles": [
                {
                    "s3Bucket": self.bucket,
                    "s3Object": log,
                    "hashValue": sha256(gzip.decompress(self.objects[log])),
                    "hashAlgorithm": "SHA-256",
                    "newestEventTime": None,
                    "oldestEventTime": None,
                }
                for log in logs
            ],
            **changes,
        }
        self.put(key, document, end, backfill=backfill)
        self.digests.append(key)
        return key

    def put(self, key: str, document: dict[str, Any], end: datetime, *, backfill: bool = False) -> None:
        content = json.dumps(document).encode()
        previous = document["previousDigestSignature"] or "null"
        text = f"{document['digestEndTime']}\n{self.bucket}/{key}\n{sha256(content)}\n{previous}"
        self.objects[key] = gzip.compress(content, mtime=0)
        self.metadata[key] = {
            "signature": self.key.sign(text.encode()).hex(),
            "signature-algorithm": "SHA256withRSA",
            **({"backfill-generation-timestamp": f"{end:%Y-%m-%dT%H:%M:%SZ}"} if backfill else {}),
        }

    def drop(self, key: str) -> None:
        del self.objects[key]
        self.metadata.pop(key, None)

    def save(self, root: Path, *, keep: str = "") -> Path:
        """Write a copy of the bucket, with the metadata beside the digests."""
        for key, data in self.objects.items():
            path = root / key.removeprefix(keep)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            if key in self.metadata:
                path.with_name(path.name + ".metadata.json").write_text(json.dumps(self.metadata[key]))
        return root


def delivery(hours: int = 4, **more: Any) -> Delivery:
    """Return a bucket after some hours: one log file of two events each hour, and its digest."""
    return copy.deepcopy(delivered(hours, **more))


@functools.cache
def delivered(hours: int, **more: Any) -> Delivery:
    made = Delivery(**more)
    for hour in range(hours):
        end = FIRST + timedelta(hours=hour)
        log = made.log(end - timedelta(minutes=30), f"e-{hour}-0", f"e-{hour}-1")
        made.digest(end, log, first=hour == 0)
    return made


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
