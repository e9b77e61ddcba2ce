"""Runs inside a sandbox: carries connections from a port of its loopback to the guard's socket, then runs the server.

``python -I -S forwarder.py SOCKET PORT COMMAND…``. Standard library only, and no import of ours: the sandbox sees this
one file. It decides nothing; a server that ends it has ended its own network.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading

_BLOCK = 65536


def main() -> None:
    """Listen, leave a child that forwards, and become the server."""
    path, port, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    listener = socket.create_server(("127.0.0.1", port))
    if os.fork() == 0:
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=carry, args=(connection, path), daemon=True).start()
    listener.close()
    os.execvp(command[0], command)  # noqa: S606 - that is its task


def carry(connection: socket.socket, path: str) -> None:
    """Carry one connection, both ways, until both ends are through."""
    with connection, socket.socket(socket.AF_UNIX) as guard, contextlib.suppress(OSError):
        guard.connect(path)
        back = threading.Thread(target=copy, args=(guard, connection), daemon=True)
        back.start()
        copy(connection, guard)
        back.join()


def copy(source: socket.socket, target: socket.socket) -> None:
    """Copy one way, and hand on the end."""
    with contextlib.suppress(OSError):
        while data := source.recv(_BLOCK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main()
