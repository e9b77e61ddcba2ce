"""The embedded AWS that outlives its command."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.local.embedded import detached, process
from sudo_mcp_guardrails.local.embedded.errors import EmbeddedAwsError
from sudo_mcp_guardrails.toolchain.environments import ensure_environment
from sudo_mcp_guardrails.toolchain.ministack import MINISTACK

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = ensure_environment(MINISTACK)
    monkeypatch.setenv("MCP_GUARDRAILS_CACHE", str(tmp_path))
    return found


def test_up_status_and_down(python: Path) -> None:
    lines: list[str] = []
    assert detached.status() is None
    running = detached.up(report=lines.append, python=python)
    try:
        assert any("self-test passed" in line for line in lines)
        assert process.answers(running.port)
        assert detached.status() == running
        assert detached.up(report=lines.append, python=python) == running
        with pytest.raises(EmbeddedAwsError, match=f"runs on port {running.port} already"):
            detached.up(port=running.port + 1, report=lines.append, python=python)
    finally:
        assert detached.down() == running
    assert not process.answers(running.port)
    assert detached.status() is None
    assert detached.down() is None
    assert not (detached.folder() / "state").exists()


def test_a_pid_that_another_process_has_now_is_left_alone(python: Path) -> None:
    del python
    detached.folder().mkdir(parents=True)
    stale = {"pid": os.getpid(), "started": "0", "port": 1, "log": "x"}
    (detached.folder() / "running.json").write_text(json.dumps(stale))
    assert detached.status() is None
    assert detached.down() is None  # and this very process is still here


def test_a_state_file_that_makes_no_sense_is_reported(python: Path) -> None:
    del python
    detached.folder().mkdir(parents=True)
    (detached.folder() / "running.json").write_text("{")
    with pytest.raises(EmbeddedAwsError, match="cannot be understood"):
        detached.status()


def test_a_server_that_cannot_start_leaves_no_state_file(python: Path, tmp_path: Path) -> None:
    del python
    dying = tmp_path / "python"
    dying.write_text("#!/bin/sh\nexit 9\n")
    dying.chmod(0o755)
    with pytest.raises(EmbeddedAwsError, match="exit code 9"):
        detached.up(report=lambda _: None, python=dying)
    assert detached.status() is None
