"""``mcp-guardrails contain`` and ``restore`` against a deployed kill switch, and what they refuse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from sudo_mcp_guardrails.cli.commands import build_app
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from sudo_mcp_guardrails.local.response.site import REGION, DrillSite

if TYPE_CHECKING:
    from collections.abc import Iterator


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(build_app(arguments[:1]), [*arguments, "--json"])
    return done.exit_code, json.loads(done.stdout) if done.stdout.startswith("{") else {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("contain", "--level", "K2"), "0 targets are named"),
        (("contain", "release-bot", "--all", "--level", "K2"), "2 targets are named"),
        (("restore",), "0 targets are named"),
        (("contain", "Release Bot", "--level", "K2"), "agent 'Release Bot' is no target"),
        (("contain", "--class", "release", "--level", "K3"), "class 'release' is no target"),
        (("contain", "release-bot", "--level", "K2", "--prefix", "X"), "name prefix 'X' is not allowed"),
    ],
)
def test_bad_input_is_refused_before_aws_is_asked(arguments: tuple[str, ...], message: str) -> None:
    code, found = run(*arguments, "--reason", "a test")
    assert code == 2
    assert message in found["error"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrillSite]:
    with EmbeddedAws() as aws:
        made = DrillSite(aws, tmp_path_factory.mktemp("site"), lambda _: None)
        made.deploy()
        yield made


@pytest.fixture
def soc(site: DrillSite, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The environment of somebody who holds the SOC's role, and the options that lead to the embedded AWS."""
    return options(site, site.role("soc"), monkeypatch)


def options(site: DrillSite, session: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    keys = session.get_credentials()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_key)
    monkeypatch.setenv("AWS_SESSION_TOKEN", keys.token)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return ("--endpoint-url", site.aws.endpoint_url, "--region", REGION)


@pytest.mark.integration
def test_a_dry_run_prints_the_plan_and_changes_nothing(site: DrillSite, soc: tuple[str, ...]) -> None:
    code, found = run("contain", "release-bot", "--level", "K2", "--reason", "a test", "--dry-run", *soc)
    assert code == 0, found
    assert found["items"][0]["kind"] == "switch"
    assert found["summary"]["steps"] == len(found["items"])
    table = site.outputs["SwitchTable"]
    assert site.client("dynamodb").scan(TableName=table)["Items"] == []


@pytest.mark.integration
def test_contains_and_restores_by_the_records_digest(site: DrillSite, soc: tuple[str, ...]) -> None:
    asked = ("contain", "release-bot", "--level", "K2", "--reason", "a test", "--incident", "INC-1", "--grace", "0")
    code, found = run(*asked, *soc)
    assert code == 0, found
    assert (found["summary"]["complete"], found["summary"]["calls_after"]) == (True, 0)
    host = site.role("agenthost")
    assert site.minted(host, "release-bot", "read")[0] == 403
    assert site.minted(host, "cost-bot", "read")[0] == 200

    restore = ("restore", "release-bot", "--reason", "it was a test", "--incident", "INC-1")
    code, refused = run(*restore, "--digest", "ab" * 32, *soc)
    assert code == 1
    assert not refused["summary"]["complete"]
    assert site.minted(host, "release-bot", "read")[0] == 403

    code, restored = run(*restore, "--digest", found["summary"]["digest"], *soc)
    assert code == 0, restored
    assert site.minted(host, "release-bot", "read")[0] == 200


@pytest.mark.integration
def test_who_is_no_responder_is_refused(site: DrillSite, monkeypatch: pytest.MonkeyPatch) -> None:
    there = options(site, site.role("agenthost"), monkeypatch)
    code, found = run("contain", "--all", "--level", "K4", "--reason", "a test", *there)
    assert code == 2
    assert "function 'mcp-guardrails-containment-intake' of the kill switch is not found" in found["error"]
    assert "AccessDenied" in found["error"]
