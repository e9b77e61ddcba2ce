"""The public keys that CloudTrail's digests are checked with: asked of CloudTrail, or from a file."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.trail.digests.rsa import RsaPublicKey
from sudo_mcp_guardrails.trail.errors import TrailError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date
    from pathlib import Path

_MARGIN: Final = timedelta(hours=2)
"""How long before its validity begins, or after it ends, a key is taken: ``validate-logs`` allows as much."""
_MAX_PAGES: Final = 100


class PublicKeys(Protocol):
    """Finds the key that a digest names."""

    def find(self, fingerprint: str, at: datetime, regions: tuple[str, ...]) -> RsaPublicKey | None:
        """Return a key by its fingerprint, valid at a time, of one of some Regions; None where none is known.

        Raises:
            TrailError: for a key that is none, or where CloudTrail could not be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Key:
    key: RsaPublicKey
    start: datetime | None
    end: datetime | None

    def valid(self, at: datetime) -> bool:
        return (self.start is None or at >= self.start - _MARGIN) and (self.end is None or at <= self.end + _MARGIN)


class KeyFile:
    """Keys that were fetched once and kept, which is what makes a check without a network, or years later, possible.

    Args:
        records: what ``ListPublicKeys`` returns as ``PublicKeyList``; ``Value`` in bytes or base64.

    Raises:
        TrailError: For a record of another form.
    """

    def __init__(self, records: Iterable[object]) -> None:
        self._keys: dict[str, list[_Key]] = {}
        self.add(records)

    def add(self, records: Iterable[object]) -> None:
        """Take more records of the same form; those that are known already are told once."""
        for record in records:
            fingerprint, key = _parse(record)
            same = self._keys.setdefault(fingerprint, [])
            if key not in same:
                same.append(key)

    @classmethod
    def read(cls, path: Path) -> KeyFile:
        """Read what ``aws cloudtrail list-public-keys`` printed; the lists of several Regions may be joined in one.

        Raises:
            TrailError: For a file of another form, or without a key.
        """
        try:
            found = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise TrailError(f"public keys {str(path)!r} cannot be read: {error}") from error
        records = found.get("PublicKeyList") if isinstance(found, dict) else found
        if not isinstance(records, list) or not records:
            raise TrailError(f"public keys {str(path)!r} hold no PublicKeyList, expected what list-public-keys prints")
        return cls(records)

    def find(self, fingerprint: str, at: datetime, regions: tuple[str, ...]) -> RsaPublicKey | None:  # noqa: ARG002
        """Return a key by its fingerprint, of whatever Region it is."""
        return next((each.key for each in self._keys.get(fingerprint.lower(), ()) if each.valid(at)), None)


class CloudTrailKeys:
    """Keys as CloudTrail tells them; each Region has its own, and none is asked for twice.

    A digest is signed with a key of the Region that it is of ("ListPublicKeys" in the CloudTrail API reference).

    Args:
        client: makes boto3's CloudTrail client of a Region.
    """

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self._clients: dict[str, Any] = {}
        self._known: dict[str, KeyFile] = {}
        self._asked: set[tuple[str, str, date]] = set()

    def find(self, fingerprint: str, at: datetime, regions: tuple[str, ...]) -> RsaPublicKey | None:
        """Return a key by its fingerprint; costs one request where it is not known yet, one a day if nobody knows it.

        Raises:
            TrailError: where CloudTrail could not be asked.
        """
        for region in dict.fromkeys(regions):
            known = self._known.setdefault(region, KeyFile(()))
            if (key := known.find(fingerprint, at, regions)) is not None:
                return key
            question = (region, fingerprint, at.date())
            if question not in self._asked:
                self._asked.add(question)
                known.add(self._ask(region, at))
                if (key := known.find(fingerprint, at, regions)) is not None:
                    return key
        return None

    def _ask(self, region: str, at: datetime) -> list[object]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only where AWS is asked

        records: list[object] = []
        request: dict[str, Any] = {"StartTime": at - _MARGIN, "EndTime": at + _MARGIN}
        try:
            if region not in self._clients:
                self._clients[region] = self._client(region)
            for _ in range(_MAX_PAGES):
                answer = self._clients[region].list_public_keys(**request)
                records += answer.get("PublicKeyList", ())
                if not answer.get("NextToken"):
                    break
                request["NextToken"] = answer["NextToken"]
        except (BotoCoreError, ClientError) as error:
            raise TrailError(f"public keys of CloudTrail in {region} cannot be listed: {error}") from error
        return records


def _parse(record: object) -> tuple[str, _Key]:
    """Read one record of ``PublicKeyList``."""
    if not isinstance(record, dict) or not isinstance(record.get("Fingerprint"), str):
        raise TrailError("a public key without a Fingerprint, expected what list-public-keys prints")
    fingerprint = record["Fingerprint"].lower()
    value = record.get("Value")
    try:
        der = base64.b64decode(value, validate=True) if isinstance(value, str) else value
        if not isinstance(der, bytes):
            raise ValueError("no Value")  # noqa: TRY004, TRY301 - said below, as the others are
        key = RsaPublicKey.from_der(der)
    except (ValueError, binascii.Error) as error:
        raise TrailError(f"public key {fingerprint!r} cannot be used: {error}") from error
    return fingerprint, _Key(key, _time(record, "ValidityStartTime"), _time(record, "ValidityEndTime"))


def _time(record: dict[str, Any], name: str) -> datetime | None:
    """Read a time: of boto3, of the CLI in either of its formats, or none."""
    value = record.get(name)
    try:
        if isinstance(value, datetime):
            found = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value, timezone.utc)
        elif isinstance(value, str):
            found = datetime.fromisoformat(value.replace("Z", "+00:00"))
        else:
            return None
    except (ValueError, OverflowError, OSError) as error:
        raise TrailError(f"public key {record['Fingerprint']!r} has {name} {value!r}, expected a time") from error
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
