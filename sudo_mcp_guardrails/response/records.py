"""Where restore records are kept: each revision an object or a file of its own, which nobody writes again."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.response.errors import RecordError
from sudo_mcp_guardrails.response.record import MAX_BYTES, MAX_REVISIONS, RecordState, read_record
from sudo_mcp_guardrails.response.steps.pages import listed
from sudo_mcp_guardrails.state.targets import Target, TargetError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sudo_mcp_guardrails.response.record import RestoreRecord

_DIGITS: Final = 4
_SUFFIX: Final = ".json"


class Records(Protocol):
    """A store of restore records."""

    def latest(self, target: Target) -> RestoreRecord | None:
        """Return a target's newest revision; None where there is none.

        Raises:
            RecordError: It cannot be read, is damaged, or is another target's.
        """
        ...

    def save(self, record: RestoreRecord) -> None:
        """Write a revision down.

        Raises:
            RecordError: It cannot be, or the revision is there already: somebody else is at it.
        """
        ...

    def waiting(self) -> tuple[RestoreRecord, ...]:
        """Return the newest revisions of all targets that are contained.

        Raises:
            RecordError: As for :meth:`latest`.
        """
        ...


class S3Records:
    """Records in a bucket, which should have versions and an object lock.

    Args:
        s3: boto3's client of S3.
        bucket: Its name.
        prefix: What the keys begin with, ending in a slash.
    """

    def __init__(self, s3: Any, bucket: str, prefix: str = "containment/") -> None:  # noqa: ANN401 - of boto3
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix

    def latest(self, target: Target) -> RestoreRecord | None:
        """Return the newest revision."""
        keys = self._keys(f"{self._prefix}{_folder(target)}/")
        return self._read(keys[-1], target) if keys else None

    def save(self, record: RestoreRecord) -> None:
        """Write one down, unless there is one of its number (S3 user guide, "Conditional writes")."""
        key = f"{self._prefix}{_folder(record.target)}/{_name(record)}"
        try:
            self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=record.to_json().encode(),
                ContentType="application/json",
                IfNoneMatch="*",
                ChecksumAlgorithm="SHA256",
            )
        except RecordError:
            raise
        except Exception as error:
            raise RecordError(f"restore record {key!r} cannot be written: {_short(error)}") from error

    def waiting(self) -> tuple[RestoreRecord, ...]:
        """Return those of targets that are contained."""
        newest: dict[Target, str] = {}
        for key in self._keys(self._prefix):
            newest[_target(key.removeprefix(self._prefix).split("/", 1)[0])] = key
        return _contained(self._read(key, target) for target, key in newest.items())

    def _keys(self, prefix: str) -> list[str]:
        try:
            found = listed(
                lambda **more: {"Contents": [], **self._s3.list_objects_v2(Bucket=self._bucket, Prefix=prefix, **more)},
                "Contents",
                token="ContinuationToken",  # noqa: S106 - the name of a parameter
                answered="NextContinuationToken",
            )
        except RecordError:
            raise
        except Exception as error:
            raise RecordError(f"restore records in {self._bucket!r} cannot be listed: {_short(error)}") from error
        return sorted(item["Key"] for item in found if item["Key"].endswith(_SUFFIX))

    def _read(self, key: str, target: Target) -> RestoreRecord:
        try:
            text = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read(MAX_BYTES + 1)
        except Exception as error:
            raise RecordError(f"restore record {key!r} cannot be read: {_short(error)}") from error
        return _checked(read_record(text), target, key)


class DirectoryRecords:
    """Records in a directory, for a drill and for when there is nothing else.

    Args:
        directory: The directory; it is made on the first write.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def latest(self, target: Target) -> RestoreRecord | None:
        """Return the newest revision."""
        files = sorted((self._directory / _folder(target)).glob(f"*{_SUFFIX}"))
        return self._read(files[-1], target) if files else None

    def save(self, record: RestoreRecord) -> None:
        """Write one down, whole or not at all, unless there is one of its number."""
        file = self._directory / _folder(record.target) / _name(record)
        text = record.to_json()
        # Not the process's number alone: two threads may contain one target.
        draft = file.with_name(f".{file.name}.{os.getpid()}.{id(record)}")
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_text(text, encoding="utf-8")
            # A link, since a rename would replace what is there.
            file.hardlink_to(draft)
        except OSError as error:
            raise RecordError(f"restore record {file.name!r} cannot be written: {_short(error)}") from error
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def waiting(self) -> tuple[RestoreRecord, ...]:
        """Return those of targets that are contained."""
        if not self._directory.is_dir():
            return ()
        targets = [_target(folder.name) for folder in sorted(self._directory.iterdir()) if folder.is_dir()]
        return _contained(record for target in targets if (record := self.latest(target)) is not None)

    def _read(self, file: Path, target: Target) -> RestoreRecord:
        try:
            with file.open("rb") as stream:
                text = stream.read(MAX_BYTES + 1)
        except OSError as error:
            raise RecordError(f"restore record {file.name!r} cannot be read: {_short(error)}") from error
        return _checked(read_record(text), target, file.name)


def _contained(records: Iterable[RestoreRecord]) -> tuple[RestoreRecord, ...]:
    return tuple(record for record in records if record.state is RecordState.CONTAINED)


def _checked(record: RestoreRecord, target: Target, place: str) -> RestoreRecord:
    if record.target != target or not place.endswith(_name(record)):
        raise RecordError(
            f"restore record {place!r} is revision {record.revision} of {record.target.key!r}, expected one of "
            f"{target.key!r} by its number"
        )
    return record


def _name(record: RestoreRecord) -> str:
    if not 1 <= record.revision <= MAX_REVISIONS:
        raise RecordError(f"revision {record.revision} is out of bounds, allowed are 1 to {MAX_REVISIONS}")
    return f"{record.revision:0{_DIGITS}d}{_SUFFIX}"


def _folder(target: Target) -> str:
    """Return a target's folder: its key in characters that every file system has."""
    return target.key.replace(":", "=").replace("*", "@")


def _target(folder: str) -> Target:
    try:
        return Target.parse(folder.replace("=", ":").replace("@", "*"))
    except TargetError as error:
        raise RecordError(f"folder {folder[:80]!r} of restore records is no target's: {error}") from None


def _short(error: Exception) -> str:
    return f"{type(error).__name__} {str(error)[:200]}".replace("\n", " ")
