"""Trail files of an S3 bucket."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.errors import TrailError, UnreadableFileError
from sudo_mcp_guardrails.trail.source import SourceFile
from sudo_mcp_guardrails.trail.sources.directory import MAX_FILE_BYTES
from sudo_mcp_guardrails.trail.sources.keys import KeyRange, below_logs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

_LEVELS: Final = 3
"""Folders below ``AWSLogs`` and the organization's id that come before the dates: account, kind, Region."""
_GONE: Final = frozenset({"NoSuchKey", "NoSuchVersion", "404", "MethodNotAllowed"})
"""``MethodNotAllowed`` is S3's answer for a version that is a delete marker."""
_REPLACED: Final = frozenset({"PreconditionFailed", "412"})
_MAX_VERSIONS: Final = 10_000


class S3Source:
    """The objects of a bucket below a prefix, in the order of their keys.

    A range of dates, accounts, Regions or kinds is found by CloudTrail's folders, so that listing costs one request
    for each folder of accounts, kinds and Regions, and one for each thousand objects of the days asked for. S3 bills
    listing at 5 USD a million requests and reading at 0.4.

    What is read is what was listed: an object that was replaced since is read in the version that was listed, or, if
    there is none any more, not at all. Reading needs the right to list the bucket as well: without it S3 answers that
    access is denied where an object is gone, which then is an error.

    Args:
        client: boto3's S3 client; the retries are its own.
        bucket: name of the bucket.
        prefix: what the keys begin with. With a range, the trail's prefix or a folder below ``AWSLogs``.
        keys: which objects; all when left out.
        max_bytes: most bytes of one object, 256 MiB when left out.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 has no types
        bucket: str,
        prefix: str = "",
        keys: KeyRange | None = None,
        *,
        max_bytes: int = MAX_FILE_BYTES,
    ) -> None:
        self.client = client
        self.bucket = bucket
        self.prefix = prefix
        self.keys = keys or KeyRange()
        self.max_bytes = max_bytes

    def file(self, key: str, size: int = 0, *, etag: str | None = None, version: str | None = None) -> SourceFile:
        """Return the file of a key that a notification or the ledger names."""
        return SourceFile(f"s3://{self.bucket}/{key}", size, etag, version)

    def files(self) -> Iterator[SourceFile]:
        """Yield the objects, in the order of their keys, but for those that are folders.

        Raises:
            UnreadableFileError: for a bucket that may not be listed.
        """
        for prefix in self._branches() if self.keys.structured else (self.prefix,):
            yield from self._objects(prefix)

    def _branches(self) -> Iterator[str]:
        """Yield the folders of Regions that may hold something of the range."""
        prefix = self.prefix
        if below_logs(prefix) is None:
            prefix = prefix.rstrip("/") + "/AWSLogs/" if prefix else "AWSLogs/"
        yield from self._down(prefix)

    def _down(self, prefix: str) -> Iterator[str]:
        if len(below_logs(prefix) or ()) >= _LEVELS or not prefix.endswith("/"):
            yield prefix
            return
        for folder in self._folders(prefix):
            if self.keys.may_hold(folder):
                yield from self._down(folder)

    def _folders(self, prefix: str) -> Iterator[str]:
        for page in self._pages(Prefix=prefix, Delimiter="/"):
            for each in page.get("CommonPrefixes", ()):
                yield each["Prefix"]

    def _objects(self, prefix: str) -> Iterator[SourceFile]:
        request = {"Prefix": prefix}
        last = self.keys.last
        if (after := self._after(prefix)) is not None:
            request["StartAfter"] = after
        # One day more either way: the folder's date and that of the name are told apart by nobody.
        if self.keys.until is not None and self._dated(prefix):
            end = prefix + _folder(self.keys.until, 1) + "0"  # the character after the slash
            last = end if last is None else min(last, end)
        for page in self._pages(**request):
            for each in page.get("Contents", ()):
                key = each["Key"]
                if last is not None and key > last:
                    return
                if not key.endswith("/") and self.keys.covers(key):
                    yield self.file(key, each["Size"], etag=each["ETag"])

    def _after(self, prefix: str) -> str | None:
        """Return the key to list after: smaller than all that are meant, which S3's own is not."""
        starts = []
        if self.keys.first:
            starts.append(self.keys.first[:-1])
        if self.keys.since is not None and self._dated(prefix):
            starts.append(prefix + _folder(self.keys.since, -1))
        return max(starts, default="") or None

    def _dated(self, prefix: str) -> bool:
        """Return whether dates are what comes next in a folder."""
        return prefix.endswith("/") and len(below_logs(prefix) or ()) == _LEVELS

    def _pages(self, **request: str) -> Iterator[dict[str, Any]]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only where S3 is the source

        try:
            yield from self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, **request)
        except (BotoCoreError, ClientError) as error:
            raise UnreadableFileError(f"bucket {self.bucket!r} cannot be listed: {error}") from error

    def read(self, file: SourceFile) -> bytes | None:
        """Return an object's bytes; None where it is gone since it was listed.

        Raises:
            UnreadableFileError: for one that may not be read, is archived, or is larger than allowed.
            TrailError: for a name of another bucket.
        """
        found = self.read_with_metadata(file)
        return None if found is None else found[0]

    def read_with_metadata(self, file: SourceFile) -> tuple[bytes, Mapping[str, str]] | None:
        """Return an object's bytes and its metadata; otherwise as :meth:`read`."""
        prefix = f"s3://{self.bucket}/"
        if not file.name.startswith(prefix):
            raise TrailError(f"file {file.name!r} is of another place than bucket {self.bucket!r}")
        key = file.name[len(prefix) :]
        if file.version is not None:
            return self._get(file.name, Key=key, VersionId=file.version)
        if file.etag is None:
            return self._get(file.name, Key=key)
        try:
            return self._get(file.name, Key=key, IfMatch=file.etag)
        except _ReplacedError:
            version = self._version(file.name, key, file.etag)
        return None if version is None else self._get(file.name, Key=key, VersionId=version)

    def _get(self, name: str, **request: str) -> tuple[bytes, Mapping[str, str]] | None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            answer = self.client.get_object(Bucket=self.bucket, **request)
            if answer["ContentLength"] > self.max_bytes:
                answer["Body"].close()
                raise UnreadableFileError(f"file {name!r} is larger than {self.max_bytes} bytes, the most allowed")
            data: bytes = answer["Body"].read()
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _GONE:
                return None
            if code in _REPLACED:
                raise _ReplacedError from error
            raise UnreadableFileError(f"file {name!r} cannot be read: {error}") from error
        except BotoCoreError as error:
            raise UnreadableFileError(f"file {name!r} cannot be read: {error}") from error
        return data, {key.lower(): value for key, value in answer.get("Metadata", {}).items()}

    def _version(self, name: str, key: str, etag: str) -> str | None:
        """Return the version that has the bytes that were listed, if the bucket still has it."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            pages = self.client.get_paginator("list_object_versions").paginate(
                Bucket=self.bucket, Prefix=key, PaginationConfig={"MaxItems": _MAX_VERSIONS}
            )
            for page in pages:
                for each in page.get("Versions", ()):
                    if each["Key"] == key and each["ETag"] == etag:
                        version: str = each["VersionId"]
                        return version
        except (BotoCoreError, ClientError) as error:
            raise UnreadableFileError(
                f"file {name!r} was replaced since it was listed, and its versions cannot be listed: {error}"
            ) from error
        return None

    def covers(self, name: str) -> bool:
        """Return whether a name would be listed here if the object were there."""
        return name.startswith(f"s3://{self.bucket}/{self.prefix}") and self.keys.covers(name)


class _ReplacedError(Exception):
    """The object is not the one that was listed."""


def _folder(day: date, shift: int) -> str:
    """Return the folder of a day, moved by some."""
    try:
        return (day + timedelta(days=shift)).strftime("%Y/%m/%d")
    except OverflowError:
        return day.strftime("%Y/%m/%d")
