from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.toolchain import opensearch_node as room
from sudo_mcp_guardrails.toolchain.errors import ToolchainError
from sudo_mcp_guardrails.toolchain.opensearch_node import (
    NODE_VARIABLE,
    URL_VARIABLE,
    OpenSearchAbsentError,
    OpenSearchNode,
    node_folder,
    opensearch_node,
)

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import MakeExecutable

# Answers /_cluster/health as a node does, on the port that run.sh is given.
SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'{"status": "green"}')
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture(autouse=True)
def no_choice(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    del cache  # an empty one
    monkeypatch.delenv(URL_VARIABLE, raising=False)
    monkeypatch.delenv(NODE_VARIABLE, raising=False)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executable: MakeExecutable) -> Path:
    """A folder whose run.sh serves; java is said to be there."""
    (tmp_path / "server.py").write_text(SERVER, encoding="utf-8")
    executable("java", "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    script = executable("run.sh", f'exec python3 {tmp_path / "server.py"} "$1"')
    return script.parent


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_address_that_was_named_wins_and_is_never_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, "http://somewhere:9200/")
    with opensearch_node() as node:
        assert (node.url, node.own, node.pid) == ("http://somewhere:9200", False, None)
        node.kill()
        node.start()
        assert node.url == "http://somewhere:9200"


def test_own_node_is_started_and_gone_afterwards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NODE_VARIABLE, str(folder))
    said: list[str] = []
    with opensearch_node(said.append) as node:
        assert node.own
        first, work = node.pid, node._work
        assert first is not None
        assert work is not None
        assert alive(first)
        url = node.url
        node.kill()
        assert not alive(first)
        assert work.is_dir()
        node.start()
        node.start()
        second = node.pid
        assert second is not None
        assert (node.url, second != first) == (url, True)
    assert not alive(second)
    assert not work.exists()
    assert said == ["starting an OpenSearch node"]
    node.stop()


def test_node_is_gone_after_an_error_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NODE_VARIABLE, str(folder))
    seen: list[OpenSearchNode] = []
    pids: list[int] = []

    def fail() -> None:
        with opensearch_node() as node:
            seen.append(node)
            pids.append(node.pid or 0)
            raise ValueError("of the caller")

    with pytest.raises(ValueError, match="of the caller"):
        fail()
    assert not alive(pids[0])
    assert seen[0].pid is None


def test_node_that_ends_says_its_last_words(tmp_path: Path, executable: MakeExecutable) -> None:
    executable("run.sh", "echo no room left; exit 3")
    node = OpenSearchNode(folder=tmp_path / "bin")
    with pytest.raises(ToolchainError, match="ended with 3: no room left"):
        node.start()
    node.stop()


def test_folder_without_a_node_is_not_silently_replaced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NODE_VARIABLE, str(folder.parent))
    with pytest.raises(ToolchainError, match=r"has no run\.sh"):
        node_folder()


def test_without_java_or_recipe_the_reason_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_RECIPE", tmp_path / "none")
    with pytest.raises(OpenSearchAbsentError, match="the recipe"):
        node_folder()
    (folder / "java").unlink()
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(OpenSearchAbsentError, match="no java on PATH"):
        node_folder()


def test_recipe_is_built_once_and_anew_when_it_changes(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executable: MakeExecutable
) -> None:
    recipe = tmp_path / "recipe"
    recipe.mkdir()
    for tool in ("javac", "apt-get", "dpkg-deb"):
        executable(tool, "exit 0")
    monkeypatch.setattr(room, "_RECIPE", recipe)
    build = recipe / "build.sh"
    text = f'mkdir -p "$1/debs"; cp {folder / "run.sh"} "$1/run.sh"; echo x >> {tmp_path / "built"}'
    build.write_text(text, encoding="utf-8")
    said: list[str] = []
    first = node_folder(said.append)
    assert node_folder(said.append) == first
    assert (first / "run.sh").is_file()
    assert not (first / "debs").exists()
    assert len(said) == 1
    # A build that was cut off has no marker, and is built again.
    (first / ".built").unlink()
    assert node_folder() == first
    build.write_text(f"{text}\n", encoding="utf-8")
    assert node_folder() != first
    assert (tmp_path / "built").read_text(encoding="utf-8").split() == ["x"] * 3


def test_build_that_fails_says_why(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executable: MakeExecutable
) -> None:
    assert folder.is_dir()
    recipe = tmp_path / "recipe"
    recipe.mkdir()
    for tool in ("javac", "apt-get", "dpkg-deb"):
        executable(tool, "exit 0")
    monkeypatch.setattr(room, "_RECIPE", recipe)
    (recipe / "build.sh").write_text("echo no network >&2; exit 1", encoding="utf-8")
    with pytest.raises(ToolchainError, match="could not build the OpenSearch node: no network"):
        node_folder()
