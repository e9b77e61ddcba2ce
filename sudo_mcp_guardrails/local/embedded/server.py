"""Start ministack with our extensions, inside ministack's own environment.

This file is a script: the launcher runs it with the interpreter of ministack's environment, isolated
(`python -I`), so nothing of the user's environment can be imported here by accident and the emulator stays a
witness that is independent of `sudo_mcp_guardrails.iam`.

What it sets up besides the extensions:

- It serves on a listening socket that the launcher opened and hands over, so no other process can take the port
  between the check and the bind.
- It marks loopback requests as TLS (`x-forwarded-proto: https`), because ministack evaluates
  `aws:SecureTransport` for real and the CDK's own buckets deny everything else. A caller that sends the header
  itself keeps it, which is how a scenario shows that a TLS-only policy denies.
- It ends at once: ministack needs about 31 s after SIGTERM once a Lambda ran, so the whole process group
  (Lambda workers are in it) is killed instead, also when the launcher itself died.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from typing import Any

ERROR_PREFIX = "embedded-aws-error: "
PACKAGE = "embedded_extensions"


def _refuse(message: str) -> SystemExit:
    """Say why the start is refused, in the one line that the launcher looks for."""
    sys.stderr.write(f"{ERROR_PREFIX}{message}\n")
    sys.stderr.flush()
    return SystemExit(3)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fd", type=int, required=True, help="inherited listening socket")
    parser.add_argument("--ministack", required=True, help="the only version that is accepted")
    parser.add_argument("--state", type=Path, required=True, help="folder for everything that is written")
    parser.add_argument("--remove-state", action="store_true", help="remove that folder when the server ends")
    parser.add_argument("--watch-stdin", action="store_true", help="end when standard input closes")
    return parser.parse_args()


def _check_version(wanted: str) -> None:
    """The extensions replace internals, so any other version is refused rather than half patched."""
    try:
        found = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        raise _refuse(f"ministack is not installed in {sys.prefix}, version {wanted} is needed") from None
    if found != wanted:
        raise _refuse(f"ministack {found} is installed in {sys.prefix}, only version {wanted} is supported")


def _install_extensions() -> None:
    """Load the folder beside this file as a package of its own name and install every extension."""
    folder = Path(__file__).parent / "extensions"
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise _refuse(f"no extensions at {folder}")
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    spec.loader.exec_module(package)
    without = frozenset(filter(None, os.environ.get("MCP_GUARDRAILS_EMBEDDED_WITHOUT", "").split(",")))
    try:
        package.install_all(without)
    except Exception as error:
        raise _refuse(f"an extension could not be installed: {type(error).__name__}: {error}") from error


def _end(state: Path, *, remove_state: bool) -> None:
    """End this process and every Lambda worker now; the state is memory and a temporary folder."""
    if remove_state:
        shutil.rmtree(state, ignore_errors=True)
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(0)


def _watch_stdin(state: Path, *, remove_state: bool) -> None:
    """End when the launcher's side of the pipe closes: it does so however the launcher dies."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        _end(state, remove_state=remove_state)

    threading.Thread(target=wait, name="launcher-watch", daemon=True).start()


def _loopback_is_tls(app: Any) -> Any:
    async def marked(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not any(name.lower() == b"x-forwarded-proto" for name, _ in scope["headers"]):
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        await app(scope, receive, send)

    return marked


async def _serve(descriptor: int) -> None:
    # Only in ministack's environment, and only after its version is known.
    from hypercorn.asyncio import serve  # type: ignore[import-not-found]  # noqa: PLC0415
    from hypercorn.config import Config  # type: ignore[import-not-found]  # noqa: PLC0415
    from ministack import app as ministack_app  # noqa: PLC0415

    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    never = asyncio.Event()
    # An own trigger keeps hypercorn from replacing our signal handlers with its slow, graceful ones.
    await serve(_loopback_is_tls(ministack_app.app), config, shutdown_trigger=never.wait)


def main() -> None:
    """Check the version, install the extensions, serve until ended."""
    arguments = _arguments()

    def end(*_: object) -> None:
        _end(arguments.state, remove_state=arguments.remove_state)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if arguments.watch_stdin:
        _watch_stdin(arguments.state, remove_state=arguments.remove_state)
    _check_version(arguments.ministack)
    _install_extensions()
    asyncio.run(_serve(arguments.fd))


if __name__ == "__main__":
    main()
