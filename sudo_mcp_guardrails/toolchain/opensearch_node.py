"""A real OpenSearch for tests and the demo: the one that ``OPENSEARCH_URL`` names, or a node of our own on loopback.

The node is OpenSearch 2.4.1 out of Debian and Python packages, put together by a recipe that lies beside the checkout
(``../shared/opensearch-node``). It has no plugins: no security, no index state management.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.toolchain.cache import cache_dir, exclusive
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.process import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URL_VARIABLE: Final = "OPENSEARCH_URL"
NODE_VARIABLE: Final = "MCP_GUARDRAILS_OPENSEARCH_NODE"
_RECIPE: Final = Path(__file__).parents[3] / "shared" / "opensearch-node"
_MARKER: Final = ".built"
_BUILD_SECONDS: Final = 900.0
_START_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.1
_TAIL: Final = 400


class OpenSearchAbsentError(ToolchainError):
    """There is no OpenSearch here, and none can be made; the message says why."""


class OpenSearchNode:
    """A running OpenSearch.

    Args:
        url: its address.
        folder: holds the ``run.sh`` that starts it; None for somebody else's, which is never stopped.
        heap: of its Java, such as ``1g``.
    """

    def __init__(self, url: str | None = None, folder: Path | None = None, *, heap: str = "1g") -> None:
        self._folder = folder
        self._heap = heap
        self._process: subprocess.Popen[bytes] | None = None
        self._work: Path | None = None
        self._ports = (0, 0)
        self.url = url or ""
        """Its address, without a slash at its end."""

    @property
    def own(self) -> bool:
        """Whether we started it, and so may kill it."""
        return self._folder is not None

    @property
    def pid(self) -> int | None:
        """Its process, where it is ours and runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it, or start it again on the same data and ports, and wait until it answers; does nothing if it runs.

        Raises:
            ToolchainError: it ends, or does not answer in time.
        """
        if self._folder is None or self._process is not None:
            return
        if self._work is None:
            self._work = Path(tempfile.mkdtemp(prefix="mcp-guardrails-opensearch-"))
            self._ports = _free_ports()
            self.url = f"http://127.0.0.1:{self._ports[0]}"
        log = self._work / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(self._folder / "run.sh"), *map(str, self._ports), str(self._work / "data")],
                env={**os.environ, "OPTS": f"-Xms{self._heap} -Xmx{self._heap}"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # an interrupt at the terminal is ours to handle
            )
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(self.url):
            ended = self._process.poll()
            if ended is not None or time.monotonic() > deadline:
                self.kill()
                what = f"does not answer after {_START_SECONDS:.0f} s" if ended is None else f"ended with {ended}"
                said = " / ".join(log.read_text(encoding="utf-8", errors="replace").split("\n"))[-_TAIL:]
                raise ToolchainError(f"the OpenSearch node {what}: {said}")
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """End it at once, as a power failure would; the data stays for :meth:`start`."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it and remove its data; more than once does nothing."""
        self._end(signal.SIGTERM)
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
            self._work = None

    def _end(self, how: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_SECONDS)
        self._process = None


@contextmanager
def opensearch_node(report: Callable[[str], None] | None = None, *, heap: str = "1g") -> Iterator[OpenSearchNode]:
    """Have an OpenSearch for the block: ``OPENSEARCH_URL``, else a node of our own, which is gone afterwards.

    Our own is the one in the folder that ``MCP_GUARDRAILS_OPENSEARCH_NODE`` names, else one in the user's cache, built
    on first use: 230 MB of downloads, half a minute.

    Args:
        report: told when something takes longer.
        heap: of our own node's Java.

    Raises:
        OpenSearchAbsentError: there is none, and none can be made here.
        ToolchainError: one that should serve does not.
    """
    url = os.environ.get(URL_VARIABLE)
    if url:
        yield OpenSearchNode(url.rstrip("/"))
        return
    node = OpenSearchNode(folder=node_folder(report), heap=heap)
    if report:
        report("starting an OpenSearch node")
    try:
        node.start()
        yield node
    finally:
        node.stop()


def node_folder(report: Callable[[str], None] | None = None) -> Path:
    """Return the folder of a node that can be started, built where it is not there.

    Raises:
        OpenSearchAbsentError: there is neither a folder, nor a recipe, nor a JDK.
        ToolchainError: the folder that was named has no ``run.sh``, or the build failed.
    """
    if shutil.which("java") is None:
        raise OpenSearchAbsentError(f"no OpenSearch: there is no java on PATH; set {URL_VARIABLE} to a node that runs")
    chosen = os.environ.get(NODE_VARIABLE)
    if chosen:
        folder = Path(chosen).expanduser().absolute()
        if not (folder / "run.sh").is_file():
            raise ToolchainError(f"{NODE_VARIABLE}={chosen!r} has no run.sh; unset it")
        return folder
    recipe = _RECIPE / "build.sh"
    if not recipe.is_file():
        raise OpenSearchAbsentError(
            f"no OpenSearch: the recipe ../shared/opensearch-node is not there; set {URL_VARIABLE} or {NODE_VARIABLE}"
        )
    absent = [tool for tool in ("bash", "javac", "apt-get", "dpkg-deb") if shutil.which(tool) is None]
    if absent:
        raise OpenSearchAbsentError(f"no OpenSearch: building it needs {', '.join(absent)}; set {URL_VARIABLE}")
    return _built(recipe, report)


def _built(recipe: Path, report: Callable[[str], None] | None) -> Path:
    """Return the cached build of a recipe; another recipe is another folder."""
    digest = hashlib.sha256()
    for part in sorted(recipe.parent.glob("*")):
        if part.suffix in {".sh", ".java"}:
            digest.update(part.read_bytes())
    folder = cache_dir() / f"opensearch-node-{digest.hexdigest()[:16]}"
    with exclusive(folder.with_suffix(".lock"), timeout=_BUILD_SECONDS, report=report):
        if not (folder / _MARKER).is_file():
            # The build writes its own place into run.sh, so it is built where it stays; the marker comes last.
            shutil.rmtree(folder, ignore_errors=True)
            if report:
                report("building an OpenSearch node: 230 MB of downloads, once")
            doing, advice = "build the OpenSearch node", f"check the network, or set {URL_VARIABLE} to another node"
            run(["bash", str(recipe), str(folder)], doing=doing, advice=advice, timeout=_BUILD_SECONDS)
            shutil.rmtree(folder / "debs", ignore_errors=True)
            (folder / _MARKER).write_text("", encoding="utf-8")
    return folder


def _free_ports() -> tuple[int, int]:
    """Return two ports that are free at this moment."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


def _answers(url: str) -> bool:
    """Tell whether the cluster at an address takes writes."""
    try:
        # No proxy: the address is on loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{url}/_cluster/health", timeout=5) as answer:
            found = json.load(answer)
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("status") in {"green", "yellow"}
