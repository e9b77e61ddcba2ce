"""The demo's part "gateway": what it says of itself, and the whole of it on the embedded AWS."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from sudo_mcp_guardrails.local.demo.gateway import notes
from sudo_mcp_guardrails.local.demo.gateway.part import BUCKET, GatewayPart, missing
from sudo_mcp_guardrails.local.demo.gateway.result import GatewayResult, Scene

ACCOUNT = "111111111111"
EXPECTED = [
    *("approval-no", "approval-yes", "asked", "done-no", "done-yes", "elsewhere", "escalation", "injected"),
    *("invisible", "nothing-written", "poisoned", "read", "swapped-call", "swapped-list", "vending", "write-by-reader"),
]


def test_a_scene_that_came_otherwise_is_a_problem() -> None:
    result = GatewayResult([Scene("a", "first", "denied", "denied"), Scene("b", "second", "denied", "allowed", "x")])
    assert result.problems == ["b: allowed, expected denied: x"]
    assert result.to_dict()["ok"] is False
    assert [line for line in result.lines() if line.startswith("PROBLEM")] == [f"PROBLEM: {result.problems[0]}"]


def test_the_server_says_what_its_mode_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mode = tmp_path / "mode"
    asked = [{"id": 1, "method": "tools/list"}, {"method": "notifications/x"}, {"id": 2, "method": "server/discover"}]
    said = {}
    for name in notes.DESCRIPTIONS:
        mode.write_text(name, encoding="utf-8")
        out = io.StringIO()
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{json.dumps(each)}\n" for each in asked)))
        monkeypatch.setattr(sys, "stdout", out)
        notes.main(mode)
        first, second = map(json.loads, out.getvalue().splitlines())
        [tool] = first["result"]["tools"]
        said[name] = tool["description"]
        assert second["error"]["code"] == -32601
    assert said == notes.DESCRIPTIONS


@pytest.mark.integration
def test_every_scene_comes_as_it_must(tmp_path: Path) -> None:
    if missing():
        pytest.skip(f"{missing()[0]} is not installed")
    import aws_cdk as cdk

    import app as demo
    from sudo_mcp_guardrails.local.embedded import clients
    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

    context = json.loads((Path(__file__).parents[3] / "cdk.json").read_text(encoding="utf-8"))["context"]
    application = cdk.App(context=context, outdir=str(tmp_path / "cdk.out"))
    demo.build(application)
    application.synth()
    with EmbeddedAws() as aws:
        aws.client("s3", account=ACCOUNT).create_bucket(Bucket=BUCKET)
        # The account's own administrator: whatever is denied, it was the guard who did.
        part = GatewayPart(aws, lambda _: clients.session(ACCOUNT), tmp_path / "cdk.out", lambda _: None)
        result = part.play()
    assert result.problems == []
    assert sorted(scene.id for scene in result.scenes) == EXPECTED
