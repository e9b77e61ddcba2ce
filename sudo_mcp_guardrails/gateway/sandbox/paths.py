"""What of the file system a command needs to run: its program, interpreter and packages, and nothing of the user's."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

SYSTEM: Final = Path("/usr")
_LINKS: Final = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_CONFIGURATION: Final = (
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime"),
    *("/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted"),
)
_ELSEWHERE: Final = frozenset(
    {"docker", "podman", "finch", "nerdctl", "uvx", "uv", "npx", "pipx", "bunx", "pnpx", "npm"}
)
_WIDE: Final = frozenset(map(Path, ("/", "/home", "/root", "/tmp", "/var", "/etc", "/opt", "/srv", "/mnt")))  # noqa: S108


def program_of(command: Sequence[str]) -> Path:
    """Return the path of a command's program.

    Raises:
        SandboxError: It is not there, or it starts the server elsewhere, or fetches it, which a sandbox cannot hold.
    """
    if not command:
        raise SandboxError("there is no command to run in the sandbox")
    found = shutil.which(command[0])
    if found is None:
        raise SandboxError(f"program {command[0]!r} is not there, or cannot be run")
    if Path(found).name in _ELSEWHERE:
        raise SandboxError(
            f"{command[0]!r} starts the server in another process, or fetches it first, so a sandbox would not hold "
            "the server; install the server into a virtual environment and name its program, or run the guard with "
            "--no-sandbox where a container holds the server"
        )
    return Path(found).absolute()


def readable_paths(command: Sequence[str]) -> tuple[Path, ...]:
    """Return what a command needs to read beside :data:`SYSTEM`, the shortest paths that cover it.

    Raises:
        SandboxError: As :func:`program_of`, or a part of it lies in a folder that holds more than it.
    """
    program = program_of(command)
    found = _home_of(program)
    interpreter = _interpreter(program)
    if interpreter is not None:
        found += _home_of(interpreter)
    for word in command[1:]:
        path = Path(word).absolute()
        if word and not word.startswith("-") and path.is_file():
            found.append(next((each for each in path.parents if (each / "package.json").is_file()), path))
    outside = {path for path in found if not path.is_relative_to(SYSTEM)}
    for path in outside:
        if path in _WIDE or path == Path.home() or Path.home().is_relative_to(path):
            raise SandboxError(f"{path} would have to be shown to the server, and holds more than it; move the server")
    return tuple(
        sorted(path for path in outside if not any(path != each and path.is_relative_to(each) for each in outside))
    )


def system_arguments() -> list[str]:
    """Return bubblewrap's arguments for the read-only system: programs, libraries, and what these read of ``/etc``."""
    found = ["--ro-bind", str(SYSTEM), str(SYSTEM)]
    for link in map(Path, _LINKS):
        if link.is_symlink():
            found += ["--symlink", str(link.readlink()), str(link)]
        elif link.is_dir():
            found += ["--ro-bind", str(link), str(link)]
    for path in _CONFIGURATION:
        found += ["--ro-bind-try", path, path]
    return found


def _home_of(program: Path) -> list[Path]:
    """Return what a program needs: its virtual environment and the Python below that, or itself and its target."""
    environment = program.parent.parent
    settings = environment / "pyvenv.cfg"
    if not settings.is_file():
        real = program.resolve()
        prefix = real.parent.parent
        # A Python of its own folder, as uv and pyenv install them: bin/ beside lib/.
        return [program, prefix if real.name.startswith("python") and (prefix / "lib").is_dir() else real]
    lines = settings.read_text(encoding="utf-8").splitlines()
    home = next((line.partition("=")[2].strip() for line in lines if line.partition("=")[0].strip() == "home"), "")
    base = Path(home).resolve().parent if home else None
    return [environment, *([base] if base else []), *([Path(home).parent] if home else [])]


def _interpreter(program: Path) -> Path | None:
    with program.open("rb") as file:
        first = file.readline(512)
    if not first.startswith(b"#!"):
        return None
    words = first[2:].decode("utf-8", "replace").split()
    name = words[1] if len(words) > 1 and Path(words[0]).name == "env" else words[0] if words else ""
    found = shutil.which(name)
    if found is None:
        raise SandboxError(f"the interpreter {name!r} of {program} is not there, or cannot be run")
    return Path(found).absolute()
