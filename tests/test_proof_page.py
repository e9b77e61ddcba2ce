"""The page about the proof: its list of properties is current, and its Python runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docs import proof

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"^```python\n(.*?)^```$", proof.PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def run(block: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", block],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_list_of_properties_is_current() -> None:
    assert proof.PAGE.read_text(encoding="utf-8") == proof.page(), "run python -m docs.proof"


def test_every_capability_is_asked() -> None:
    kinds = [subject.capability for subject in proof.subjects()]
    assert sorted(kinds) == ["apply", "execution", "plan", "read", "workload"]


def test_blocks_were_found() -> None:
    assert len(BLOCKS) == 2


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_block_runs(number: int, tmp_path: Path) -> None:
    done = run(BLOCKS[number], {"CDK_OUTDIR": str(tmp_path / "out")})
    assert done.returncode == 0, done.stderr


def test_the_gate_of_the_page_leaves_evidence(tmp_path: Path) -> None:
    (gate,) = (block for block in BLOCKS if "enforce(" in block)
    assert run(gate, {"CDK_OUTDIR": str(tmp_path / "out")}).returncode == 0
    assert (tmp_path / "out" / "guardrails-evidence.json").exists()


def test_a_broken_block_fails() -> None:
    assert run("assert False", {}).returncode == 1
