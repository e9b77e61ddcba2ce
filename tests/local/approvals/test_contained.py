"""What an agent asked for when it is contained: withdrawn by the deployed kill switch, verified, and told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.approval.deciding.events import CONTAINMENT
from sudo_mcp_guardrails.local.embedded import clients
from sudo_mcp_guardrails.local.response.asking import Intake
from tests.local.approvals import app
from tests.local.approvals.site import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.approvals.site import Site

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def contained(deployed: Callable[..., Site]) -> tuple[Site, dict[str, str], dict[str, Any]]:
    """The workflow with a kill switch, approvals by what came of them, and how the containment went."""
    site = deployed("310000000006", kill_switch=True, terraform=True)
    agent, alice = site.agent(), site.person("alice")
    done = agent.calls("done-before")
    site.waits(done)
    assert alice.decide(done)[0] == 200
    assert site.ended(done) == "Executed"
    approvals = {"done": done, "open": agent.calls("open"), "seen": agent.calls("seen")}
    for name in ("open", "seen"):
        site.waits(approvals[name])
    decision = alice.decision(approvals["seen"])

    role = f"arn:aws:iam::{site.spec.account}:role/{app.SOC}"
    session = site.client("sts").assume_role(RoleArn=role, RoleSessionName="ann")["Credentials"]
    intake = Intake(site.outputs["Switch"], clients.assumed(session, app.REGION), app.REGION, site.aws.endpoint_url)
    request = {"op": "contain", "target": f"agent:{app.AGENT}", "level": "K2", "reason": "it reads every secret"}
    ended = intake.ended(intake.ask({**request, "incident": "INC-7", "graceSeconds": 0}))
    # Who looked before cannot approve any more.
    status, body = alice.click(approvals["seen"], decision)
    assert status in {409, 410}, body
    return site, approvals, ended


def test_the_containment_is_complete_with_approvals_and_builds(
    contained: tuple[Site, dict[str, str], dict[str, Any]],
) -> None:
    _, _, ended = contained
    assert ended["status"] == "SUCCEEDED", ended
    report = ended["output"]["report"]
    assert ended["output"]["complete"], report
    # The switch, three for each of four roles, and in flight approvals, builds, stacks and requests.
    assert (report["steps"], report["failed"]) == (1 + 3 * 4 + 4, [])


@pytest.mark.parametrize("name", ["open", "seen"])
def test_what_was_asked_for_is_withdrawn_and_its_execution_ends(
    contained: tuple[Site, dict[str, str], dict[str, Any]], name: str
) -> None:
    site, approvals, _ = contained
    approval = approvals[name]
    assert site.ended(approval) == "Ended"
    assert site.status(approval) == "SUCCEEDED"
    [record] = [each for each in site.chain(approval) if each.kind == CONTAINMENT]
    assert record.key_id == site.outputs["ResponderKey"]
    assert "INC-7" in json.dumps(record.body)
    assert f"assumed-role/{app.SOC}/ann" in record.who
    assert not {"execution", "forged-callback"} & set(site.kinds(approval))
    status, body = site.person("alice").ask("GET", f"/api/approvals/{approval}")
    assert (status, body["status"]["state"]) == (200, "withdrawn"), body
    assert f"{app.AGENT}-{name}" not in site.queues()
    until(lambda: any("withdrawn" in notice for notice in site.told(approval)))


def test_what_was_carried_out_before_stays_as_it_was(contained: tuple[Site, dict[str, str], dict[str, Any]]) -> None:
    site, approvals, _ = contained
    assert CONTAINMENT not in site.kinds(approvals["done"])
    assert f"{app.AGENT}-done-before" in site.queues()


def test_the_contained_proposes_nothing_more(contained: tuple[Site, dict[str, str], dict[str, Any]]) -> None:
    site, _, _ = contained
    wish = {"environment": "sandbox", "form": "api-calls", "data": []}
    assert site.agent().ask("POST", "/approvals", wish)[0] == 403


@pytest.mark.parametrize("with_key", [True, False])
def test_the_evidence_is_good_by_the_kill_switchs_key_and_by_no_other(
    contained: tuple[Site, dict[str, str], dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    with_key: bool,  # noqa: FBT001 - of pytest
) -> None:
    site, approvals, _ = contained
    for name, value in site.aws.credentials(site.spec.account, app.REGION).items():
        monkeypatch.setenv(name, value)
    keys = ["--evidence-key", site.outputs["EvidenceKey"], "--decision-key", site.outputs["DecisionKey"]]
    keys += ["--responder-key", site.outputs["ResponderKey"]] if with_key else []
    capsys.readouterr()
    code = cli.main(["approvals", "verify", f"table:{site.outputs['Evidence']}", *keys, "--json"])
    found = json.loads(capsys.readouterr().out)
    broken = {item["chain"] for item in found["items"]}
    assert (code, broken) == ((0, set()) if with_key else (1, {approvals["open"], approvals["seen"]})), found
