"""The examples, and every block of Python in the README, synthesize as they stand."""

from __future__ import annotations

import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest

from docs import embedded, policies

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted(ROOT.glob("examples/*/app.py"))
BLOCKS = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


def synthesize(script: Path, out: Path) -> Counter[str]:
    """The resource types of a script's stacks; the script runs in a process of its own, as under the CDK CLI."""
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
    templates = [json.loads(path.read_text(encoding="utf-8")) for path in out.glob("**/*.template.json")]
    return Counter(resource["Type"] for template in templates for resource in template["Resources"].values())


ROLES = {
    "quickstart": 4 + 1,
    "landing_zone": 3 * 4 + 3,
    "control_tower": 2 * 4 + 2,
    "approvals": 4 + 1 + 6 + 1 + 1,
    "kill_switch": 4 + 1 + 5,
    "isolated_mcp_server": 4 + 1 + 2 + 2,
    "mcp_gateway": 4 + 1 + 2 * 2,
    "monitoring": 4 + 1 + 6,
}
"""Four for an agent in each of its accounts, and the account's broker's; of approvals also those of six functions, of
the workflow and of the agent's host; of monitoring also those of three functions, of two schedules and of its target;
of the kill switch also those of two functions, of its state machine and the response role; of MCP tasks two each."""


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.parent.name)
def test_example_synthesizes_and_is_proved(script: Path, tmp_path: Path) -> None:
    out, example = tmp_path / "out", script.parent.name
    single = {"approvals", "isolated_mcp_server", "kill_switch", "mcp_gateway", "monitoring", "quickstart"}
    found = synthesize(script, out)
    assert found["AWS::IAM::Role"] == ROLES[example]
    assert (found["AWS::Organizations::Policy"] > 0) == (example not in single)
    summary = json.loads((out / "guardrails-evidence.json").read_text(encoding="utf-8"))["summary"]
    assert summary["proved"] > 0
    assert (summary["witnesses"], summary["not_proved"]) == (0, 0)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_readme_synthesizes(number: int, tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text(BLOCKS[number], encoding="utf-8")
    # What the README's table of what is deployed says: nine for the agent, and those that all agents share.
    assert synthesize(script, tmp_path / "out") == {
        "AWS::IAM::Role": 4 + 1,
        "AWS::IAM::ManagedPolicy": 5 + 1 + 5 + 1,
        "AWS::Lambda::Function": 1,
        "AWS::Lambda::Url": 1,
        "AWS::Logs::LogGroup": 1,
    }


def test_the_pipeline_page_synthesizes_under_all_packs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "audit-pipeline.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    script = tmp_path / "app.py"
    enforced = "from sudo_mcp_guardrails import Guardrails\nGuardrails.of(app).enforce()\napp.synth()\n"
    script.write_text(block + enforced, encoding="utf-8")
    found = synthesize(script, tmp_path / "out")
    made = ("AWS::CloudTrail::Trail", "AWS::OpenSearchService::Domain", "AWS::SQS::Queue", "AWS::Lambda::Function")
    assert all(found[kind] for kind in made)


def test_examples_and_blocks_were_found() -> None:
    assert EXAMPLES
    assert BLOCKS


def test_a_broken_example_fails(tmp_path: Path) -> None:
    script = tmp_path / "app.py"
    script.write_text("raise SystemExit(3)\n", encoding="utf-8")
    with pytest.raises(AssertionError):
        synthesize(script, tmp_path / "out")


def test_policies_page_is_current() -> None:
    assert policies.PAGE.read_text(encoding="utf-8") == policies.page(), "run python -m docs.policies"


class Broker(http.server.BaseHTTPRequestHandler):
    """Answers as the broker's URL does, and keeps what came."""

    seen: ClassVar[list[tuple[str, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.seen.append((self.headers["authorization"], body))
        agent = json.loads(body)["agent"]
        status, answer = (200, {"Version": 1, "Run": "run-1"}) if agent == "release-bot" else (400, {"error": agent})
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


def ask(agent: str) -> subprocess.CompletedProcess[str]:
    """The broker example against a broker on loopback."""
    server = http.server.HTTPServer(("127.0.0.1", 0), Broker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        return subprocess.run(
            [
                *(sys.executable, str(ROOT / "examples" / "broker" / "session.py")),
                *(f"http://127.0.0.1:{server.server_port}/", "eu-central-1", agent, "read", "OPS-1"),
            ],
            env={**os.environ, "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        server.shutdown()
        server.server_close()


def test_the_broker_example_signs_for_lambda_and_prints_the_session() -> None:
    done = ask("release-bot")
    assert json.loads(done.stdout) == {"Version": 1, "Run": "run-1"}
    authorization, body = Broker.seen[-1]
    assert re.match(r"AWS4-HMAC-SHA256 Credential=AKIATEST/\d{8}/eu-central-1/lambda/aws4_request", authorization)
    assert json.loads(body) == {"agent": "release-bot", "capability": "read", "ticket": "OPS-1"}


def test_the_guards_image_asks_for_its_lanes_session(tmp_path: Path) -> None:
    folder = ROOT / "docs" / "examples" / "gateway"
    script = tmp_path / "session"
    script.write_bytes((folder / "session").read_bytes())
    script.chmod(0o555)
    (tmp_path / "session.py").write_bytes((ROOT / "examples" / "broker" / "session.py").read_bytes())
    server = http.server.HTTPServer(("127.0.0.1", 0), Broker)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    lane = {"BROKER": f"http://127.0.0.1:{server.server_port}/", "AGENT": "release-bot", "CAPABILITY": "plan"}
    try:
        done = subprocess.run(
            [str(script)],
            env={
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                **{f"MCP_GUARDRAILS_{name}": value for name, value in {**lane, "TICKET": "OPS-1"}.items()},
                # As in the container: the profile is the one that asks here, and must not be asked again.
                "AWS_PROFILE": "guard",
                "AWS_REGION": "eu-central-1",
                "AWS_ACCESS_KEY_ID": "AKIATEST",
                "AWS_SECRET_ACCESS_KEY": "secret",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        server.shutdown()
        server.server_close()
    assert json.loads(done.stdout) == {"Version": 1, "Run": "run-1"}, done.stderr
    assert json.loads(Broker.seen[-1][1]) == {"agent": "release-bot", "capability": "plan", "ticket": "OPS-1"}
    assert "/opt/guard/session" in (folder / "config").read_text(encoding="utf-8")


def test_the_broker_example_says_why_it_was_refused() -> None:
    done = ask("nobody")
    assert done.returncode == 1
    assert '400: {"error": "nobody"}' in done.stderr


def test_list_of_extensions_is_current() -> None:
    assert embedded.PAGE.read_text(encoding="utf-8") == embedded.page(), "run python -m docs.embedded"
