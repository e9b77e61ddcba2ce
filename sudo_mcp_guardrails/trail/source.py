"""Where trail files come from: a directory, a file, or S3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that may hold a trail.

    Attributes:
        name: as it stands in the ledger: path below the directory, or ``s3://bucket/key``.
        size: bytes, as stored; what was listed, so that a file that is named and not listed may say 0.
        etag: S3's ETag of what was listed: these bytes are read, or none.
        version: S3's version id, where it is known, as it is from a notification: it is what is read.
    """

    name: str
    size: int
    etag: str | None = None
    version: str | None = None


class Source(Protocol):
    """A set of files."""

    def files(self) -> Iterator[SourceFile]:
        """Yield the files, in the order of their names."""
        ...

    def read(self, file: SourceFile) -> bytes | None:
        """Return a file's bytes as stored; None where it is gone since it was listed.

        Raises:
            UnreadableFileError: for a file that is there but cannot be read.
        """
        ...


class KeepingSource(Source, Protocol):
    """A source that also knows what stands beside a file's bytes, and which names are its own."""

    def read_with_metadata(self, file: SourceFile) -> tuple[bytes, Mapping[str, str]] | None:
        """Return a file's bytes and its S3 metadata, by names in lower case without ``x-amz-meta-``; None as above."""
        ...

    def covers(self, name: str) -> bool:
        """Return whether a name, of the ledger, is one that this source would list if the file were there."""
        ...
