"""Where the browser of the page's tests comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.toolchain.browser import CHROMIUM_VARIABLE, find_chromium
from sudo_mcp_guardrails.toolchain.errors import ToolchainError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def no_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(CHROMIUM_VARIABLE, raising=False)
    return tmp_path


def executable(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_one_on_path_is_taken(no_path: Path) -> None:
    there = executable(no_path / "chromium")
    assert find_chromium() == there


def test_a_named_one_goes_first(no_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    executable(no_path / "chromium")
    mine = executable(no_path / "mine")
    monkeypatch.setenv(CHROMIUM_VARIABLE, str(mine))
    assert find_chromium() == mine
    monkeypatch.setenv(CHROMIUM_VARIABLE, str(no_path / "absent"))
    with pytest.raises(ToolchainError, match="absent"):
        find_chromium()


def test_without_any_the_error_says_how_to_get_one(no_path: Path) -> None:
    assert no_path.is_dir()
    with pytest.raises(ToolchainError, match="apt-get install --no-install-recommends chromium"):
        find_chromium()
