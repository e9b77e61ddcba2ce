"""What an export is: files with their digests, the same bytes for the same input."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MANIFEST: Final = "manifest.json"


class ExportError(GuardrailsError):
    """Something cannot be exported, or not to that place; the message names it and what is allowed."""


@dataclass(frozen=True)
class ExportFile:
    """One file of an export.

    Args:
        path: Where, below the export's folder; POSIX, relative.
        data: What it holds.
        notes: What else the manifest says of it, such as the characters of a policy and their limit.

    Raises:
        ExportError: For a path that leads out of the folder.
    """

    path: str
    data: bytes
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Validate; parts of the path are names that come from templates."""
        check_path(self.path)

    @property
    def sha256(self) -> str:
        """Digest, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the file's entry in the manifest."""
        return {"file": self.path, "bytes": len(self.data), "sha256": self.sha256, **self.notes}


@dataclass(frozen=True)
class Export:
    """All files of one export but the manifest.

    Args:
        format: Its name.
        files: The files.
        left_out: What the input has and this form does not, in words.

    Raises:
        ExportError: For no file, and for two of one path, which some file systems tell apart by case and some do not.
    """

    format: str
    files: tuple[ExportFile, ...]
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate and sort."""
        if not self.files:
            raise ExportError(f"export {self.format!r} has no file, expected at least one policy, role or template")
        object.__setattr__(self, "files", tuple(sorted(self.files, key=lambda file: file.path)))
        seen: dict[str, str] = {MANIFEST: MANIFEST}
        for file in self.files:
            other = seen.setdefault(file.path.casefold(), file.path)
            if other is not file.path:
                raise ExportError(f"files {other!r} and {file.path!r} have one name, expected names of their own")

    def manifest(self, versions: Mapping[str, str], settings: Mapping[str, Any]) -> ExportFile:
        """Return the manifest: no time and no place, so that the same input gives the same bytes.

        Args:
            versions: Of what made the export, such as ``{"sudo-mcp-guardrails": "0.1.0"}``.
            settings: What it was made for.
        """
        return ExportFile(
            MANIFEST,
            pretty(
                {
                    "format": self.format,
                    "versions": dict(versions),
                    "settings": dict(settings),
                    "files": [file.to_dict() for file in self.files],
                    "leftOut": list(self.left_out),
                }
            ),
        )


def check_path(path: str) -> None:
    """Check that a path stays below the folder that it is relative to.

    Raises:
        ExportError: Where it does not.
    """
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or "\\" in path or ".." in parts or "\0" in path or ":" in path:
        raise ExportError(f"file {path!r} is not allowed, expected a relative path without '..', backslash and colon")


def pretty(value: object) -> bytes:
    """Return JSON for people and for version control."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def versions(package: str) -> dict[str, str]:
    """Return the versions that an export depends on.

    Args:
        package: Version of this library.
    """
    from sudo_mcp_guardrails.iam.catalogue import catalogue_version  # noqa: PLC0415 - reads the action catalogue

    return {"sudo-mcp-guardrails": package, "actionCatalogue": catalogue_version()}


def total(files: Iterable[ExportFile]) -> int:
    """Return the bytes of files."""
    return sum(len(file.data) for file in files)
