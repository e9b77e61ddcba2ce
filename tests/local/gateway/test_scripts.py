"""Scripts that are really run against the embedded AWS: no API call of theirs is missing from what they declared."""

from __future__ import annotations

import ast
import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.gateway.meaning.script import read_script
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from tests.gateway.meaning.benign import BENIGN
from tests.gateway.meaning.evasions import EVASIONS
from tests.gateway.meaning.sandbox import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration
ACCOUNT = "200000009001"
MOST = 40
"""Calls of one script; the embedded AWS may answer with a next page for ever."""


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as running:
        s3 = running.client("s3", account=ACCOUNT)
        for name in ("release-bot-data", "release-bot-artifacts", "release-bot-a"):
            s3.create_bucket(Bucket=name)
        yield running


class Running:
    """`call_boto3` on the embedded AWS. What reached botocore's own event system is what really happened."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.sent: list[tuple[str, str]] = []
        self.calls: list[Any] = []

    async def call(self, *args: Any, **given: Any) -> Any:
        if len(self.calls) >= MOST:
            raise RuntimeError("enough")
        # As it is now: what is handed over may be changed later.
        self.calls.append(json.loads(json.dumps([list(args), given], default=repr)))
        service, operation = given["service_name"], given["operation_name"]
        region = given.get("region_name") or "eu-central-1"
        client = self.aws.client(service, account=ACCOUNT, region=region)
        client.meta.events.register("before-call", lambda model, **_: self.sent.append((service, model.name)))
        method = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", operation).lower()
        names = {model: method_ for method_, model in client.meta.method_to_api_mapping.items()}
        return getattr(client, names.get(operation, method))(**(given.get("params") or {}))


def run(aws: EmbeddedAws, code: str) -> Running:
    running = Running(aws)
    tree: Any = compile(code, "script", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    function: Any = ast.parse("async def script():\n    pass").body[0]
    function.body = tree.body
    whole = ast.fix_missing_locations(ast.Module([function], []))
    names: dict[str, Any] = {"call_boto3": running.call, "__name__": "script"}
    exec(compile(whole, "script", "exec", dont_inherit=True), names)  # noqa: S102 - this is what it is for
    try:
        asyncio.run(asyncio.wait_for(names["script"](), 30))
    except Exception:  # noqa: BLE001 - many scripts ask for what is not there; what was called before counts
        return running
    return running


def test_no_call_is_missing(aws: EmbeddedAws) -> None:
    # What a script that is not decidable does is no question here, and some of these would not end.
    scripts = [code for code in (*BENIGN, *EVASIONS) if not read_script(code).undecidable and "await" in code]
    reached = 0
    for code in scripts:
        script = read_script(code)
        running = run(aws, code)
        assert missing(script, {"calls": running.calls}) == [], code
        declared = {(call.service, call.operation) for call in script.calls}
        assert set(running.sent) <= declared, code
        reached += bool(running.sent)
    assert len(scripts) >= 90
    assert reached >= 60
