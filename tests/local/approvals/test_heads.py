"""The daily heads: the deployed schedule publishes them to a second account, and a cut tail shows by them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from tests.local.approvals import app
from tests.local.approvals.conftest import HEADS_BUCKET, SECOND_ACCOUNT
from tests.local.approvals.site import until

if TYPE_CHECKING:
    from tests.local.approvals.site import Site

pytestmark = pytest.mark.integration
DAY = 86_400


def fire(site: Site) -> None:
    """Have the deployed schedule come due: its target, its role and its input stay as they are."""
    scheduler = site.client("scheduler")
    [found] = scheduler.list_schedules()["Schedules"]
    deployed = scheduler.get_schedule(Name=found["Name"])
    assert deployed["ScheduleExpression"] == "cron(30 1 * * ? *)"
    due = datetime.now(timezone.utc) - timedelta(seconds=5)
    scheduler.update_schedule(
        Name=found["Name"],
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow=deployed["FlexibleTimeWindow"],
        Target=deployed["Target"],
    )


def site_second(site: Site) -> Any:
    """The second account's client of S3."""
    return site.aws.client("s3", account=SECOND_ACCOUNT, region=app.REGION)


def published(site: Site) -> list[str]:
    """The heads that are in the second account's bucket."""
    s3 = site_second(site)
    return [each["Key"] for each in s3.list_objects_v2(Bucket=HEADS_BUCKET).get("Contents", [])]


def kept(site: Site) -> Any:
    """The heads in the workflow's own bucket, where each is put last."""
    bucket = site.outputs["Bucket"]
    return site.client("s3").list_objects_v2(Bucket=bucket, Prefix="heads/").get("Contents")


def verify(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *places: str, heads: str
) -> Any:
    """Run `mcp-guardrails approvals verify` as an auditor of the first account."""
    for name, value in site.aws.credentials(site.spec.account, app.REGION).items():
        monkeypatch.setenv(name, value)
    keys = ("--evidence-key", site.outputs["EvidenceKey"], "--decision-key", site.outputs["DecisionKey"])
    capsys.readouterr()
    code = cli.main(["approvals", "verify", *places, *keys, "--heads", heads, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_schedule_publishes_to_the_second_account_and_a_cut_tail_shows(
    reaching: Site, tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = reaching.agent().calls("headed")
    reaching.waits(approval)
    assert reaching.person("alice").decide(approval)[0] == 200
    assert reaching.ended(approval) == "Executed"
    length = len(reaching.chain(approval))
    # A head is of a day that is over: the publisher's clock, and nothing else, is a day ahead.
    reaching.fault("heads", "run", "any", shift=DAY, always=True)
    fire(reaching)
    until(lambda: kept(reaching), 60)
    [name] = published(reaching)
    today = f"{datetime.now(timezone.utc):%Y-%m-%d}"
    assert name.startswith(f"heads/mcp-guardrails-approval/{today}-")

    s3 = site_second(reaching)
    heads = tmp_path / "heads"
    heads.mkdir()
    (heads / name.rpartition("/")[2]).write_bytes(s3.get_object(Bucket=HEADS_BUCKET, Key=name)["Body"].read())
    table = f"table:{reaching.outputs['Evidence']}"
    code, found = verify(reaching, capsys, monkeypatch, table, heads=str(heads))
    assert [item["flaw"] for item in found["items"]] == []
    assert (code, found["summary"]["heads"]) == (0, 1)

    last = {"chain": {"S": approval}, "number": {"N": str(length)}}
    dynamodb, evidence = reaching.client("dynamodb"), reaching.outputs["Evidence"]
    cut = dynamodb.get_item(TableName=evidence, Key=last)["Item"]
    dynamodb.delete_item(TableName=evidence, Key=last)
    try:
        code, found = verify(reaching, capsys, monkeypatch, table, heads=str(heads))
    finally:
        dynamodb.put_item(TableName=evidence, Item=cut)
    assert code == 1
    assert [(item["chain"], item["flaw"]) for item in found["items"]] == [(approval, "cut")]


def test_who_owns_the_first_account_cannot_take_a_head_back(reaching: Site) -> None:
    from botocore.exceptions import ClientError

    names = published(reaching)
    own = site_second(reaching).list_object_versions(Bucket=HEADS_BUCKET)["Versions"]
    for how in ({}, {"VersionId": own[0]["VersionId"]}):
        with pytest.raises(ClientError, match=r"AccessDenied|Access Denied"):
            reaching.client("s3").delete_object(Bucket=HEADS_BUCKET, Key=names[0], **how)
    assert published(reaching) == names
