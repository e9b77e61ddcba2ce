"""Puts an export into a folder, and takes an earlier one out of it, without touching anything else."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.export.manifest import MANIFEST, ExportError, check_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sudo_mcp_guardrails.policies.export.manifest import ExportFile

_TERRAFORM: Final = (".terraform", "terraform.tfstate")
"""How the names begin of what Terraform itself keeps beside a module: its plugins, its lock file and its state."""
_SHOWN: Final = 3


def write(files: Sequence[ExportFile], directory: Path, *, force: bool = False) -> None:
    """Write all files of an export, manifest included.

    What an earlier export has left there, unchanged since, is replaced; its files that are no longer made go away.

    Args:
        files: The files.
        directory: Where; made if it is not there.
        force: Whether to write also where there are other files. These stay, but for those of the same path.

    Raises:
        ExportError: For a folder with other files, a path that is no folder, and one that cannot be written.
    """
    if directory.exists() and not directory.is_dir():
        raise ExportError(f"{str(directory)!r} is no folder, expected one that is empty or not there yet")
    root = directory.resolve()
    try:
        ours = _earlier(directory)
        others = [path for path in _present(directory) if path not in ours and path != MANIFEST]
        if (directory / MANIFEST).exists() and not ours:
            others.append(MANIFEST)
        if others and not force:
            shown = ", ".join(repr(path) for path in others[:_SHOWN]) + (" …" if len(others) > _SHOWN else "")
            raise ExportError(
                f"folder {str(directory)!r} has {len(others)} files that no export has written, or that were changed "
                f"since: {shown}; give an empty folder, or --force"
            )
        for path in sorted(ours - {file.path for file in files}):
            (directory / path).unlink()
        for file in files:
            target = directory / file.path
            if not target.resolve().is_relative_to(root):
                raise ExportError(f"file {file.path!r} leads out of {str(directory)!r} by a link, expected none")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.data)
    except OSError as error:
        raise ExportError(f"cannot write to {str(directory)!r}: {error}") from None


def _present(directory: Path) -> Iterator[str]:
    """Yield the files in a folder, in order, without what Terraform keeps."""
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if not any(part.startswith(_TERRAFORM) for part in relative.parts) and (path.is_symlink() or path.is_file()):
            yield relative.as_posix()


def _earlier(directory: Path) -> set[str]:
    """Return the files of an earlier export that nobody has changed since."""
    try:
        found: Any = json.loads((directory / MANIFEST).read_bytes())
        entries = [(str(entry["file"]), str(entry["sha256"])) for entry in found["files"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return set()
    return {path for path, digest in entries if _unchanged(directory, path, digest)}


def _unchanged(directory: Path, path: str, digest: str) -> bool:
    """Return whether a file is the one that a manifest names. A manifest may be anybody's: it names no other place."""
    try:
        check_path(path)
    except ExportError:
        return False
    file = directory / path
    if not file.is_file() or not file.resolve().is_relative_to(directory.resolve()):
        return False
    return hashlib.sha256(file.read_bytes()).hexdigest() == digest
