"""What the names tell that CloudTrail gives to the objects it delivers, and a range of them.

Names and folders are those of the CloudTrail user guide: "Getting and viewing your CloudTrail log files", "CloudTrail
log file examples" and "CloudTrail digest file structure".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.errors import TrailError

if TYPE_CHECKING:
    from datetime import date

_ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)
_ORGANIZATION: Final = re.compile(r"o-[a-z0-9]{10,32}")
_LOG: Final = re.compile(
    r"(?P<account>\d{12})_(?P<folder>CloudTrail(?:-[A-Za-z]+)?)_(?P<region>[a-z0-9-]+)"
    r"_(?P<time>\d{8}T\d{4}(?:\d{2})?Z)_?[A-Za-z0-9]+\.json(?:\.gz)?",
    re.ASCII,
)
_DIGEST: Final = re.compile(
    r"(?P<account>\d{12})_(?P<folder>CloudTrail-Digest)_(?P<region>[a-z0-9-]+)_(?P<trail>[A-Za-z0-9._-]{3,128})"
    r"_(?P<home>[a-z0-9-]+)_(?P<time>\d{8}T\d{6}Z)(?P<backfill>_backfill)?\.json(?:\.gz)?",
    re.ASCII,
)


class Kind(str, Enum):
    """What CloudTrail delivered, by the folder that it goes to."""

    EVENTS = "CloudTrail"
    """Management and data events."""
    INSIGHTS = "CloudTrail-Insight"
    """Unusual activity that CloudTrail found."""
    NETWORK_ACTIVITY = "CloudTrail-NetworkActivity"
    """Calls through VPC endpoints."""
    AGGREGATED = "CloudTrail-Aggregated"
    """Five-minute summaries of data events; their id is ``eventId``, and they are no events of an API."""
    DIGEST = "CloudTrail-Digest"
    """What was delivered in an hour, signed."""
    OTHER = "other"
    """A folder that CloudTrail got after this was written."""


@dataclass(frozen=True, slots=True)
class TrailKey:
    """What the name of an object that CloudTrail delivered tells.

    Attributes:
        kind: what it holds.
        account: whose it is.
        region: where its events are from.
        delivered: when it was delivered; for a digest, the end of what it covers. UTC.
        trail: name of the trail; digests alone tell it.
        home: the trail's home Region; digests alone tell it.
        backfill: a digest of log files that came too late for that of their hour.
    """

    kind: Kind
    account: str
    region: str
    delivered: datetime
    trail: str | None = None
    home: str | None = None
    backfill: bool = False


def parse_key(name: str) -> TrailKey | None:
    """Return what a name tells, by its last part; None for what CloudTrail did not name.

    Args:
        name: an S3 key, an ``s3://`` name or a path.
    """
    last = name.rpartition("/")[2]
    match = _DIGEST.fullmatch(last) or _LOG.fullmatch(last)
    if match is None:
        return None
    found = match.groupdict()
    stamp = found["time"]
    try:
        time = datetime.strptime(stamp[:13], "%Y%m%dT%H%M").replace(tzinfo=timezone.utc)
        time = time.replace(second=int(stamp[13:-1] or 0))
    except ValueError:  # the thirtieth of February
        return None
    folder = found["folder"]
    if folder == Kind.DIGEST and "trail" not in found:
        return None
    return TrailKey(
        Kind(folder) if folder in {kind.value for kind in Kind} else Kind.OTHER,
        found["account"],
        found["region"],
        time,
        found.get("trail"),
        found.get("home"),
        bool(found.get("backfill")),
    )


@dataclass(frozen=True, slots=True)
class KeyRange:
    """Which of CloudTrail's objects are meant. Everything is, unless something is named.

    A range of dates, accounts, Regions or kinds covers only what CloudTrail named; a range of keys covers any.

    Args:
        since: first day of delivery, UTC. A file may hold events of any day before.
        until: last day of delivery, included.
        accounts: account ids.
        regions: Regions.
        kinds: what the objects hold.
        first: the first key or name, included, in the order of code points.
        last: the last, included.

    Raises:
        TrailError: For a range that nothing can be in, or an account that is none.
    """

    since: date | None = None
    until: date | None = None
    accounts: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    first: str | None = None
    last: str | None = None

    def __post_init__(self) -> None:
        """Take the bucket off names, and refuse what nothing can be in."""
        for bound in ("first", "last"):
            if (name := getattr(self, bound)) is not None:
                object.__setattr__(self, bound, _key(name))
        if self.since is not None and self.until is not None and self.since > self.until:
            raise TrailError(f"since {self.since} is after until {self.until}, expected an earlier day or the same")
        if self.first is not None and self.last is not None and self.first > self.last:
            raise TrailError(f"first key {self.first!r} comes after the last, {self.last!r}")
        for account in sorted(self.accounts):
            if not _ACCOUNT.fullmatch(account):
                raise TrailError(f"account {account!r} is not allowed, expected 12 digits")

    @property
    def structured(self) -> bool:
        """Whether it names something that only CloudTrail's own names tell."""
        return bool(self.since or self.until or self.accounts or self.regions or self.kinds)

    def covers(self, name: str) -> bool:
        """Return whether a file is meant, by its name: an S3 key, an ``s3://`` name or a path."""
        key = _key(name)
        if (self.first is not None and key < self.first) or (self.last is not None and key > self.last):
            return False
        if not self.structured:
            return True
        found = parse_key(name)
        if found is None:
            return False
        day = found.delivered.date()
        return (
            (self.since is None or day >= self.since)
            and (self.until is None or day <= self.until)
            and (not self.accounts or found.account in self.accounts)
            and (not self.regions or found.region in self.regions)
            and (not self.kinds or found.kind in self.kinds)
        )

    def may_hold(self, folder: str) -> bool:
        """Return whether something below a folder may be meant, by the folders after ``AWSLogs``; in doubt it may.

        Args:
            folder: such as ``prefix/AWSLogs/o-exampleorgid/111122223333/CloudTrail/us-east-1/``.
        """
        below = below_logs(folder)
        if not below:
            return True
        account, kind, region = (*below, None, None, None)[:3]
        if account is not None and (
            not _ACCOUNT.fullmatch(account) or (self.accounts and account not in self.accounts)
        ):
            return False
        known = {each.value for each in self.kinds - {Kind.OTHER}}
        if kind is not None and not kind.startswith("CloudTrail"):
            return False
        if kind is not None and self.kinds and Kind.OTHER not in self.kinds and kind not in known:
            return False
        return region is None or not self.regions or region in self.regions


def _key(name: str) -> str:
    """Return the key of an ``s3://`` name; any other name as it is."""
    return name[5:].partition("/")[2] if name.startswith("s3://") else name


def below_logs(folder: str) -> list[str] | None:
    """Return the folders after ``AWSLogs`` and the organization's id: account, kind, Region; None without AWSLogs."""
    parts = [part for part in folder.split("/") if part]
    if "AWSLogs" not in parts:
        return None
    below = parts[parts.index("AWSLogs") + 1 :]
    return below[1:] if below and _ORGANIZATION.fullmatch(below[0]) else below
