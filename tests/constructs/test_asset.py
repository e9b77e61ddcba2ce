"""What an asset holds, and that it is the same each time."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
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


@pytest.mark.parametrize("handler", ["trail_ingest", "trail_reconcile", "trail_head", "trail_forward"])
def test_a_function_of_the_trail_starts_without_sqlite(handler: str, tmp_path: Path) -> None:
    """What a laptop keeps in a file is in DynamoDB there, and the library would cost time at each cold start."""
    assert not [file for file in reached(handler) if "sqlite" in file]
    code = (
        "import importlib, sys\n"
        f"sys.path[:] = [path for path in sys.path if 'site-packages' not in path] + [{str(tmp_path)!r}]\n"
        f"print(importlib.import_module({handler_name(handler).removesuffix('.handler')!r}).__file__)\n"
        "print(any('sqlite' in name for name in sys.modules), 'sudo_mcp_guardrails.trail.errors' in sys.modules)\n"
    )
    with staged(handler) as directory:
        shutil.copytree(directory, tmp_path, dirs_exist_ok=True)
    command = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    place, seen = done.stdout.splitlines()
    assert place.startswith(str(tmp_path))
    assert seen == "False True"


def test_the_broker_reaches_the_switch_and_nothing_else() -> None:
    found = set(reached("session_broker")) - {"sudo_mcp_guardrails/handlers/session_broker.py"}
    assert {"sudo_mcp_guardrails/state/kill_switch.py"} <= found
    rooms = ("__init__.py", "errors.py", "handlers/__init__.py", "state/")
    assert {name for name in found if not name.removeprefix("sudo_mcp_guardrails/").startswith(rooms)} == set()
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
