"""Security Hub: who may import, what it takes for a finding, and what an update changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.local.embedded.conftest import Account

MAY = {"Effect": "Allow", "Action": "securityhub:BatchImportFindings", "Resource": "*"}


def finding(account: Account, **changes: Any) -> dict[str, Any]:
    found = {
        "SchemaVersion": "2018-10-08",
        "Id": "one",
        "ProductArn": f"arn:aws:securityhub:us-east-1:{account.id}:product/{account.id}/default",
        "GeneratorId": "rule",
        "AwsAccountId": account.id,
        "CreatedAt": "2026-11-23T10:00:00Z",
        "UpdatedAt": "2026-11-23T10:00:00.123456Z",
        "Title": "A title",
        "Description": "What happened",
        "FindingProviderFields": {"Severity": {"Label": "HIGH"}, "Types": ["TTPs/Defense Evasion"]},
        "Resources": [{"Type": "Other", "Id": "somebody"}],
    }
    return {name: value for name, value in {**found, **changes}.items() if value is not None}


@pytest.fixture
def hub(account: Account) -> Any:
    client = account.client("securityhub")
    client.enable_security_hub()
    return client


def stored(hub: Any) -> list[dict[str, Any]]:
    return list(hub.get_findings(Filters={"Id": [{"Value": "one", "Comparison": "PREFIX"}]})["Findings"])


def test_stock_serves_none(stock_account: Account) -> None:
    with pytest.raises(ClientError):
        stock_account.client("securityhub").enable_security_hub()


def test_it_must_be_on(account: Account) -> None:
    hub = account.client("securityhub")
    with pytest.raises(ClientError, match=r"InvalidAccessException.*is not subscribed"):
        hub.batch_import_findings(Findings=[finding(account)])
    hub.enable_security_hub()
    assert hub.describe_hub()["HubArn"] == f"arn:aws:securityhub:us-east-1:{account.id}:hub/default"
    assert hub.batch_import_findings(Findings=[finding(account)])["SuccessCount"] == 1
    with pytest.raises(ClientError, match="InvalidAccessException"):
        account.client("securityhub", region="eu-west-1").describe_hub()


def test_who_may_import(account: Account, hub: Any) -> None:
    del hub
    one = finding(account)
    session = account.assume(account.role("nothing"))
    with pytest.raises(ClientError, match=r"AccessDenied.*securityhub:BatchImportFindings"):
        account.client("securityhub", session).batch_import_findings(Findings=[one])
    other = {**MAY, "Resource": f"arn:aws:securityhub:us-east-1:{account.id}:product/{account.id}/other"}
    session = account.assume(account.role("other", other))
    with pytest.raises(ClientError, match="AccessDenied"):
        account.client("securityhub", session).batch_import_findings(Findings=[one])
    for name, resource in (("any", "*"), ("own", one["ProductArn"])):
        session = account.assume(account.role(name, {**MAY, "Resource": resource}))
        client = account.client("securityhub", session)
        assert client.batch_import_findings(Findings=[one])["FailedCount"] == 0
        with pytest.raises(ClientError, match=r"AccessDenied.*securityhub:GetFindings"):
            client.get_findings()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"Title": " "}, "data.Title should match pattern"),
    ({"Title": "x" * 257}, "data.Title should NOT be longer than 256"),
    ({"Description": "x" * 1025}, "data.Description should NOT be longer than 1024"),
    ({"SchemaVersion": "2018"}, "data.SchemaVersion"),
    ({"AwsAccountId": "999999999999"}, "data.AwsAccountId should be"),
    ({"ProductArn": "arn:aws:securityhub:us-east-1::product/other/other"}, "data.ProductArn should be"),
    ({"CreatedAt": "2026-11-23 10:00"}, "data.CreatedAt should match format date-time"),
    ({"UpdatedAt": "2999-01-01T00:00:00Z"}, "data.UpdatedAt"),
    ({"CreatedAt": "2026-13-45T10:00:00Z"}, "data.CreatedAt"),
    ({"Severity": {"Label": "BAD"}}, "data.Severity.Label should be equal to one of the allowed values"),
    ({"FindingProviderFields": {"Types": ["TTPs"]}}, "data.Severity should have"),
    ({"Types": ["Bad/Type"]}, "data.Types 'Bad/Type'"),
    ({"Types": ["TTPs/a/b/c"]}, "data.Types"),
    ({"Resources": []}, "data.Resources should NOT have fewer"),
    ({"ProductFields": {"a" * 129: "x"}}, "data.ProductFields"),
    ({"ProductFields": {"a": "x" * 2049}}, "data.ProductFields.a is too long"),
    ({"ProductFields": {"a": ""}}, "data.ProductFields.a should match pattern"),
    ({"ProductFields": {str(one): "x" for one in range(51)}}, "data.ProductFields should NOT have more than 50"),
    ({"Note": {"Text": "x" * 250_000, "UpdatedBy": "x", "UpdatedAt": "x"}}, "data should NOT be larger"),
]


@pytest.mark.parametrize(("changes", "why"), BAD)
def test_what_is_no_finding_fails_and_the_others_are_taken(
    account: Account, hub: Any, changes: dict[str, Any], why: str
) -> None:
    good, bad = finding(account, Id="one-good"), finding(account, Id="one-bad", **changes)
    answer = hub.batch_import_findings(Findings=[bad, good])
    assert (answer["SuccessCount"], answer["FailedCount"]) == (1, 1)
    [failed] = answer["FailedFindings"]
    assert (failed["Id"], failed["ErrorCode"]) == ("one-bad", "InvalidInput")
    assert failed["ErrorMessage"].startswith("Finding does not adhere to Amazon Finding Format.")
    assert why in failed["ErrorMessage"]
    assert [one["Id"] for one in stored(hub)] == ["one-good"]


def test_what_is_missing_or_unknown_fails_by_the_model(account: Account, hub: Any) -> None:
    """A client of boto3 refuses these itself, so they are sent without its checks."""
    made = boto3.client(
        "securityhub",
        region_name="us-east-1",
        endpoint_url=account.aws.endpoint_url,
        aws_access_key_id=account.id,
        aws_secret_access_key="made up",
        config=Config(parameter_validation=False),
    )
    assert hub.describe_hub()["HubArn"] == made.describe_hub()["HubArn"]
    answer = made.batch_import_findings(Findings=[finding(account, Resources=None), finding(account)])
    [failed] = answer["FailedFindings"]
    assert 'Missing required parameter in input: "Resources"' in failed["ErrorMessage"]
    with pytest.raises(ClientError, match=r"InvalidInputException.*1 to 100"):
        made.batch_import_findings(Findings=[])
    with pytest.raises(ClientError, match=r"InvalidInputException.*1 to 100"):
        made.batch_import_findings(Findings=[finding(account)] * 101)


def test_an_update_is_a_later_one_and_leaves_what_people_set(account: Account, hub: Any) -> None:
    hub.batch_import_findings(Findings=[finding(account, Workflow={"Status": "NOTIFIED"})])
    later = finding(account, Title="Later", UpdatedAt="2026-11-23T11:00:00Z", Workflow={"Status": "RESOLVED"})
    hub.batch_import_findings(Findings=[later])
    [one] = stored(hub)
    assert (one["Title"], one["Workflow"]["Status"]) == ("Later", "NOTIFIED")
    assert hub.batch_import_findings(Findings=[finding(account)])["SuccessCount"] == 1
    assert [one["Title"] for one in stored(hub)] == ["Later"]
    with pytest.raises(ClientError, match="filters by"):
        hub.get_findings(Filters={"Title": [{"Value": "x", "Comparison": "EQUALS"}]})
