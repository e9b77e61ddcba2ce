from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.detection import finding
from sudo_mcp_guardrails.detection.alert import MAX_EVENTS, Alert
from sudo_mcp_guardrails.detection.asff import MAX_TEXT, MAX_TITLE, to_asff
from sudo_mcp_guardrails.detection.finding import Findings, actor_of
from sudo_mcp_guardrails.detection.ocsf import to_ocsf
from sudo_mcp_guardrails.detection.rule import Level, Source
from sudo_mcp_guardrails.trail.attribution import Attribution, By
from tests.detection.events import NOBODY, attributed

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.finding import Finding

AGENT = Attribution(By.SESSION_TAGS, agent="ci-bot", run="run-1", capability="apply", ticket="T-1", person="p@x.org")
NOW = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


def _alert(event: str = "e1", *, by: Attribution = AGENT, rule: str = "r", **fields: Any) -> Alert:
    return Alert(
        rule=rule,
        rule_id=f"id-{rule}",
        title="a title",
        level=Level.HIGH,
        source=Source.RULE,
        sentence="a sentence",
        subject=attributed(by, eventID=event, **fields),
        events=(event,),
        tags=("attack.t1562.008", "attack.defense-evasion", "atlas.aml.t0051"),
        contains=True,
    )


def _finding(alert: Alert) -> Finding:
    found = Findings().add(alert)
    assert found is not None
    return found


def test_alerts_of_one_rule_about_one_run_are_one_finding() -> None:
    findings = Findings()
    first, second = findings.add(_alert("e1")), findings.add(_alert("e2", eventTime="2026-11-23T09:00:00Z"))
    assert first is not None
    assert second is not None
    assert (first.id, first.is_new, second.is_new) == (second.id, True, False)
    assert (second.alerts, second.events) == (2, ("e1", "e2"))
    assert (second.first_time, second.last_time) == ("2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z")


def test_an_alert_that_comes_by_both_ways_says_nothing_new() -> None:
    findings = Findings()
    findings.add(_alert())
    assert findings.add(_alert()) is None


@pytest.mark.parametrize(
    "other",
    [
        _alert("e2", rule="other"),
        _alert("e2", by=NOBODY),
        _alert("e2", eventTime="2026-11-24T00:00:00Z"),
    ],
)
def test_another_rule_actor_or_day_is_another_finding(other: Alert) -> None:
    assert _finding(other).id != _finding(_alert()).id


def test_whom_a_finding_is_about() -> None:
    who = {"type": "AssumedRole", "arn": "arn:a", "sessionContext": {"sessionIssuer": {"arn": "arn:role"}}}
    assert actor_of(_alert()) == "run-1"
    assert actor_of(_alert(by=Attribution(By.INVOKED_BY, session="s"))) == "s"
    assert actor_of(_alert(by=NOBODY, userIdentity=who)) == "arn:role"
    assert actor_of(_alert(by=NOBODY, userIdentity={"type": "x", "arn": "arn:a"})) == "arn:a"
    assert actor_of(_alert(by=NOBODY, userIdentity=None)) == "111122223333"
    assert actor_of(_alert(by=NOBODY, userIdentity=None, recipientAccountId=None)) == "unknown"


def test_findings_and_their_events_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MAX_OPEN", 3)
    findings = Findings()
    for index in range(MAX_EVENTS + 20):
        last = findings.add(_alert(f"e{index}"))
    assert last is not None
    assert len(last.events) == MAX_EVENTS
    assert last.events[-1] == f"e{MAX_EVENTS + 19}"
    for index in range(9):
        findings.add(_alert("x", rule=f"r{index}"))
    assert len(findings._open) == 3


def test_a_finding_in_ocsf() -> None:
    found = to_ocsf(_finding(_alert()))
    assert (found["class_uid"], found["category_uid"], found["type_uid"]) == (2004, 2, 200401)
    assert (found["rule"], found["source"], found["severity_id"], found["count"]) == ("r", "rule", 4, 1)
    assert found["time"] == 1795428000000
    info = found["finding_info"]
    assert [one["technique"]["uid"] for one in info["attacks"]] == ["T1562.008", "AML.T0051"]
    assert info["uid"] == found["metadata"]["uid"]
    assert info["analytic"] == {"uid": "id-r", "name": "r", "type_id": 1, "type": "Rule"}
    assert found["unmapped"]["run"] == "run-1"
    assert found["evidences"][0]["api"]["operation"] == "PutBucketPolicy"
    assert found["cloud"]["account"]["uid"] == "111122223333"


def test_an_update_in_ocsf() -> None:
    findings = Findings()
    findings.add(_alert("e1"))
    second = findings.add(_alert("e2"))
    assert second is not None
    assert to_ocsf(second)["activity_id"] == 2


def test_a_finding_without_a_time_in_ocsf() -> None:
    found = to_ocsf(_finding(_alert(eventTime=None)))
    assert found["time"] == 0
    assert "first_seen_time" not in found["finding_info"]


def test_a_finding_in_asff() -> None:
    alert = _alert(
        userIdentity={"type": "AssumedRole", "arn": "arn:s", "sessionContext": {"sessionIssuer": {"arn": "arn:role"}}}
    )
    found = to_asff(_finding(alert), account="999999999999", region="eu-west-1", partition="aws-us-gov", now=NOW)
    required = ("SchemaVersion", "Id", "ProductArn", "GeneratorId", "AwsAccountId", "CreatedAt", "UpdatedAt", "Title")
    assert all(found[name] for name in (*required, "Description", "Severity", "Types", "Resources"))
    assert found["ProductArn"] == "arn:aws-us-gov:securityhub:eu-west-1:999999999999:product/999999999999/default"
    assert found["FindingProviderFields"] == {"Severity": {"Label": "HIGH"}, "Types": ["TTPs/Defense Evasion"]}
    assert (found["CreatedAt"], found["UpdatedAt"]) == ("2026-11-23T10:00:00Z", "2026-11-23T12:00:00.000000Z")
    assert found["Resources"][0]["Id"] == "arn:role"
    assert found["ProductFields"]["sudo-mcp-guardrails/run"] == "run-1"


def test_what_asff_limits_is_cut() -> None:
    from dataclasses import replace

    alert = replace(_alert(eventTime=None, awsRegion=None), title="t" * 999, sentence="s" * 9999)
    found = to_asff(_finding(alert), account="999999999999", region="eu-west-1", partition="aws", now=NOW)
    assert (len(found["Title"]), len(found["Description"])) == (MAX_TITLE, MAX_TEXT)
    assert found["CreatedAt"] == found["UpdatedAt"]
    assert "Region" not in found["Resources"][0]
