"""A hostile program tries to get out; each attempt works outside, where that is safe, so that each test can fail."""

from __future__ import annotations

import asyncio
import os
import py_compile
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.gateway.sandbox.launch import sandboxed
from sudo_mcp_guardrails.gateway.sandbox.profile import Destination, Profile
from tests.gateway.sandbox.running import PROBE, inside, outside, started

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("sandbox")
MEGABYTE = 1024 * 1024


@pytest.fixture
def listener() -> Iterator[int]:
    """A server on loopback that answers ping with pong; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    if connection.recv(4) == b"ping":
                        connection.sendall(b"pong")

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def test_environment_of_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted")
    assert outside("environ", "MARK=planted")["could"]
    assert not inside("environ", "planted")["could"]


def test_files_of_the_user(tmp_path: Path) -> None:
    secret = tmp_path / "credentials"
    secret.write_text("secret", encoding="utf-8")
    assert outside("read", str(secret))["could"]
    # Not named on the command line, where it would become readable.
    assert "No such file" in _hidden("read", secret)["why"]
    assert "No such file" in _hidden("read", Path(__file__).parents[3] / "pyproject.toml")["why"]


def test_readable_and_writable_paths(tmp_path: Path) -> None:
    shown, kept = tmp_path / "shown", tmp_path / "kept"
    for folder in (shown, kept):
        folder.mkdir()
        folder.chmod(0o777)
    (shown / "a").write_text("text", encoding="utf-8")
    profile = Profile(readable=(shown,), writable=(kept,))
    assert inside("read", str(shown / "a"), profile=profile)["could"]
    assert not inside("write", str(shown / "b"), profile=profile)["could"]
    assert inside("write", str(kept / "c"), profile=profile)["could"]
    assert (kept / "c").read_text(encoding="utf-8") == "x"


@pytest.mark.parametrize("path", ["/new", "/usr/new", "/etc/new", "/dev/new", "/run/new", str(PROBE.parent / "new")])
def test_read_only_root(path: str) -> None:
    if path.startswith("/tmp/"):  # noqa: S108 - where a checkout may lie
        pytest.skip("the sandbox has a /tmp of its own, which is writable")
    assert not inside("write", path)["could"]


@pytest.mark.parametrize("path", ["/tmp/new", "/home/agent/new", "/dev/shm/new"])  # noqa: S108 - of the sandbox
def test_scratch_is_writable_bounded_and_gone(path: str) -> None:
    assert inside("fill", path, "3", profile=Profile(scratch=4 * MEGABYTE))["could"]
    assert "No space" in inside("fill", path, "8", profile=Profile(scratch=4 * MEGABYTE))["why"]
    assert not Path(path).exists()


def test_network(listener: int) -> None:
    assert outside("connect", "127.0.0.1", str(listener))["could"]
    assert not inside("connect", "127.0.0.1", str(listener))["could"]
    assert not inside("connect", "169.254.169.254", "80")["could"]
    assert not inside("resolve", "example.com")["could"]


def test_named_hosts_through_the_proxy_alone(listener: int) -> None:
    profile = Profile(network=(Destination("127.0.0.1", listener, private=True),))
    assert inside("tunnel", "8118", "127.0.0.1", str(listener), profile=profile)["could"]
    assert not inside("tunnel", "8118", "127.0.0.1", str(listener + 1), profile=profile)["could"]
    assert not inside("tunnel", "8118", "localhost", str(listener), profile=profile)["could"]
    assert not inside("connect", "127.0.0.1", str(listener), profile=profile)["could"]


def test_a_name_that_resolves_to_a_private_address(listener: int) -> None:
    profile = Profile(network=(Destination("localhost", listener),))
    assert not inside("tunnel", "8118", "localhost", str(listener), profile=profile)["could"]
    profile = Profile(network=(Destination("localhost", listener, private=True),))
    assert inside("tunnel", "8118", "localhost", str(listener), profile=profile)["could"]


@pytest.mark.parametrize("name", ["userns", "ptrace", "vsock", "keyring"])
def test_the_kernel(name: str) -> None:
    probed = outside(name)
    if not probed["could"]:
        pytest.skip(f"not possible outside either: {probed['why']}")
    assert "PermissionError" in inside(name)["why"]


def test_chroot() -> None:
    assert "PermissionError" in inside("chroot", "/usr")["why"]


def test_bytecode_beside_the_packages_is_not_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    module, script = tmp_path / "part.py", tmp_path / "main.py"
    script.write_text("import part; print(part.NAME)", encoding="utf-8")
    module.write_text("NAME = 'bytecode'", encoding="utf-8")
    py_compile.compile(str(module), invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    module.write_text("NAME = 'source'", encoding="utf-8")
    for profile, name in (
        (Profile(readable=(tmp_path,)), b"source"),
        (Profile(readable=(tmp_path,), bytecode=True), b"bytecode"),
    ):
        assert asyncio.run(started([sys.executable, str(script)], profile)) == (0, name + b"\n", b"")


def test_processes_are_its_own() -> None:
    assert outside("processes", "4")["could"]
    assert not inside("processes", "4")["could"]


def test_fork_bomb() -> None:
    assert outside("forks", "60")["could"]
    assert "Resource temporarily" in inside("forks", "60", profile=Profile(processes=32))["why"]
    assert inside("forks", "60", profile=Profile(processes=100))["could"]


def test_memory() -> None:
    assert outside("allocate", "400")["could"]
    assert "MemoryError" in inside("allocate", "400", profile=Profile(memory=300 * MEGABYTE))["why"]
    assert inside("allocate", "400", profile=Profile(memory=800 * MEGABYTE))["could"]


def test_files() -> None:
    assert outside("descriptors", "100")["could"]
    assert "Too many open files" in inside("descriptors", "100", profile=Profile(files=64))["why"]


def test_cpu_time_ends_it() -> None:
    code, _, _ = asyncio.run(started([sys.executable, "-c", "while True: pass"], Profile(cpu=1)))
    assert code not in {0, None}


def test_the_guard_ends_and_so_does_the_server(tmp_path: Path) -> None:
    # A parent that starts the sandbox and is killed: the server must not stay.
    code = (
        "import subprocess, sys\n"
        "from sudo_mcp_guardrails.gateway.sandbox.launch import sandboxed\n"
        "l = sandboxed(['/usr/bin/sleep', '987'])\n"
        "p = subprocess.Popen(l.argv, env=l.env, pass_fds=l.fds)\n"
        "print(p.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    for _ in range(50):
        if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == "bwrap":
            break
        threading.Event().wait(0.1)
    threading.Event().wait(0.3)
    parent.kill()
    parent.communicate()
    for _ in range(50):
        if not _alive(pid):
            return
        threading.Event().wait(0.1)
    pytest.fail("the sandbox outlived the guard")


def test_nothing_stays_behind() -> None:
    launch = sandboxed([sys.executable, str(PROBE)], Profile(network=(Destination("example.com"),)))
    assert launch.folder is not None
    assert launch.folder.exists()
    assert launch.env == {}
    asyncio.run(launch.close())
    asyncio.run(launch.close())
    assert not launch.folder.exists()
    for number in launch.fds:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(number)


def _alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return False


def _hidden(name: str, path: Path) -> dict[str, str]:
    """Probe a path that is put together inside, so that no word of the command names a file."""
    folder, _, file = str(path).rpartition("/")
    code = (
        f"import runpy, sys; sys.argv = ['probe', {name!r}, {folder!r} + '/' + {file!r}]; "
        f"runpy.run_path({str(PROBE)!r}, run_name='__main__')"
    )
    import json

    status, out, err = asyncio.run(started([sys.executable, "-c", code], Profile(readable=(PROBE,))))
    assert status == 0, err.decode()
    said: dict[str, str] = json.loads(out)
    return said
