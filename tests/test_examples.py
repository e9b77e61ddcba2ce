"""The examples, and every block of Python in the README, synthesize as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from docs import policies

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted(ROOT.glob("examples/*/app.py"))
BLOCKS = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


def synthesize(script: Path, out: Path) -> Counter[str]:
    """The resource types of a script's one stack; the script runs in a process of its own, as under the CDK CLI."""
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "CDK_OUTDIR": str(out), "PYTHONPATH": str(ROOT)},
        cwd=script.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (template,) = out.glob("*.template.json")
    resources = json.loads(template.read_text(encoding="utf-8"))["Resources"]
    return Counter(resource["Type"] for resource in resources.values())


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.parent.name)
def test_example_synthesizes(script: Path, tmp_path: Path) -> None:
    assert synthesize(script, tmp_path / "out")["AWS::IAM::Role"] == 5


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"line-{len(block)}")
def test_readme_synthesizes(block: str, tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text(block, encoding="utf-8")
    # What the README's table of what is deployed says: nine for the agent, and those that all agents share.
    assert synthesize(script, tmp_path / "out") == {
        "AWS::IAM::Role": 4 + 1,
        "AWS::IAM::ManagedPolicy": 5 + 1 + 5 + 1,
        "AWS::Lambda::Function": 1,
        "AWS::Lambda::Url": 1,
        "AWS::Logs::LogGroup": 1,
    }


def test_examples_and_blocks_were_found() -> None:
    assert EXAMPLES
    assert BLOCKS


def test_a_broken_example_fails(tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text("import aws_cdk\nraise SystemExit(3)\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        synthesize(script, tmp_path / "out")


def test_policies_page_is_current() -> None:
    assert policies.PAGE.read_text(encoding="utf-8") == policies.page(), "run python -m docs.policies"
