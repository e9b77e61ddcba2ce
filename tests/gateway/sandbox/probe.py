"""A server that nobody should trust: tries one thing, and says on standard output whether it could.

``python probe.py NAME ARGUMENT…``; run outside of the sandbox too, so that a probe that never works shows.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import sys
import time
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)


def environ(marker: str) -> bool:
    found = b""
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            found += path.read_bytes()
    return marker.encode() in found


def read(path: str) -> bool:
    return bool(Path(path).read_text(encoding="utf-8"))


def write(path: str) -> bool:
    Path(path).write_text("x", encoding="utf-8")
    return True


def connect(host: str, port: str) -> bool:
    with socket.create_connection((host, int(port)), timeout=3):
        return True


def resolve(name: str) -> bool:
    return bool(socket.getaddrinfo(name, 443))


def tunnel(proxy_port: str, host: str, port: str) -> bool:
    with socket.create_connection(("127.0.0.1", int(proxy_port)), timeout=5) as connection:
        connection.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = connection.recv(4096)
        if not answer.startswith(b"HTTP/1.1 200"):
            return False
        connection.sendall(b"ping")
        return connection.recv(4) == b"pong"


def call(done: int) -> bool:
    if done < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return True


def userns() -> bool:
    return call(LIBC.unshare(0x10000000))


def ptrace() -> bool:
    return call(LIBC.ptrace(0, 0, None, None))


def chroot(path: str) -> bool:
    return call(LIBC.chroot(path.encode()))


def vsock() -> bool:
    with socket.socket(40, socket.SOCK_STREAM):
        return True


def keyring() -> bool:
    return call(LIBC.syscall({"x86_64": 250, "aarch64": 219}[os.uname().machine], 0, -3, 1))


def forks(count: str) -> bool:
    children = []
    try:
        for _ in range(int(count)):
            pid = os.fork()
            if pid == 0:
                time.sleep(30)
                os._exit(0)
            children.append(pid)
    finally:
        for pid in children:
            os.kill(pid, 9)
        for pid in children:
            os.waitpid(pid, 0)
    return len(children) == int(count)


def allocate(megabytes: str) -> bool:
    return len(bytearray(int(megabytes) * 1024 * 1024)) > 0


def fill(path: str, megabytes: str) -> bool:
    with Path(path).open("wb") as file:
        file.writelines(b"x" * 1024 * 1024 for _ in range(int(megabytes)))
    return True


def descriptors(count: str) -> bool:
    return len([os.dup(0) for _ in range(int(count))]) == int(count)


def processes(most: str) -> bool:
    """Whether there are more processes to see than the sandbox's own."""
    return len(list(Path("/proc").glob("[0-9]*"))) > int(most)


if __name__ == "__main__":
    try:
        said = {"could": globals()[sys.argv[1]](*sys.argv[2:]), "why": ""}
    except (OSError, MemoryError) as error:
        said = {"could": False, "why": f"{type(error).__name__}: {error}"}
    print(json.dumps(said))  # noqa: T201 - that is its answer
