"""Trail files of a directory, or one file."""

from __future__ import annotations

import os
import stat
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.errors import TrailError, UnreadableFileError
from sudo_mcp_guardrails.trail.source import SourceFile
from sudo_mcp_guardrails.trail.sources.keys import KeyRange
from sudo_mcp_guardrails.trail.sources.sidecar import MAX_SIDECAR_BYTES, METADATA, SIGNATURE, read_sidecars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
"""Most bytes of one file, as stored; CloudTrail's own have some ten megabytes at most."""
MAX_NOTES: Final = 1000
"""Most notes that :attr:`DirectorySource.passed_over` keeps."""


class DirectorySource:
    """The files of a directory and of those in it, in the order of their names; or one file.

    Links are not followed: what a link within the directory points to is listed itself, and what lies outside was not
    asked for. Links that lead outside or nowhere, and what is no regular file, are noted in :attr:`passed_over`.
    Memory is that of the names in one directory and in those above it.

    Digests of CloudTrail that were copied from S3 lack their metadata, which holds the signature. It is looked for
    beside the file, see :mod:`~sudo_mcp_guardrails.trail.sources.sidecar`.

    Args:
        root: the directory or the file.
        keys: which files; all when left out.
        max_bytes: most bytes of one file, 256 MiB when left out.

    Raises:
        TrailError: For a root that is not there, or neither a directory nor a file.
    """

    def __init__(self, root: Path | str, keys: KeyRange | None = None, *, max_bytes: int = MAX_FILE_BYTES) -> None:
        self.root = Path(root).resolve()
        self.keys = keys or KeyRange()
        self.max_bytes = max_bytes
        self.passed_over: list[tuple[str, str]] = []
        self._odd: dict[str, Path] = {}
        self._alone = self.root.is_file()
        if not self._alone and not self.root.is_dir():
            raise TrailError(f"source {str(root)!r} is not there, expected a directory or a file")

    def files(self) -> Iterator[SourceFile]:
        """Yield the files, in the order of their names.

        Raises:
            UnreadableFileError: for a directory that may not be listed.
        """
        self.passed_over.clear()
        if self._alone:
            yield SourceFile(self._name(self.root.name, self.root), self.root.stat().st_size)
            return
        pending = self._entries(self.root, "")
        while pending:
            name, entry = pending.pop()
            if name.endswith("/"):
                pending += self._entries(entry.path, name)
            elif (file := self._file(entry, name)) is not None and self.keys.covers(file.name):
                yield file

    def _entries(self, directory: Path | str, prefix: str) -> list[tuple[str, os.DirEntry[str]]]:
        """Return what is in a directory, the last first; a directory's own name sorts as its files' names do."""
        try:
            with os.scandir(directory) as entries:
                found = [(prefix + e.name + "/" * e.is_dir(follow_symlinks=False), e) for e in entries]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UnreadableFileError(f"directory {str(directory)!r} cannot be listed: {error.strerror}") from error
        return sorted(found, key=itemgetter(0), reverse=True)

    def _file(self, entry: os.DirEntry[str], name: str) -> SourceFile | None:
        path = Path(entry.path)
        try:
            if entry.is_symlink():
                self._note_link(path, name)
                return None
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(status.st_mode):
            self._note(name, "not a regular file")
            return None
        return SourceFile(self._name(name, path), status.st_size)

    def _name(self, name: str, path: Path) -> str:
        """Return the name as text that can be stored, also where the file system has bytes that are no UTF-8."""
        try:
            name.encode()
        except UnicodeEncodeError:
            name = os.fsencode(name).decode("utf-8", "backslashreplace")
            self._odd[name] = path
        return name

    def _note_link(self, path: Path, name: str) -> None:
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError):
            self._note(name, "a link to nothing")
            return
        if not target.is_relative_to(self.root):
            self._note(name, "a link that leads outside")

    def _note(self, name: str, reason: str) -> None:
        if len(self.passed_over) < MAX_NOTES:
            self.passed_over.append((name.encode("utf-8", "backslashreplace").decode(), reason))

    def read(self, file: SourceFile) -> bytes | None:
        """Return a file's bytes; None where it is gone since it was listed.

        Raises:
            UnreadableFileError: for a file that may not be read, is no regular file, or is larger than allowed.
            TrailError: for a name that leads outside the directory.
        """
        return self._read(self._path(file.name), file.name, self.max_bytes)

    def read_with_metadata(self, file: SourceFile) -> tuple[bytes, Mapping[str, str]] | None:
        """Return a file's bytes and, from beside it, the metadata it had in S3; None where it is gone.

        Raises:
            UnreadableFileError: as :meth:`read`, and for metadata of another form.
        """
        path = self._path(file.name)
        data = self._read(path, file.name, self.max_bytes)
        if data is None:
            return None

        def beside(suffix: str) -> bytes | None:
            return self._read(path.with_name(path.name + suffix), file.name + suffix, MAX_SIDECAR_BYTES)

        return data, read_sidecars(file.name, beside(METADATA), beside(SIGNATURE))

    def covers(self, name: str) -> bool:
        """Return whether a name would be listed here if the file were there."""
        return not name.startswith("s3://") and (name == self.root.name if self._alone else self.keys.covers(name))

    def _path(self, name: str) -> Path:
        if self._alone and name == self.root.name:
            return self.root
        path = self._odd.get(name) or self.root / name
        base = self.root.parent if self._alone else self.root
        # The last part is not followed when it is opened; a link before it could lead anywhere.
        if "\0" in name or not path.parent.resolve().is_relative_to(base):
            raise TrailError(f"file {name!r} leads outside {str(base)!r}")
        return path

    def _read(self, path: Path, name: str, limit: int) -> bytes | None:
        # Without O_NONBLOCK a pipe that took the file's place would be waited for.
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            descriptor = os.open(path, flags)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UnreadableFileError(f"file {name!r} cannot be read: {error.strerror}") from error
        try:
            with open(descriptor, "rb") as stream:  # noqa: PTH123 - it is open already
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise UnreadableFileError(f"file {name!r} cannot be read: not a regular file")
                data = stream.read(limit + 1)
        except OSError as error:
            raise UnreadableFileError(f"file {name!r} cannot be read: {error.strerror}") from error
        if len(data) > limit:
            raise UnreadableFileError(f"file {name!r} is larger than {limit} bytes, which is the most allowed")
        return data
