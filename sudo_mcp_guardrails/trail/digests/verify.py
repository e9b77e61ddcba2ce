"""Check digests, how they hang together, and the log files that they name.

What a digest proves: that CloudTrail signed it, that its log files are as they were delivered, and that the digest
before it is the one that stood there. What none proves: that a log file which no digest names was not added, nor that
the newest digests were not cut off; for the latter, say until when there must be some.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.digests.digest import MalformedDigestError, content_hash, parse_digest
from sudo_mcp_guardrails.trail.digests.place import Place
from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.source import SourceFile
from sudo_mcp_guardrails.trail.sources.keys import Kind, parse_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sudo_mcp_guardrails.trail.digests.digest import Digest
    from sudo_mcp_guardrails.trail.digests.public_keys import PublicKeys
    from sudo_mcp_guardrails.trail.source import KeepingSource
    from sudo_mcp_guardrails.trail.sources.keys import TrailKey

MAX_LOG_BYTES: Final = 4 * 1024 * 1024 * 1024
"""Most bytes of a log file, uncompressed; it is not held."""
_DATED: Final = re.compile(r"(?:\d{4}/\d{2}/\d{2}/)?[^/]*\Z")
_DUE: Final = timedelta(hours=3)
"""A digest comes every hour, whether there was activity or not, and somewhat late."""


class Status(str, Enum):
    """What became of a digest or a log file."""

    VALID = "valid"
    """As CloudTrail delivered it."""
    NAMED = "named"
    """A log file that a valid digest names, and that was not looked at."""
    CHANGED = "changed"
    """Of other content than a digest says."""
    MISSING = "missing"
    """Named by a digest, and not there."""
    BAD_SIGNATURE = "bad-signature"
    """A digest that the key it names did not sign."""
    UNKNOWN_KEY = "unknown-key"
    """A digest whose key nobody knows for that time."""
    MALFORMED = "malformed"
    """No digest, or one without its signature."""
    MOVED = "moved"
    """A digest that stands where it was not delivered."""
    UNREADABLE = "unreadable"
    """There, but it could not be read."""
    GAP = "gap"
    """A chain begins anew: for a while CloudTrail delivered no digests, because validation or the trail was off."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about a digest or a log file.

    Attributes:
        kind: ``digest`` or ``log``.
        name: as the source names it.
        status: what became of it.
        reason: in one line; None where it is valid.
        digest: for a log file, the digest that names it.
    """

    kind: str
    name: str
    status: Status
    reason: str | None = None
    digest: str | None = None

    @property
    def good(self) -> bool:
        """Whether nothing is wrong; a gap is not, as ``validate-logs`` has it, since CloudTrail itself signed it."""
        return self.status in {Status.VALID, Status.NAMED, Status.GAP}


@dataclass(slots=True)
class _Chain:
    """The last digest of a chain that was read; chains are few, digests are not kept."""

    found: TrailKey
    name: str
    key: str | None = None
    digest: Digest | None = None
    blamed: bool = False


@dataclass(slots=True)
class DigestCheck:
    """Checks the digests of a source, oldest first, one at a time; memory is that of one digest and one log file.

    A digest gets its verdict when it is read, and a second one where the next digest shows that it was exchanged. The
    log files of a digest that is not valid are not looked at: it proves nothing of them.

    Args:
        source: where the digests and the log files are. Digests that its range leaves out are not missed.
        keys: where the public keys come from.
        logs: whether to read the log files too, which costs as much as reading the whole source. Otherwise those of S3
            are told as named, so that one which is not there at all is missed without reading any.
        until: until when there must be digests of each chain; the end of a chain is not questioned when left out.
    """

    source: KeepingSource
    keys: PublicKeys
    logs: bool = True
    until: datetime | None = None
    _chains: dict[tuple[object, ...], _Chain] = field(default_factory=dict, init=False, repr=False)

    def run(self) -> Iterator[Verdict]:
        """Yield what is found.

        Raises:
            TrailError: for a source that cannot be listed, or keys that cannot be had.
        """
        self._chains.clear()
        for file in self.source.files():
            found = parse_key(file.name)
            if found is not None and found.kind is Kind.DIGEST:
                yield from self._check(file, found)
        yield from self._ends()

    def _check(self, file: SourceFile, found: TrailKey) -> Iterator[Verdict]:
        # The folder too, without the date: there may be two copies of one trail.
        folder = _DATED.sub("", file.name)
        chain = (folder, found.account, found.region, found.trail, found.home, found.backfill)
        last = self._chains.get(chain)
        self._chains[chain] = this = _Chain(found, file.name)
        try:
            read = self.source.read_with_metadata(file)
        except TrailError as error:
            this.blamed = True
            yield Verdict("digest", file.name, Status.UNREADABLE, str(error))
            return
        if read is None:
            this.blamed = True
            yield Verdict("digest", file.name, Status.MISSING, "it was deleted while it was looked at")
            return
        try:
            digest = parse_digest(*read, backfill=found.backfill)
        except MalformedDigestError as error:
            this.blamed = True
            yield Verdict("digest", file.name, Status.MALFORMED, str(error))
            return
        this.key, this.digest = digest.key, digest
        place = Place.of(file.name, digest.bucket, digest.key)
        verdict = self._signature(file.name, found, digest, place)
        this.blamed = not verdict.good
        yield verdict
        if place is None or not verdict.good:
            return
        yield from self._link(last, this, digest, place)
        for log in digest.log_files:
            name = place.name(log.bucket, log.key)
            if self.logs:
                yield self._log(file.name, name, log.hash)
            elif place.fixed:
                yield Verdict("log", name, Status.NAMED, None, file.name)

    def _signature(self, name: str, found: TrailKey, digest: Digest, place: Place | None) -> Verdict:
        if place is None:
            was = f"s3://{digest.bucket}/{digest.key}"
            return Verdict("digest", name, Status.MOVED, f"it was delivered as {was!r}")
        regions = (found.region, found.home or found.region)
        key = self.keys.find(digest.fingerprint, digest.signed_at, regions)
        if key is None:
            reason = f"no public key of {digest.fingerprint!r} is known for {digest.signed_at.isoformat()}"
            return Verdict("digest", name, Status.UNKNOWN_KEY, reason)
        try:
            signed = key.verifies(binascii.unhexlify(digest.signature), digest.signed_text())
        except (ValueError, binascii.Error):
            signed = False
        if not signed:
            reason = f"the key of {digest.fingerprint!r} did not sign it; its log files are not proved"
            return Verdict("digest", name, Status.BAD_SIGNATURE, reason)
        return Verdict("digest", name, Status.VALID)

    def _link(self, last: _Chain | None, this: _Chain, digest: Digest, place: Place) -> Iterator[Verdict]:
        """Compare what a digest says of the one before it with the one that was read before it."""
        if digest.previous_key is None or digest.previous_bucket is None:
            if last is not None:
                since = last.digest.end if last.digest else last.name
                reason = f"no digest covers {since} to {digest.start}: validation or the trail was off"
                yield Verdict("digest", this.name, Status.GAP, reason)
            return
        before = place.name(digest.previous_bucket, digest.previous_key)
        if last is not None and last.name == before:
            told = (digest.previous_hash or "").lower(), (digest.previous_signature or "").lower()
            here = last.digest and (last.digest.content_hash, last.digest.signature.lower())
            if not last.blamed and told != here:
                reason = f"the digest after it, {this.name!r}, says that it was another"
                yield Verdict("digest", last.name, Status.CHANGED, reason)
        elif not self.source.covers(before):
            # A bucket that is not looked at, or a day before the range: neither is missed.
            return
        elif (
            (named := parse_key(digest.previous_key)) is None or last is None or named.delivered > last.found.delivered
        ):
            yield Verdict("digest", before, Status.MISSING, f"the digest after it, {this.name!r}, names it")
        else:
            reason = f"the digest after it, {this.name!r}, passes it over and names {before!r}"
            yield Verdict("digest", last.name, Status.CHANGED, reason)

    def _log(self, digest: str, name: str, expected: str) -> Verdict:
        """Compare a log file with what the digest says."""
        try:
            data = self.source.read(SourceFile(name, 0))
            if data is None:
                return Verdict("log", name, Status.MISSING, f"digest {digest!r} names it", digest)
            if content_hash(data, MAX_LOG_BYTES) != expected:
                return Verdict("log", name, Status.CHANGED, f"its content is not what digest {digest!r} says", digest)
        except MalformedDigestError as error:
            return Verdict("log", name, Status.CHANGED, f"it cannot be what was delivered: {error}", digest)
        except TrailError as error:
            return Verdict("log", name, Status.UNREADABLE, str(error), digest)
        return Verdict("log", name, Status.VALID, None, digest)

    def _ends(self) -> Iterator[Verdict]:
        """Say which chains end too early; digests of what came late come when there is something."""
        for chain in self._chains.values():
            if self.until is not None and not chain.found.backfill and chain.found.delivered + _DUE < self.until:
                reason = f"no digest comes after it until {self.until.isoformat()}, and one is due every hour"
                yield Verdict("digest", chain.name, Status.MISSING, reason)
