"""A directory of trail files, and a store that was made of it."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from sudo_mcp_guardrails import cli
from tests.trail.made import event, minting, records, session, tool_call

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("duckdb", reason="the extra is not installed")

DAY = "2026/11/20"
NAME = "111122223333_CloudTrail_eu-central-1_{}_abcdefghijklmnop.json.gz"


class Run(Protocol):
    """Runs a command with ``--json``."""

    def __call__(self, *arguments: object, code: int = 0) -> Any:
        """Return what it prints, once its exit code is seen to be the one that is expected."""
        ...


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``mcp-guardrails trail``."""

    def command(*arguments: object, code: int = 0) -> Any:
        capsys.readouterr()
        got = cli.main(["trail", *map(str, arguments), "--json"])
        printed = capsys.readouterr()
        assert got == code, printed.err
        return json.loads(printed.out)

    return command


def put(directory: Path, stamp: str, *events: dict[str, Any]) -> Path:
    """Write a file as CloudTrail names it."""
    folder = directory / "AWSLogs/111122223333/CloudTrail/eu-central-1" / stamp[:4] / stamp[4:6] / stamp[6:8]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME.format(stamp)
    path.write_bytes(gzip.compress(records(*events), mtime=0))
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three days of files: eight events, one of them twice."""
    directory = tmp_path / "files"
    put(directory, "20261120T1000Z", minting(), event("own", userIdentity=session()), event("nobody"))
    put(directory, "20261121T1000Z", tool_call("call", "r-made"), event("nobody"))
    put(directory, "20261122T1000Z", event("made", userIdentity=session(invoked_by="aws-mcp.amazonaws.com")))
    put(directory, "20261122T1005Z", event("last"), event("more", errorCode="AccessDenied"))
    return directory


@pytest.fixture
def store(files: Path, tmp_path: Path, run: Run) -> Path:
    """A store that was made of the files."""
    run("ingest", files, "--store", tmp_path / "store")
    return tmp_path / "store"
