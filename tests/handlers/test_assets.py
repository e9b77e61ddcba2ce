"""Each handler's asset, alone with boto3: what it holds, and that it works there."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.handlers.trail_parts import named_brokers
from tests.handlers import served
from tests.trail.made import event

if TYPE_CHECKING:
    from collections.abc import Iterator

ALONE = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")
"""What Lambda's own Python has beside the standard library."""
KEY = "AWSLogs/111122223333/CloudTrail/eu-central-1/2026/11/20/"
KEY += "111122223333_CloudTrail_eu-central-1_20261120T1005Z_0123456789abcdef.json.gz"


def staged_handlers(target: Path, *handlers: str) -> Path:
    import shutil

    from sudo_mcp_guardrails.constructs.asset import staged

    with staged(*handlers) as directory:
        shutil.copytree(directory, target)
    return target


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with nothing but boto3 and what boto3 needs."""
    directory = tmp_path_factory.mktemp("alone")
    for name in ALONE:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        place = origin.parent if origin.name == "__init__.py" else origin
        (directory / place.name).symlink_to(place)
    return directory


@pytest.fixture(scope="module")
def asset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("asset") / "code"
    return staged_handlers(target, "trail_ingest", "trail_reconcile", "trail_head")


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, Any]]]:
    started, state = served.serve()
    yield f"http://127.0.0.1:{started.server_address[1]}", state
    started.shutdown()
    started.server_close()


def run(code: str, *paths: Path, url: str = "http://127.0.0.1:9") -> list[str]:
    """Run Python with these paths and the standard library alone, as the function's environment says."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": url,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PIPELINE": "Audit/Pipeline",
        "NAMES_PREFIX": "mcp-guardrails",
        "ENDPOINT": url,
        "INDEX_PREFIX": "agent-trail",
        "REPLICAS": "2",
        "LEDGER_TABLE": "ledger",
        "KNOWLEDGE_TABLE": "knowledge",
        "DEAD_LETTER_BUCKET": "letters",
        "DEAD_LETTER_PREFIX": "dead-letters",
        "HEADS_BUCKET": "heads",
        "HEADS_PREFIX": "heads",
        "PATIENCE_SECONDS": "5",
    }
    start = (
        f"import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + {[str(p) for p in paths]!r}\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start + code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("handler", ["trail_ingest", "trail_reconcile", "trail_head"])
def test_a_handler_loads_with_the_standard_library_alone(asset: Path, handler: str) -> None:
    code = (
        f"import sudo_mcp_guardrails.handlers.{handler} as h; print(callable(h.handler));"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'boto3', 'botocore', 'aws_cdk', 'msgspec', 'duckdb'}))"
    )
    assert run(code, asset) == ["True", "[]"]


def test_the_environment_names_the_brokers_that_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BROKER_ROLES", raising=False)
    assert named_brokers() is None
    monkeypatch.setenv("BROKER_ROLES", "")
    assert named_brokers() is None
    roles = [f"arn:aws:iam::{account}:role/x/broker" for account in ("111111111111", "222222222222")]
    monkeypatch.setenv("BROKER_ROLES", ",".join(roles))
    assert named_brokers() == roles


def test_the_ingester_takes_a_file_in_with_boto3_alone(
    asset: Path, alone: Path, server: tuple[str, dict[str, Any]]
) -> None:
    url, state = server
    good = gzip.compress(json.dumps({"Records": [event("e-1"), event("e-2"), {"no": "id"}]}).encode())
    state["objects"] = {f"/trail/{KEY}": good, "/trail/cut.json.gz": good[:-30]}
    told = [
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "trail"}, "object": {"key": key}}}
        for key in (KEY, "cut.json.gz")
    ]
    body = json.dumps({"Records": told})
    call = json.dumps({"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": event("e-3")})
    records = [
        {"messageId": str(n), "eventSource": "aws:sqs", "body": text} for n, text in enumerate((body, call, "{"))
    ]
    code = (
        "import json, sudo_mcp_guardrails.handlers.trail_ingest as h\n"
        f"print(json.dumps(h.handler({{'Records': {records!r}}}, None)))\n"
        f"print(json.dumps(h.handler({{'Records': {records[:2]!r}}}, None)))\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'msgspec', 'isal', 'opensearchpy', 'requests'}))"
    )
    first_metrics, first, second_metrics, second, modules = run(code, asset, alone, url=url)
    assert json.loads(first) == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert json.loads(second) == {"batchItemFailures": []}
    assert modules == "[]"
    counts = json.loads(first_metrics)
    assert (counts["Created"], counts["Files"], counts["Failed"]) == (3, 3, 1)
    assert counts["DeadLetters"] >= 2
    assert json.loads(second_metrics)["Created"] == 0, "the same again is all duplicates"
    assert sorted(state["events"]) == ["e-1", "e-2", "e-3"]
    assert set(state["templates"]) == {"/_index_template/agent-trail-events", "/_index_template/agent-trail-ledger"}
    assert {item["name"]["S"] for item in state["ledger"]} == {f"s3://trail/{KEY}", "s3://trail/cut.json.gz"}
    letters = [path for path in state["objects"] if path.startswith("/letters/dead-letters/")]
    assert len(letters) == counts["DeadLetters"]


def test_the_head_is_published_with_boto3_alone(asset: Path, alone: Path, server: tuple[str, dict[str, Any]]) -> None:
    url, state = server
    numbers = {name: {"N": "1"} for name in ("size", "events", "created", "duplicates", "dead_letters")}
    state["ledger"] = [{"key": {"S": "k"}, "name": {"S": f"s3://trail/{KEY}"}, "fingerprint": {"S": "f"}, **numbers}]
    code = (
        "import json, sudo_mcp_guardrails.handlers.trail_head as h; from datetime import date\n"
        "print(json.dumps(h.handler({}, None, today=date(2026, 11, 21))))"
    )
    _, answer = run(code, asset, alone, url=url)
    names = json.loads(answer)["published"]
    assert names == [
        f"heads/Audit/Pipeline/2026-11-{day}/2026-11-21{ending}"
        for day in (20, 13)
        for ending in (".lines.gz", ".json")
    ]
    assert sorted(state["objects"]) == sorted(f"/heads/{name}" for name in names)
    assert json.loads(state["objects"][f"/heads/{names[1]}"])["files"] == 1


def test_the_forwarder_works_with_boto3_alone(tmp_path: Path, alone: Path, server: tuple[str, dict[str, Any]]) -> None:
    url, state = server
    code_path = staged_handlers(tmp_path / "code", "trail_forward")
    assert not (code_path / "sudo_mcp_guardrails" / "constructs").exists()
    state["objects"] = {"/trail/a.json": json.dumps(event("e-1")).encode()}
    body = json.dumps({"s3Bucket": "trail", "s3ObjectKey": ["a.json"]})
    record = {"messageId": "1", "eventSource": "aws:sqs", "body": body}
    code = (
        "import os, json; os.environ.update(STREAM='siem', FORM='ocsf')\n"
        "import sudo_mcp_guardrails.handlers.trail_forward as h\n"
        f"print(json.dumps(h.handler({{'Records': [{record!r}]}}, None)))"
    )
    line, answer = run(code, code_path, alone, url=url)
    assert json.loads(answer) == {"batchItemFailures": []}
    assert json.loads(line)["Created"] == 1
    [sent] = state["records"]
    assert json.loads(sent)["metadata"]["uid"] == "e-1"


def test_the_detector_looks_at_a_call_with_boto3_alone(tmp_path: Path, alone: Path) -> None:
    from tests.handlers.test_detect import call, message

    code_path = staged_handlers(tmp_path / "code", "detect", "detect_canary", "detect_learn")
    assert not (code_path / "sudo_mcp_guardrails" / "constructs").exists()
    (code_path / "monitoring.json").write_text('{"watch": {"honeytoken": ["AKIAEXAMPLE000000001"]}}', encoding="utf-8")
    code = (
        "import json, os; os.environ.update(STATE_TABLE='s', LEASE_SECONDS='60', DEAD_LETTERS='d', BUS='b',"
        " MONITORING='M', CANARY_ROLE='arn:aws:iam::111122223333:role/canary')\n"
        "import sudo_mcp_guardrails.handlers.detect_canary, sudo_mcp_guardrails.handlers.detect_learn\n"
        "import sudo_mcp_guardrails.handlers.detect as h\n"
        "from sudo_mcp_guardrails.handlers.detect_parts import made_parts\n"
        "parts = made_parts()\n"
        "class Teller:\n"
        "    def tell(self, alert, trace): print(alert.rule, len(trace()['steps']))\n"
        "object.__setattr__(parts, 'teller', Teller())\n"
        "parts.attributor.flush = lambda: None\n"
        "parts.groups._table = type('T', (), {'load': lambda s, k: None, 'save': lambda s, *a, **k: True})()\n"
        "parts.layers._table = parts.groups._table\n"
        "parts.attributor._known._load = lambda key: None\n"
        f"print(json.dumps(h.handler({{'Records': [{message(1, call(1))!r}]}}, None, parts)))\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'msgspec', 'sigma', 'yaml', 'duckdb', 'aws_cdk'}))"
    )
    printed = run(code, code_path, alone)
    assert "aws_trail_stopped 4" in printed
    assert (printed[-2], printed[-1]) == ('{"batchItemFailures": []}', "[]")
