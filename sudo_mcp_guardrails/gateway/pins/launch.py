"""What is started, or reached, when a server is: its command and the digests of what that runs, or its URL.

A command that fetches something at start (an image by its tag, a package without version) is another program every day,
and is refused with a word on how to name it exactly.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pins.errors import PinError
from sudo_mcp_guardrails.gateway.pins.trees import file_digest, tree_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CONTAINERS: Final = frozenset({"docker", "podman", "finch", "nerdctl"})
_SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "fish", "env", "sudo", "su", "xargs", "nohup", "setsid"})
_FETCHERS: Final = frozenset({"npx", "bunx", "pnpx", "deno", "bun", "yarn", "pnpm", "npm", "pipx", "go"})
_IMAGE: Final = re.compile(r"[\w.:/-]{1,255}@sha256:[0-9a-f]{64}")
_EXACT: Final = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w,.-]+\])?(?:==|@)\d[\w.!+-]*")
_UVX_VALUES: Final = frozenset({"--from", "--with", "--python", "-p", "--index", "--default-index", "--exclude-newer"})
_UVX_FLAGS: Final = frozenset({"--quiet", "-q", "--offline", "--no-progress", "--isolated", "--no-config"})
_INSTALL_SECONDS: Final = 500
_PACKAGES: Final = ("lib*/python*/site-packages", "lib*/python*/dist-packages", "local/lib/python*/dist-packages")
_SCRIPTS: Final = frozenset({".py", ".js", ".mjs", ".cjs", ".ts"})


@dataclass(frozen=True, slots=True)
class LaunchPin:
    """How a server is started or reached.

    Attributes:
        command: It and its arguments; empty for a URL.
        files: By path, the digest of every file and folder that the command runs: program, interpreter, packages.
        packages: Version of each Python distribution in these folders, by name, for the reader of a diff.
        url: Of a server that is reached over HTTP; empty for a command.
        certificates: SHA-256 of the certificates (DER) that its host may show; empty for a command and for loopback.
    """

    command: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    certificates: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as the lock file has it."""
        if self.url:
            return {"url": self.url, "certificates": list(self.certificates)}
        return {"command": list(self.command), "files": dict(self.files), "packages": dict(self.packages)}


def launch_pin(command: Sequence[str]) -> LaunchPin:
    """Return what a command runs, as it is now. Hashes all of it: 0.1 to 2 s, once a start.

    Args:
        command: The server and its arguments.

    Raises:
        PinError: It is not there, or what it runs is not fixed by its text and by files.
    """
    if not command or any(not word or "\0" in word for word in command):
        raise PinError(f"command {list(command)!r} is no command; expected a program and its arguments")
    program = Path(command[0]).name
    if program in _SHELLS or program in _FETCHERS:
        raise PinError(
            f"command {command[0]!r} runs what its arguments fetch or name, so it cannot be pinned; "
            "install the server into a folder or a virtual environment and name its program"
        )
    if program in _CONTAINERS:
        if not any(_IMAGE.fullmatch(word) for word in command):
            raise PinError(f"command {' '.join(command)!r} names no image by digest; expected NAME@sha256:DIGEST")
        return LaunchPin(tuple(command), {str(_program(command[0])): file_digest(_program(command[0]))})
    if program == "uvx" or list(command[:3])[1:] == ["tool", "run"]:
        return _uvx(command)
    path = _program(command[0])
    files = {str(path): file_digest(path), **_interpreter(path)}
    environment = path.parent.parent
    in_environment = (environment / "pyvenv.cfg").is_file()
    if in_environment or program.startswith("python"):
        files |= _packages_of(environment if in_environment else path.resolve().parent.parent)
    for word in command[1:]:
        files |= _argument(word)
    if program.startswith("python") and not in_environment and not any(Path(w).is_file() for w in command[1:]):
        raise PinError(
            f"command {' '.join(command)!r} runs a module of an interpreter outside of a virtual environment; "
            "install the server into a virtual environment and name its program"
        )
    return LaunchPin(tuple(command), files, _versions(files))


def _program(word: str) -> Path:
    found = shutil.which(word)
    if found is None:
        raise PinError(f"program {word!r} is not there, or cannot be run")
    return Path(found).absolute()


def _interpreter(path: Path) -> dict[str, str]:
    """Return the digest of the interpreter that a script names in its first line."""
    with path.open("rb") as file:
        first = file.readline(512)
    if not first.startswith(b"#!"):
        return {}
    words = first[2:].decode("utf-8", "replace").split()
    if words and Path(words[0]).name == "env":
        words = words[1:]
    if not words or words[0].startswith("-"):
        raise PinError(f"script {path} names its interpreter as {first!r}; expected a path")
    interpreter = _program(words[0])
    return {str(interpreter): file_digest(interpreter)}


def _packages_of(environment: Path) -> dict[str, str]:
    folders = sorted(folder for pattern in _PACKAGES for folder in environment.glob(pattern))
    for folder in folders:
        for record in folder.glob("*.dist-info/direct_url.json"):
            if '"editable": true' in record.read_text(encoding="utf-8").replace('"editable":true', '"editable": true'):
                name = record.parent.name.removesuffix(".dist-info")
                raise PinError(f"{name} in {environment} is installed editable, so its files lie elsewhere; install it")
    return {str(folder): tree_digest(folder) for folder in folders}


def _argument(word: str) -> dict[str, str]:
    path = Path(word)
    if not path.is_file():
        return {}
    path = path.absolute()
    if path.suffix not in _SCRIPTS:
        return {str(path): file_digest(path)}
    # A script imports its neighbours; a package of Node, all below its package.json.
    home = next((folder for folder in path.parents if (folder / "package.json").is_file()), path.parent)
    return {str(home): tree_digest(home)}


def _versions(files: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for folder in files:
        for record in sorted(Path(folder).glob("*.dist-info")) if Path(folder).is_dir() else ():
            name, _, version = record.name.removesuffix(".dist-info").partition("-")
            found[name] = version
    return found


def _uvx(command: Sequence[str]) -> LaunchPin:
    """Pin what ``uvx`` would run: the environment that it makes for the exact version is made now, and hashed."""
    start = 1 if Path(command[0]).name == "uvx" else 3
    options: list[str] = []
    source = ""
    words = iter(command[start:])
    for word in words:
        if word == "--from":
            source = next(words, "")
        elif word in _UVX_VALUES:
            options += [word, next(words, "")]
        elif word in _UVX_FLAGS:
            options.append(word)
        elif word.startswith("-"):
            allowed = ", ".join(sorted(_UVX_VALUES | _UVX_FLAGS))
            raise PinError(f"option {word!r} of uvx is not known here; expected one of {allowed}")
        else:
            source = source or word
            break
    if not _EXACT.fullmatch(source) or source.endswith("@latest"):
        raise PinError(f"uvx runs {source!r}, whose version is not exact; expected NAME==VERSION or NAME@VERSION")
    spec = source if "==" in source else "==".join(source.rsplit("@", 1))
    probe = [*command[:start], *options, "--from", spec, "python", "-c", "import sys; print(sys.prefix)"]
    try:
        done = subprocess.run(probe, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PinError(f"uvx could not make the environment of {spec}: {error}") from None
    if done.returncode:
        raise PinError(f"uvx could not make the environment of {spec}: {done.stderr.strip()[-300:]}")
    files = _packages_of(Path(done.stdout.strip()))
    # Its path differs from machine to machine, and what counts is what it holds.
    return LaunchPin(tuple(command), {"site-packages": next(iter(files.values()), "")}, _versions(files))
