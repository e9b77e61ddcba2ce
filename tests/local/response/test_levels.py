"""Each level of containment, deployed and played on the embedded AWS."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from sudo_mcp_guardrails.local.response.play import Play
from sudo_mcp_guardrails.local.response.site import DrillSite
from sudo_mcp_guardrails.response.levels import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DrillSite]:
    """One deployment for all: each drill leaves it as it was."""
    with EmbeddedAws() as aws:
        made = DrillSite(aws, tmp_path_factory.mktemp("site"), lambda _: None)
        made.deploy()
        yield made


@pytest.mark.parametrize("level", list(Level))
def test_a_drill_passes_and_leaves_all_as_it_was(site: DrillSite, level: Level) -> None:
    played = Play(site, level, lambda _: None).run()
    assert played.problems == []
    assert played.changed == ()
    assert [each for each in played.tries if not each.agreed] == []
    assert played.passed


def test_k1_lets_live_sessions_go_on_and_names_what_they_did(site: DrillSite) -> None:
    played = Play(site, Level.K1, lambda _: None).run()
    assert played.passed
    live = [each for each in played.tries if each.phase == "contained" and "session lists" in each.what]
    assert {each.answered for each in live} == {"allow"}
    assert played.verified["calls"]


def test_a_containment_that_cannot_reach_the_roles_fails_the_drill(site: DrillSite) -> None:
    """Nobody can become the response role: the drill must say so, and take the switch back all the same."""
    iam = site.client("iam")
    trust = iam.get_role(RoleName="mcp-guardrails-response")["Role"]["AssumeRolePolicyDocument"]
    closed = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}'
    iam.update_assume_role_policy(RoleName="mcp-guardrails-response", PolicyDocument=closed)
    try:
        played = Play(site, Level.K2, lambda _: None).run()
    finally:
        iam.update_assume_role_policy(RoleName="mcp-guardrails-response", PolicyDocument=json.dumps(trust))
    assert not played.passed
    assert not played.contained
    assert any("contain: " in problem for problem in played.problems)


def test_a_finding_that_contains_stops_its_agent_by_itself_and_a_person_restores_it(site: DrillSite) -> None:
    host, intake = site.role("agenthost"), site.intake(site.role("soc"))
    finding = {
        "rule": "agent_tampers_with_trail",
        "finding_info": {"uid": "ab" * 16},
        "unmapped": {"contains": "true", "agent": "cost-bot"},
    }
    entry = {"EventBusName": "drill-findings", "Source": "tests", "DetailType": "AgentFinding"}
    tame = {**finding, "unmapped": {"agent": "release-bot"}}
    for detail in (tame, finding):
        site.client("events").put_events(Entries=[{**entry, "Detail": json.dumps(detail)}])
    table, items = site.outputs["SwitchTable"], []
    for _ in range(300):
        items = site.client("dynamodb").scan(TableName=table)["Items"]
        if items:
            break
        time.sleep(0.2)
    assert [item["target"]["S"] for item in items] == ["agent:cost-bot"]
    assert items[0]["incident"]["S"] == f"finding-{'ab' * 16}"
    assert items[0]["by"]["S"].endswith(":role/mcp-guardrails/mcp-guardrails-containment-trigger")
    assert site.minted(host, "cost-bot", "read")[0] == 403
    assert site.minted(host, "release-bot", "read")[0] == 200
    request = {"op": "restore", "target": "agent:cost-bot", "reason": "a test", "incident": "INC-2"}
    for _ in range(50):
        # While the containment is still under way some of its places are neither as before nor as it leaves them.
        ended = intake.ended(intake.ask(request))
        if ended["status"] == "SUCCEEDED":
            break
        time.sleep(0.5)
    assert ended["output"]["complete"]
    assert site.minted(host, "cost-bot", "read")[0] == 200
