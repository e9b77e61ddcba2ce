"""What the sandbox shows, and how root gives up being root before it starts one.

For a user, bubblewrap binds what that user can read. Root could read everything, and the kernel's limit on processes
does not hold for it, so it becomes nobody. Nobody cannot reach below root's home, where interpreters are often
installed: so each path is first bound into a folder that nobody reaches, in a mount namespace of this launch alone.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.sandbox.available import tool

if TYPE_CHECKING:
    from pathlib import Path

NOBODY: Final = 65534
_SCRIPT: Final = (
    'set -e; n=$1; shift; while [ "$n" -gt 0 ]; do mount --bind -- "$1" "$2"; shift 2; n=$((n-1)); done; '
    'exec env -i "$@"'
)


class Staging:
    """Collects what is shown, and says what has to run before bubblewrap."""

    def __init__(self, folder: Path) -> None:
        """Take a folder of this launch alone."""
        self._folder = folder
        self._root = os.geteuid() == 0
        self._staged: list[str] = []
        if self._root:
            folder.chmod(0o755)

    def bind(self, source: Path, target: Path, *, writable: bool = False) -> list[str]:
        """Return bubblewrap's arguments that show a path under another.

        Args:
            source: File or folder, as it is here.
            target: Where the server finds it.
            writable: Whether it may write there. Started by root, it does so as nobody.
        """
        option = "--bind" if writable else "--ro-bind"
        if not self._root:
            return [option, str(source), str(target)]
        place = self._folder / str(len(self._staged) // 2)
        if source.is_dir():
            place.mkdir()
        else:
            place.touch()
        self._staged += [str(source), str(place)]
        return [option, str(place), str(target)]

    def prefix(self) -> list[str]:
        """Return what runs before bubblewrap: nothing for a user."""
        if not self._root:
            return []
        count = str(len(self._staged) // 2)
        return [
            *(tool("unshare"), "--mount", "--propagation", "private", "--", tool("sh"), "-c", _SCRIPT, "sh", count),
            *self._staged,
            *(tool("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"),
        ]
