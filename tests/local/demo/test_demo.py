from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sudo_mcp_guardrails.local.demo.approvals.rows import PLAYS as APPROVAL_PLAYS

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "sudo_mcp_guardrails.cli", "demo"]

pytestmark = pytest.mark.integration


def environment(home: Path) -> dict[str, str]:
    """The tests' environment, with a temporary folder of its own, so that what is left behind can be seen."""
    return {**os.environ, "TMPDIR": str(home), "CDK_VALIDATION": "true"}


def servers(state: Path) -> list[str]:
    """Command lines of processes that work in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environ = (process / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if f"TMPDIR={state}" in environ:
            found.append(line)
    return found


def left_behind(state: Path) -> list[str]:
    """What of ours is left in a temporary folder."""
    return [entry.name for entry in state.iterdir() if entry.name.startswith("mcp-guardrails-")]


def test_demo_agrees_and_leaves_nothing_behind(tmp_path: Path) -> None:
    state = tmp_path / "tmp"
    state.mkdir()
    done = subprocess.run(
        [*COMMAND, "--json", "--output", str(tmp_path / "build")],
        cwd=ROOT,
        env=environment(state),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    answer = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr[-2000:]
    assert answer["ok"] is True
    assert answer["summary"]["scenarios"] >= 40
    assert answer["summary"]["surprises"] == 0
    assert answer["summary"]["agreed"] == answer["summary"]["scenarios"]
    assert sum(1 for item in answer["items"] if item["embedded"] and item["evaluator"]) >= 40
    assert "agents against" in (tmp_path / "build" / "report.html").read_text(encoding="utf-8").lower()
    assert json.loads((tmp_path / "build" / "demo.json").read_text(encoding="utf-8"))["summary"] == answer["summary"]
    trail = answer["summary"]["trail"]
    assert (trail["problems"], trail["rejected"], trail["locked"]) == ([], 0, True)
    assert trail["attributed"] > 0
    assert trail["events"] == trail["unique"] + trail["duplicates"] + trail["rejected"]
    assert trail["trace"]["people"] == 1
    assert trail["trace"]["denied"] > 0
    assert "<h2>The audit trail</h2>" in (tmp_path / "build" / "report.html").read_text(encoding="utf-8")
    assert trail["trace"]["asked"] in (tmp_path / "build" / "trace.html").read_text(encoding="utf-8")
    approvals = answer["summary"]["approvals"]
    assert (approvals["problems"], approvals["broken"], approvals["served"]) == ([], 0, True)
    assert approvals["states"] == {"executed": 2, "expired": 1, "refused": 1}
    about = [item for item in answer["items"] if item["id"].startswith("approval-") and item["recorded"]]
    assert len(about) == len(APPROVAL_PLAYS)
    assert servers(state) == []
    assert left_behind(state) == []


def test_interrupt_stops_everything(tmp_path: Path) -> None:
    state = tmp_path / "tmp"
    state.mkdir()
    with subprocess.Popen(
        [*COMMAND, "--output", str(tmp_path / "build")],
        cwd=ROOT,
        env=environment(state),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 120
        assert process.stderr is not None
        for line in process.stderr:
            if "cdk deploy" in line or time.monotonic() > deadline:
                break
        # As a terminal does: to the whole foreground group.
        os.killpg(process.pid, signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    assert process.returncode == 130, rest[-2000:]
    assert "Traceback" not in rest
    settled = time.monotonic() + 5
    while servers(state) and time.monotonic() < settled:
        time.sleep(0.1)
    assert servers(state) == []
    assert left_behind(state) == []


@pytest.mark.parametrize("arguments", [["--app", "nowhere.py"], ["--port", "{taken}"]])
def test_what_keeps_it_from_playing_is_one_line(tmp_path: Path, arguments: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        given = [argument.replace("{taken}", str(taken.getsockname()[1])) for argument in arguments]
        done = subprocess.run(
            [*COMMAND, "--json", "--output", str(tmp_path), *given],
            cwd=ROOT,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    answer = json.loads(done.stdout)
    assert done.returncode == 2
    assert answer["ok"] is False
    assert ("nowhere.py" in answer["error"]) or ("port" in answer["error"])
    assert "Traceback" not in done.stderr
