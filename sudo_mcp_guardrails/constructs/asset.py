"""What a handler's asset holds: the handler and the modules of this package that it reaches, and nothing else."""

from __future__ import annotations

import ast
import shutil
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE: Final = "sudo_mcp_guardrails"
_ROOT: Final = Path(__file__).parent.parent
_ROOMS_OF_ASSETS: Final = frozenset(
    {"agents", "agent_checks", "approval", "compliance", "detection", "errors", "gateway", "handlers", "iam"}
    | {"policies", "regions", "response", "sops", "state", "trail"}
)
"""What may be in an asset: the pure rooms and the handlers."""


class AssetError(GuardrailsError):
    """A handler that reaches for what no asset may hold."""


def handler_name(handler: str) -> str:
    """Return what Lambda calls: the function ``handler`` of a module of ``handlers/``."""
    return f"{PACKAGE}.handlers.{handler}.handler"


def reached(handler: str) -> tuple[str, ...]:
    """Return the files that a handler needs, relative to the package's parent, in order.

    Followed are the imports as they are written, also those inside functions and of modules that are loaded lazily;
    not those for type checkers alone. Third-party imports are not followed: a handler may use what Lambda has, the
    standard library and boto3, and ``make lint`` and the tests of the assets hold it to that. Files beside a module
    that are no Python, such as a template in JSON, come with their package.

    Args:
        handler: Name of the module in ``handlers/``.

    Raises:
        AssetError: For an unknown handler, or one that reaches a room that no asset may hold.
    """
    start = f"{PACKAGE}.handlers.{handler}"
    if _file(start) is None:
        raise AssetError(f"handler {handler!r} is not known, expected a module of {PACKAGE}.handlers")
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        file = _file(name)
        if name in seen or file is None:  # the latter for a name that is imported from a module
            continue
        room = name.split(".")[1] if "." in name else ""
        if room and room not in _ROOMS_OF_ASSETS:
            raise AssetError(f"handler {handler!r} reaches {name!r}, allowed in an asset are the pure rooms")
        seen.add(name)
        waiting += _imports(file, name)
        waiting += [name.rsplit(".", 1)[0]] if "." in name else []
    files = {found for name in seen if (found := _file(name)) is not None}
    packages = {file.parent for file in files if file.name == "__init__.py" and file.parent != _ROOT}
    data = {
        file
        for package in packages
        for file in package.iterdir()
        if file.is_file() and file.suffix not in {".py", ".pyc"} and not file.name.startswith(".")
    }
    return tuple(sorted(file.relative_to(_ROOT.parent).as_posix() for file in files | data))


@contextmanager
def staged(*handlers: str) -> Iterator[str]:
    """Lay the files of handlers out in a directory, for as long as the CDK copies them.

    The same sources give the same bytes and names, so that the CDK gives the asset the same name.

    Args:
        handlers: Names of modules in ``handlers/``.

    Yields:
        The directory's path.

    Raises:
        AssetError: As for :func:`reached`.
    """
    with TemporaryDirectory() as directory:
        for name in sorted({file for handler in handlers for file in reached(handler)}):
            target = Path(directory) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(_ROOT.parent / name, target)
        yield directory


def _file(name: str) -> Path | None:
    """Return the file of a module or package of ours."""
    path = _ROOT.parent.joinpath(*name.split("."))
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.is_file():
            return file
    return None


def _imports(file: Path, name: str) -> list[str]:
    """Return the names of ours that a module imports, those for type checkers left out."""
    found: list[str] = []
    waiting: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"), filename=name)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        waiting += ast.iter_child_nodes(node)
    return sorted({module for module in found if module.split(".")[0] == PACKAGE})
