"""A seccomp filter as classic BPF, assembled here: what a server may not ask of the kernel.

It refuses the calls of :data:`~sudo_mcp_guardrails.gateway.sandbox.syscalls.DENIED`, new namespaces by ``clone``,
sockets of other families than Unix, IPv4, IPv6 and netlink (vsock is not held by a network namespace), and typing into
a terminal. ``clone3`` does not exist in it: its flags lie in memory, where no filter sees them, and libc falls back.
Calls of another architecture, and x86's x32, end the process. See seccomp(2) and ``linux/filter.h``.
"""

from __future__ import annotations

import errno
import struct
from typing import Final

from sudo_mcp_guardrails.gateway.sandbox.errors import SandboxError
from sudo_mcp_guardrails.gateway.sandbox.syscalls import DENIED, NUMBERS

_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32: Final = 0x40000000
_NAMESPACES: Final = 0x7E020080
"""CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
_FAMILIES: Final = (1, 2, 10, 16)
"""AF_UNIX, AF_INET, AF_INET6, AF_NETLINK."""
_TERMINAL: Final = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX."""

_LOAD, _EQUAL, _LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_KILL, _ERRNO, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

Instruction = tuple[int, int, int, int]


def seccomp_filter(machine: str) -> bytes:
    """Return the filter as the kernel takes it, an array of ``struct sock_filter``.

    Args:
        machine: As ``uname -m`` says it.

    Raises:
        SandboxError: The machine is another than x86_64 or aarch64, in their little-endian forms.
    """
    if machine not in NUMBERS:
        raise SandboxError(f"no seccomp filter for machine {machine!r}; expected one of {', '.join(sorted(NUMBERS))}")
    return b"".join(struct.pack("<HBBI", *each) for each in program(machine))


def program(machine: str) -> list[Instruction]:
    """Return the filter's instructions: code, jump if true, jump if false, operand."""
    numbers = NUMBERS[machine]
    refuse: Instruction = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
    found: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        found += [(_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _KILL)]
    for name in DENIED:
        if name in numbers:
            found += [(_EQUAL, 0, 1, numbers[name]), refuse]
    found += [(_EQUAL, 0, 1, numbers["clone3"]), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    found += _argument(numbers["clone"], 0, [(_ANY_BIT, 0, 1, _NAMESPACES), refuse])
    found += _argument(numbers["ioctl"], 1, [each for code in _TERMINAL for each in ((_EQUAL, 0, 1, code), refuse)])
    for name in ("socket", "socketpair"):
        jumps = [(_EQUAL, len(_FAMILIES) - number, 0, family) for number, family in enumerate(_FAMILIES)]
        found += _argument(numbers[name], 0, [*jumps, refuse])
    return [*found, (_RETURN, 0, 0, _ALLOW)]


def _argument(number: int, argument: int, body: list[Instruction]) -> list[Instruction]:
    """Return instructions that look at the lower half of an argument where a call has a number, and go on otherwise."""
    inner = [(_LOAD, 0, 0, _ARGUMENTS + 8 * argument), *body, (_LOAD, 0, 0, _NUMBER)]
    return [(_EQUAL, 0, len(inner), number), *inner]
