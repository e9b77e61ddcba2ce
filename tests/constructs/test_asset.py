"""What an asset holds, and that it is the same each time."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sudo_mcp_guardrails.constructs import asset
from sudo_mcp_guardrails.constructs.asset import AssetError, handler_name, reached, staged


def digest(*handlers: str) -> dict[str, str]:
    with staged(*handlers) as directory:
        root = Path(directory)
        return {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }


def test_the_ingester_s_holds_what_it_reaches_and_no_more() -> None:
    files = set(reached("trail_ingest"))
    rooms = {file.split("/")[1] for file in files}
    assert {"__init__.py", "errors.py", "handlers", "trail"} <= rooms
    assert not rooms & {"cli", "constructs", "local", "toolchain"}
    assert "sudo_mcp_guardrails/trail/sinks/opensearch.py" in files
    assert "sudo_mcp_guardrails/trail/sinks/duckdb.py" not in files
    assert "sudo_mcp_guardrails/handlers/session_broker.py" not in files
    assert all(f"{parent}/__init__.py" in files for file in files if (parent := file.rpartition("/")[0])), (
        "every folder is a package"
    )


def test_the_broker_is_one_file() -> None:
    assert reached("session_broker") == (
        "sudo_mcp_guardrails/__init__.py",
        "sudo_mcp_guardrails/handlers/__init__.py",
        "sudo_mcp_guardrails/handlers/session_broker.py",
    )
    assert handler_name("session_broker") == "sudo_mcp_guardrails.handlers.session_broker.handler"


def test_it_is_the_same_each_time_and_the_files_own_bytes() -> None:
    first = digest("trail_head", "trail_ingest")
    assert first == digest("trail_ingest", "trail_head")
    package = Path(asset.__file__).parent.parent.parent
    assert all(hashlib.sha256((package / name).read_bytes()).hexdigest() == found for name, found in first.items())
    assert set(first) == {*reached("trail_ingest"), *reached("trail_head")}


def test_an_unknown_handler() -> None:
    with pytest.raises(AssetError, match="handler 'nothing' is not known, expected a module of"):
        reached("nothing")


def test_a_handler_that_reaches_too_far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "sudo_mcp_guardrails"
    for room in ("", "handlers", "cli", "trail"):
        (package / room).mkdir(exist_ok=True)
        (package / room / "__init__.py").touch()
    (package / "trail" / "data.json").write_text("{}", encoding="utf-8")
    (package / "trail" / ".hidden").touch()
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from sudo_mcp_guardrails.cli import x\n"
    (package / "handlers" / "typed.py").write_text(f"{source}\nimport sudo_mcp_guardrails.trail", encoding="utf-8")
    (package / "handlers" / "far.py").write_text(
        "def f():\n    from sudo_mcp_guardrails.cli import x\n", encoding="utf-8"
    )
    monkeypatch.setattr(asset, "_ROOT", package)
    assert "sudo_mcp_guardrails/trail/data.json" in reached("typed")
    assert not any("hidden" in file or "cli" in file for file in reached("typed"))
    with pytest.raises(AssetError, match=r"handler 'far' reaches 'sudo_mcp_guardrails.cli', allowed in an asset are"):
        reached("far")
