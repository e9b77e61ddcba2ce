"""The parts of the sandbox by themselves: they need no bubblewrap."""

from __future__ import annotations

import platform
import re
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from sudo_mcp_guardrails.gateway.sandbox import available
from sudo_mcp_guardrails.gateway.sandbox.errors import SandboxError
from sudo_mcp_guardrails.gateway.sandbox.paths import program_of, readable_paths
from sudo_mcp_guardrails.gateway.sandbox.profile import Destination, Profile
from sudo_mcp_guardrails.gateway.sandbox.seccomp import program, seccomp_filter
from sudo_mcp_guardrails.gateway.sandbox.staging import Staging
from sudo_mcp_guardrails.gateway.sandbox.syscalls import DENIED, NUMBERS

ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def decided(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """Run the filter as the kernel does."""
    data = struct.pack("<II", number, architecture or ARCHITECTURES[machine])
    data += struct.pack("<Q", 0) + b"".join(struct.pack("<Q", each) for each in (*arguments, *[0] * 6)[:6])
    register, at = 0, 0
    steps = program(machine)
    while True:
        code, true, false, operand = steps[at]
        at += 1
        if code == 0x20:
            (register,) = struct.unpack_from("<I", data, operand)
        elif code == 0x06:
            return operand
        else:
            met = {0x15: register == operand, 0x35: register >= operand, 0x45: bool(register & operand)}[code]
            at += true if met else false


@pytest.mark.parametrize("machine", NUMBERS)
def test_what_the_filter_says(machine: str) -> None:
    numbers = NUMBERS[machine]
    for name in DENIED:
        if name in numbers:
            assert decided(machine, numbers[name]) == EPERM, name
    assert decided(machine, numbers["clone3"]) == ENOSYS
    for flag in (0x10000000, 0x00020000, 0x40000000, 0x20000000, 0x08000000, 0x04000000, 0x02000000, 0x80):
        assert decided(machine, numbers["clone"], flag | 17) == EPERM
    assert decided(machine, numbers["clone"], 0x003D0F00) == ALLOW  # a thread
    assert decided(machine, numbers["clone"], 17) == ALLOW  # fork
    for family in range(50):
        wanted = ALLOW if family in {1, 2, 10, 16} else EPERM
        assert decided(machine, numbers["socket"], family) == wanted
        assert decided(machine, numbers["socketpair"], family) == wanted
    assert decided(machine, numbers["ioctl"], 0, 0x5412) == EPERM
    assert decided(machine, numbers["ioctl"], 0, 0x5401) == ALLOW
    mentioned = {*numbers.values()}
    assert all(decided(machine, each) == ALLOW for each in range(500) if each not in mentioned)
    assert decided(machine, 0, architecture=0x40000003) == KILL
    if machine == "x86_64":
        assert decided(machine, 0x40000000 + numbers["mount"]) == KILL


def test_the_filter_is_the_kernels_array() -> None:
    for machine in NUMBERS:
        assert len(seccomp_filter(machine)) == 8 * len(program(machine))
        assert all(max(true, false) < 256 for _, true, false, _ in program(machine))
    with pytest.raises(SandboxError, match="riscv64"):
        seccomp_filter("riscv64")


@pytest.mark.parametrize(
    ("machine", "header"),
    [
        ("x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
        ("aarch64", "/usr/include/asm-generic/unistd.h"),
    ],
)
def test_numbers_are_the_kernels(machine: str, header: str) -> None:
    if not Path(header).exists():
        pytest.skip(f"{header} is not installed")
    text = Path(header).read_text(encoding="utf-8")
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text))
    compared = {name: int(found[name]) for name in NUMBERS[machine] if name in found}
    assert len(compared) > 40
    assert {name: NUMBERS[machine][name] for name in compared} == compared


@pytest.mark.parametrize(
    "given",
    [
        {"memory": 0},
        {"memory": True},
        {"processes": 1},
        {"files": -1},
        {"cpu": 1.5},
        {"scratch": 1 << 60},
        {"environment": {"AWS_SECRET_ACCESS_KEY": "x"}},
        {"environment": {"AWS_SESSION_TOKEN": "x"}},
        {"environment": {"GITHUB_TOKEN": "x"}},
        {"environment": {"LD_PRELOAD": "x"}},
        {"environment": {"A=B": "x"}},
        {"environment": {"A": "x\0y"}},
        {"readable": (Path("/"),)},
        {"readable": (Path.home(),)},
        {"readable": (Path("/proc/1"),)},
        {"readable": (Path("/etc"),)},
        {"writable": (Path("relative"),)},
        {"writable": (Path("/nowhere/at/all"),)},
    ],
    ids=str,
)
def test_bad_profiles(given: dict[str, Any]) -> None:
    with pytest.raises(SandboxError):
        Profile(**given)


@pytest.mark.parametrize(
    "host", ["", "*", "*.example.com", "Example.com", "a b", "-a", "a..b", "::1", "a" * 254, "a\n"]
)
def test_bad_hosts(host: str) -> None:
    with pytest.raises(SandboxError):
        Destination(host)


@pytest.mark.parametrize("port", [0, -1, 65536, True])
def test_bad_ports(port: int) -> None:
    with pytest.raises(SandboxError):
        Destination("example.com", port)


@pytest.mark.parametrize("command", [[], ["/nowhere/server"], ["docker"], ["uvx", "x"]], ids=str)
def test_commands_that_no_sandbox_holds(command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("docker", "uvx"):
        (tmp_path / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError):
        program_of(command)


def test_what_a_command_reads(tmp_path: Path) -> None:
    script = tmp_path / "s.py"
    script.touch()
    found = readable_paths([sys.executable, str(script), "--flag", "not-a-file"])
    assert script in found
    assert Path(sys.prefix) in found or Path(sys.prefix).is_relative_to("/usr")
    assert not any(Path.home().is_relative_to(path) for path in found)
    assert readable_paths(["/usr/bin/env"]) == ()


def test_refused_where_it_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    available.require_sandbox.cache_clear()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "platform", "darwin")
            with pytest.raises(SandboxError, match="Linux on x86_64 and aarch64 alone"):
                available.require_sandbox()
        with monkeypatch.context() as patch:
            patch.setattr(platform, "machine", lambda: "riscv64")
            with pytest.raises(SandboxError, match="riscv64"):
                available.require_sandbox()
        with monkeypatch.context() as patch:
            patch.setattr("shutil.which", lambda *_, **__: None)
            with pytest.raises(SandboxError, match="install bubblewrap"):
                available.require_sandbox()
    finally:
        available.require_sandbox.cache_clear()


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo bubblewrap 0.4.1", "0.8.0 or later"),
        ('[ "$1" = --version ] && echo bubblewrap 0.9.0 && exit; echo No permissions >&2; exit 1', "No permissions"),
    ],
)
def test_refused_where_bubblewrap_or_the_kernel_does_not(
    script: str, why: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bwrap"
    fake.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    fake.chmod(0o755)
    tmp_path.chmod(0o755)
    real = available.tool
    from sudo_mcp_guardrails.gateway.sandbox import launch

    for module in (available, launch):
        monkeypatch.setattr(module, "tool", lambda name: str(fake) if name == "bwrap" else real(name))
    monkeypatch.setattr(Staging, "prefix", lambda _: [])
    available.require_sandbox.cache_clear()
    try:
        with pytest.raises(SandboxError, match=why):
            available.require_sandbox()
    finally:
        available.require_sandbox.cache_clear()
