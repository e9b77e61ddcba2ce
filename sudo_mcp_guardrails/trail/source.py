"""Where trail files come from: a directory, a file, or S3."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that may hold a trail.

    Attributes:
        name: as it stands in the ledger: path below the directory, or ``s3://bucket/key``.
        size: bytes, as stored.
    """

    name: str
    size: int


class Source(Protocol):
    """A set of files."""

    def files(self) -> Iterator[SourceFile]:
        """Yield the files, in the order of their names."""
        ...

    def read(self, file: SourceFile) -> bytes | None:
        """Return a file's bytes as stored; None where it is gone since it was listed."""
        ...
