"""What a sandboxed server may have."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.secret_names import is_secret_name
from sudo_mcp_guardrails.gateway.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Mapping

_HOST: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_VARIABLE: Final = re.compile(r"[A-Za-z_]\w{0,127}")
_CREDENTIALS: Final = re.compile(
    r"AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|CONTAINER_\w+|WEB_IDENTITY_\w+|SHARED_CREDENTIALS_FILE"
    r"|CONFIG_FILE)|SSH_\w+|LD_\w+|DBUS_\w+|BASH_ENV|ENV|PYTHONSTARTUP|NODE_OPTIONS"
)
_PRIVATE: Final = (
    ".ssh",
    ".aws",
    ".gnupg",
    ".kube",
    ".docker",
    ".config",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".git-credentials",
)
_MEGABYTE: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Destination:
    """A host that a server may reach, through the guard's proxy.

    Attributes:
        host: Its name in lower case, or an IPv4 address. No patterns.
        port: TCP.
        private: Whether its name may resolve to a private, loopback or link-local address, such as that of instance
            metadata; else such an address is refused.
    """

    host: str
    port: int = 443
    private: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no host or port."""
        if not _HOST.fullmatch(self.host):
            raise SandboxError(f"host {self.host!r} is none; expected a name in lower case, such as 'api.example.com'")
        if isinstance(self.port, bool) or not 1 <= self.port <= 65535:  # noqa: PLR2004 - the last port
            raise SandboxError(f"port {self.port!r} of {self.host} is none; expected 1 to 65535")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a sandboxed server may have; by default neither network nor files of the user.

    Attributes:
        network: Hosts that it may reach, over CONNECT alone; none by default.
        environment: Variables beside ``PATH``, ``HOME``, ``TMPDIR`` and ``LANG``. Those of credentials are refused.
        readable: Files and folders that it may read, beside its own program.
        writable: Folders that it may write.
        memory: Bytes of address space of each process. Node reserves much more than it uses: give it 16 GB or more.
        scratch: Bytes each of ``/tmp``, the home and ``/dev/shm``, which lie in memory and are gone at the end.
        processes: At most, threads included.
        files: Open at once by a process.
        cpu: Seconds of CPU time of each process; then it is ended.
        bytecode: Whether Python may read the bytecode that lies beside its packages. It starts seconds quicker and runs
            what no pin covers: a package may bring bytecode that is not of its source.
    """

    network: tuple[Destination, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    memory: int = 4096 * _MEGABYTE
    scratch: int = 64 * _MEGABYTE
    processes: int = 128
    files: int = 1024
    cpu: int = 3600
    bytecode: bool = False

    def __post_init__(self) -> None:
        """Refuse what would open the sandbox, and limits that are none."""
        for name, least in (("memory", 64 * _MEGABYTE), ("scratch", 4096), ("processes", 2), ("files", 16), ("cpu", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 1 << 50:
                raise SandboxError(f"{name} of the sandbox is {value!r}; expected a whole number from {least}")
        for name, value in self.environment.items():
            if not _VARIABLE.fullmatch(name) or "\0" in value:
                raise SandboxError(f"variable {name!r} of the sandbox is none; expected letters, digits and _")
            if _CREDENTIALS.fullmatch(name) or is_secret_name(name):
                raise SandboxError(
                    f"variable {name!r} would carry credentials, or foreign code, into the sandbox; "
                    "give the server what it needs through the guard"
                )
        for path in (*self.readable, *self.writable):
            _check(path)


def _check(path: Path) -> None:
    if not path.is_absolute() or not path.exists():
        raise SandboxError(f"path {path} of the sandbox is not there, or not absolute")
    real, home = path.resolve(), Path.home().resolve()
    closed = [
        home,
        *(home / name for name in _PRIVATE),
        *map(Path, ("/proc", "/sys", "/dev", "/etc", "/run", "/var/run")),
    ]
    for each in closed:
        inside = each != home and real.is_relative_to(each)
        if inside or each.is_relative_to(real):
            raise SandboxError(f"path {path} of the sandbox lies in, or holds, {each}, which no server gets")
