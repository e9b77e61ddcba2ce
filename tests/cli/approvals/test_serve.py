"""What `serve` deploys and proposes, and how it ends; that it all runs is seen on the embedded AWS."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.reading import read_plan
from sudo_mcp_guardrails.local.approvals import serving

ROOT = Path(__file__).parents[3]


def test_it_proposes_to_what_it_deploys() -> None:
    from sudo_mcp_guardrails.local.approvals import app

    (environment,) = app.AGENT.environments
    assert (app.ACCOUNT, app.REGION, app.AGENT.name) == (serving.ACCOUNT, serving.REGION, serving.AGENT)
    assert (environment.name, "sqs" in app.AGENT.services) == ("sandbox", True)


@pytest.mark.parametrize(("operation", "parameters"), [(one[0], one[2]) for one in serving._SAMPLES])
def test_its_samples_are_plans(operation: str, parameters: dict[str, object]) -> None:
    call = {"service": "sqs", "operation": operation, "region": serving.REGION, "parameters": parameters}
    plan = read_plan([call], form=Form.API_CALLS)
    assert [change.actions for change in plan.changes] == [(f"sqs:{operation}",)]


@pytest.mark.parametrize("url", ["http://page.localhost:4566", "http://page.localhost:4566/"])
def test_a_sign_in_leads_back_to_the_page_by_either_form_of_its_address(url: str) -> None:
    pytest.importorskip("cryptography", reason="the extra is not installed")
    from sudo_mcp_guardrails.local.approvals.page import Page
    from sudo_mcp_guardrails.local.approvals.people import AUDIENCE, people
    from sudo_mcp_guardrails.local.oidc import Client, OidcProvider, sign_in

    with OidcProvider(people()) as provider:
        page = Page("http://localhost", url, provider)
        provider.register(Client(AUDIENCE, page.redirects))
        for redirect in ("http://page.localhost:4566", "http://page.localhost:4566/"):
            assert sign_in(provider.issuer, AUDIENCE, redirect, provider.people["alice"])["id_token"]


@pytest.mark.integration
def test_it_serves_until_it_is_stopped(tmp_path: Path) -> None:
    told = tmp_path / "told"
    with told.open("wb") as stream:
        served = subprocess.Popen(
            [sys.executable, "-m", "sudo_mcp_guardrails.cli", "approvals", "serve", "--json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stream,
            env={**os.environ, "COLUMNS": "200"},
        )
        try:
            until = time.monotonic() + 240
            while "Ctrl-C ends it" not in told.read_text():
                assert served.poll() is None, told.read_text()
                assert time.monotonic() < until, told.read_text()
                time.sleep(0.5)
            served.send_signal(signal.SIGINT)
            out, _ = served.communicate(timeout=60)
        finally:
            served.kill()
            served.wait()
    assert served.returncode == 0, told.read_text()
    found = json.loads(out)["summary"]
    assert re.search(r"200: taken", told.read_text())
    assert len(found["approvals"]) == len(serving._SAMPLES)
    assert found["people"] == ["rita", "alice", "bob", "carol"]
