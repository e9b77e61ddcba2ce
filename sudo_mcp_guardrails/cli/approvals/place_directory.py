"""Records on disk: a copy of the bucket, or files of JSON lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.cli.approvals.files import read_file, reading
from sudo_mcp_guardrails.cli.approvals.stored import COPIES, NOT_READ, RECORD, Stored, counted
from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_LINE: Final = 4 * 1024 * 1024


class DirectoryPlace:
    """Files ``<chain>/<number>.json`` below a directory, or below ``records/`` in it, and files ``*.jsonl``.

    Args:
        path: of the directory, or of one file of JSON lines.

    Raises:
        InputError: there is no such directory or file, or too much in it.
    """

    def __init__(self, path: Path) -> None:
        self._files: dict[str, list[tuple[int, Path]]] = {}
        self._lines: dict[str, list[Stored]] = {}
        if path.is_file():
            self._take_lines(path)
            return
        if not path.is_dir():
            raise InputError(f"there is no {str(path)!r}, expected a directory of records or a file of JSON lines")
        below = path / COPIES.rstrip("/")
        root = below if below.is_dir() else path
        count = 0
        for folder, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                found = RECORD.fullmatch(file.relative_to(root).as_posix())
                if found:
                    self._files.setdefault(found["chain"], []).append((int(found["number"]), file))
                    count = counted(count, str(path))
                elif file.suffix == ".jsonl":
                    self._take_lines(file)

    def chains(self) -> list[str]:
        """Return the names of the chains."""
        return sorted({*self._files, *self._lines})

    def stored(self, chain: str) -> Iterator[Stored]:
        """Yield the files and lines of a chain."""
        for number, file in self._files.get(chain, ()):
            yield Stored(str(file), number, read_file(file))
        yield from self._lines.get(chain, ())

    def _take_lines(self, file: Path) -> None:
        from sudo_mcp_guardrails.approval.errors import EvidenceError
        from sudo_mcp_guardrails.approval.evidence import Record

        count = 0
        with reading(file), file.open("rb") as stream:
            number = 0
            while line := stream.readline(_MAX_LINE + 1):
                number += 1
                if len(line) > _MAX_LINE:
                    raise InputError(f"line {number} of {str(file)!r} has more than {_MAX_LINE} bytes")
                if not line.strip():
                    continue
                try:
                    chain = Record.from_line(line).chain
                except EvidenceError:
                    chain = NOT_READ
                self._lines.setdefault(chain, []).append(Stored(f"{file}:{number}", 0, line))
                count = counted(count, str(file))
