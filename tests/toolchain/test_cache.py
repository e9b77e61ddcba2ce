from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from sudo_mcp_guardrails.toolchain.cache import CACHE_VARIABLE, cache_dir, exclusive
from sudo_mcp_guardrails.toolchain.errors import ToolchainError


def test_own_variable_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "own"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "own"


def test_xdg_is_second(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "sudo-mcp-guardrails"


@pytest.mark.parametrize(("platform", "place"), [("linux", ".cache"), ("darwin", "Library/Caches")])
def test_platform_is_last(platform: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", platform)
    assert cache_dir() == Path.home() / place / "sudo-mcp-guardrails"


def test_lock_waits_for_another_process_and_says_so(tmp_path: Path) -> None:
    lock = tmp_path / "tool.lock"
    code = (
        "import sys, time, pathlib; from sudo_mcp_guardrails.toolchain.cache import exclusive\n"
        "with exclusive(pathlib.Path(sys.argv[1]), timeout=5):\n"
        "    print('held', flush=True); time.sleep(0.8)\n"
    )
    said: list[str] = []
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        started = time.monotonic()
        with exclusive(lock, timeout=20, report=said.append):
            waited = time.monotonic() - started
    assert waited > 0.4
    assert said == ["waiting for another process that prepares tool"]


def test_lock_gives_up(tmp_path: Path) -> None:
    lock = tmp_path / "tool.lock"
    with (
        exclusive(lock, timeout=1),
        pytest.raises(ToolchainError, match=r"has held .*tool\.lock for 0 s"),
        exclusive(lock, timeout=0.3),
    ):
        pytest.fail("two holders at once")


def test_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with (
        pytest.raises(ToolchainError, match=f"cannot write the tool cache at .*file.*set {CACHE_VARIABLE}"),
        exclusive(tmp_path / "file" / "tool.lock", timeout=1),
    ):
        pytest.fail("a lock below a file")
