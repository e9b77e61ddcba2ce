"""The commands of docs/trail.md run as they are written."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.trail.aws import AwsAccess
from sudo_mcp_guardrails.trail.reconciled import Gap
from tests.trail.digests.signing import delivery
from tests.trail.sources.fake_s3 import FakeS3

PAGE = (Path(__file__).parents[3] / "docs" / "trail.md").read_text(encoding="utf-8")
COMMANDS = [line.strip() for line in PAGE.splitlines() if line.strip().startswith("mcp-guardrails trail ")]

if TYPE_CHECKING:
    import pytest

    from tests.cli.trail.conftest import Run


def test_the_commands_run_as_written(files: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [path for path in files.rglob("*") if path.is_file()]
    objects = {f"org/{path.relative_to(files)}": path.read_bytes() for path in paths}
    bucket = FakeS3("example-trail-bucket", objects)

    def client(_self: AwsAccess, _service: str, _region: str | None = None) -> Any:
        return bucket.client

    monkeypatch.setattr(AwsAccess, "client", client)
    monkeypatch.chdir(tmp_path)
    files.rename("trail-files")
    made = delivery(2)
    made.save(Path("bucket-copy"))
    Path("keys.json").write_text(json.dumps({"PublicKeyList": [made.key.record()]}), encoding="utf-8")
    ran = 0
    for command in COMMANDS:
        arguments = [each for each in shlex.split(command)[2:] if each != "--json"]
        if "opensearch" not in arguments:  # on a node in test_opensearch.py
            run(*arguments)
            ran += 1
    assert ran == len(COMMANDS) - 1 >= 12


def test_the_page_names_every_command_gap_and_shape(capsys: pytest.CaptureFixture[str]) -> None:
    from sudo_mcp_guardrails.cli import trail
    from sudo_mcp_guardrails.trail.attribution import By

    assert {each.name for each in trail.COMMANDS} == {shlex.split(each)[2] for each in COMMANDS}
    for each in (*Gap, *By):
        assert f"| `{each.value}` |" in PAGE
    assert cli.main(["trail", "ingest", "--help"]) == 0
    assert "--prefix-names" in capsys.readouterr().out
