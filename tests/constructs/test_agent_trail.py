"""The trail as a resource: what it records, where, what is adopted instead, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from sudo_mcp_guardrails import AdoptedLandingZone, GuardrailNames
from sudo_mcp_guardrails.compliance.frameworks import Framework
from sudo_mcp_guardrails.compliance.retention import Retention
from sudo_mcp_guardrails.constructs.agent_trail import AgentTrail
from sudo_mcp_guardrails.constructs.data_events import DataEvents, selectors
from sudo_mcp_guardrails.constructs.immutable_log_bucket import ImmutableLogBucket
from sudo_mcp_guardrails.iam.documents import resolve
from sudo_mcp_guardrails.policies.log_archive import LogArchiveError, trail_arn

MANAGEMENT, DELEGATED = "999999999999", "111111111111"
ORGANIZATION = "o-a1b2c3d4e5"
BUCKET_ARN = "arn:aws:s3:::archive"
KEY_ARN = f"arn:aws:kms:eu-central-1:{DELEGATED}:key/1"
TRAIL_ARN = f"arn:aws:cloudtrail:eu-central-1:{MANAGEMENT}:trail/theirs"
LANDING_ZONE = AdoptedLandingZone("platform", date(2027, 1, 31), control_tower=True)
Template = dict[str, Any]


def new_stack(
    account: str = MANAGEMENT, *, app: cdk.App | None = None, name: str = "Trail", region: str = "eu-central-1"
) -> cdk.Stack:
    env = cdk.Environment(account=account, region=region)
    return cdk.Stack(app or cdk.App(analytics_reporting=False), name, env=env)


def given(stack: cdk.Stack) -> dict[str, Any]:
    """A bucket and a key that are there."""
    return {
        "bucket": s3.Bucket.from_bucket_arn(stack, "Bucket", BUCKET_ARN),
        "encryption_key": kms.Key.from_key_arn(stack, "Key", KEY_ARN),
    }


def template(stack: cdk.Stack) -> Template:
    found: Template = dict(assertions.Template.from_stack(stack).to_json()).get("Resources", {})
    return found


def of(found: Template, kind: str) -> list[Template]:
    return [resource for resource in found.values() if resource["Type"] == kind]


def made(**props: Any) -> Template:
    stack = new_stack()
    AgentTrail(stack, "Trail", **given(stack), **props)
    (trail,) = of(template(stack), "AWS::CloudTrail::Trail")
    properties: Template = trail["Properties"]
    return properties


def plain(value: Any, account: str = MANAGEMENT) -> Any:
    match value:
        case {"Fn::Join": ["", list(parts)]}:
            return "".join(plain(part, account) for part in parts)
        case {"Ref": name} if name.startswith("AWS::"):
            values = {"Partition": "aws", "AccountId": account, "Region": "eu-central-1"}
            return resolve(f"${{{name}}}", values)
        case dict():
            return {key: plain(item, account) for key, item in value.items()}
        case list():
            return [plain(item, account) for item in value]
        case _:
            return value


def warnings(stack: cdk.Stack) -> list[str]:
    found = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
    return [str(entry.entry.data) for entry in found]


class TestTrail:
    def test_it_records_all_regions_and_accounts_with_digests(self) -> None:
        trail = made(organization_id=ORGANIZATION)
        for name in (
            "IsLogging",
            "IsMultiRegionTrail",
            "IsOrganizationTrail",
            "IncludeGlobalServiceEvents",
            "EnableLogFileValidation",
        ):
            assert trail[name] is True
        assert (trail["S3BucketName"], trail["KMSKeyId"]) == ("archive", KEY_ARN)
        assert trail["TrailName"] == "mcp-guardrails-trail"
        assert "InsightSelectors" not in trail
        assert "CloudWatchLogsLogGroupArn" not in trail

    def test_management_events_are_selected_once_reads_and_writes(self) -> None:
        assert made()["AdvancedEventSelectors"] == [
            {"Name": "Management", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}
        ]

    def test_without_an_organization_it_is_the_accounts(self) -> None:
        assert made()["IsOrganizationTrail"] is False

    def test_insights_are_asked_for(self) -> None:
        kinds = [selector["InsightType"] for selector in made(insights=True)["InsightSelectors"]]
        assert kinds == ["ApiCallRateInsight", "ApiErrorRateInsight"]

    def test_the_name_can_be_another(self) -> None:
        assert made(names=GuardrailNames("robots"))["TrailName"] == "robots-trail"
        assert made(trail_name="audit")["TrailName"] == "audit"

    def test_the_arn_is_of_the_management_account_also_where_it_is_delegated(self) -> None:
        stack = new_stack(DELEGATED)
        trail = AgentTrail(stack, "Trail", **given(stack), organization_id=ORGANIZATION, management_account=MANAGEMENT)
        arn = plain(stack.resolve(trail.trail_arn), DELEGATED)
        assert arn == f"arn:aws:cloudtrail:eu-central-1:{MANAGEMENT}:trail/mcp-guardrails-trail"

    def test_it_waits_for_the_policy_of_its_bucket(self) -> None:
        stack = new_stack()
        bucket = ImmutableLogBucket(
            stack, "Logs", retention=Retention.for_(Framework.SOC2), trails=[trail_arn("mcp-guardrails-trail")]
        )
        AgentTrail(stack, "Trail", bucket=bucket)
        found = template(stack)
        (trail,) = of(found, "AWS::CloudTrail::Trail")
        assert {found[name]["Type"] for name in trail["DependsOn"]} >= {"AWS::S3::BucketPolicy", "AWS::KMS::Key"}
        (policy,) = of(found, "AWS::S3::BucketPolicy")
        allowed = [s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Sid"] == "LogBucketTrailWrite"]
        (condition,) = [s["Condition"]["StringEquals"]["aws:SourceArn"] for s in allowed]
        assert plain(condition).endswith(f":{MANAGEMENT}:trail/{trail['Properties']['TrailName']}")


class TestDataEvents:
    def test_each_type_is_a_selector(self) -> None:
        function = f"arn:aws:lambda:eu-central-1:{DELEGATED}:function:pay"
        _, bucket, functions, tables, gateways = made(
            data_events=[
                DataEvents.buckets("arn:aws:s3:::crown-jewels", write_only=True),
                DataEvents.functions(function),
                DataEvents.tables(),
                DataEvents.agentcore_gateways(),
            ]
        )["AdvancedEventSelectors"]
        assert fields(bucket) == {
            "eventCategory": {"Equals": ["Data"]},
            "resources.type": {"Equals": ["AWS::S3::Object"]},
            "resources.ARN": {"StartsWith": ["arn:aws:s3:::crown-jewels/"], "NotStartsWith": [f"{BUCKET_ARN}/"]},
            "readOnly": {"Equals": ["false"]},
        }
        assert fields(functions)["resources.ARN"] == {"StartsWith": [function]}
        assert fields(tables) == {
            "eventCategory": {"Equals": ["Data"]},
            "resources.type": {"Equals": ["AWS::DynamoDB::Table"]},
        }
        assert fields(gateways)["resources.type"] == {"Equals": ["AWS::BedrockAgentCore::Gateway"]}

    def test_a_newer_type_is_named(self) -> None:
        selector = made(data_events=[DataEvents("AWS::McpServer::Session")])["AdvancedEventSelectors"][1]
        assert fields(selector)["resources.type"] == {"Equals": ["AWS::McpServer::Session"]}

    def test_of_all_buckets_the_trails_own_and_the_named_ones_are_left_out(self) -> None:
        stack = new_stack()
        access = s3.Bucket.from_bucket_arn(stack, "Access", "arn:aws:s3:::access")
        AgentTrail(stack, "Trail", **given(stack), data_events=[DataEvents.buckets()], exclude_buckets=[access])
        (trail,) = of(template(stack), "AWS::CloudTrail::Trail")
        found = fields(trail["Properties"]["AdvancedEventSelectors"][1])["resources.ARN"]
        assert found == {"NotStartsWith": [f"{BUCKET_ARN}/", "arn:aws:s3:::access/"]}

    @pytest.mark.parametrize("arn", [BUCKET_ARN, f"{BUCKET_ARN}/", f"{BUCKET_ARN}/AWSLogs"])
    def test_the_trails_own_bucket_is_refused(self, arn: str) -> None:
        with pytest.raises(LogArchiveError, match="the trail would record its own deliveries"):
            selectors([DataEvents.buckets(arn)], never=[BUCKET_ARN])

    def test_a_bucket_whose_name_only_begins_alike_is_not(self) -> None:
        assert len(selectors([DataEvents.buckets(f"{BUCKET_ARN}-2")], never=[BUCKET_ARN])) == 2

    def test_a_beginning_that_takes_in_the_own_bucket_is_refused(self) -> None:
        with pytest.raises(LogArchiveError, match="its own deliveries"):
            selectors([DataEvents("AWS::S3::Object", ("arn:aws:s3:::arch",))], never=[BUCKET_ARN])

    def test_there_are_at_most_500_values(self) -> None:
        arns = [f"arn:aws:lambda:eu-central-1:{DELEGATED}:function:f{n}" for n in range(498)]
        with pytest.raises(LogArchiveError, match="trail selects by 501 values, allowed are 500"):
            selectors([DataEvents.functions(*arns)], never=[])
        assert selectors([DataEvents.functions(*arns[1:])], never=[])

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            (lambda: DataEvents("S3"), "resource type 'S3' of data events"),
            (lambda: DataEvents(None), "resource type None"),  # type: ignore[arg-type]
            (lambda: DataEvents("AWS::S3::Object", "arn:aws:s3:::x"), "expected a tuple of ARNs"),  # type: ignore[arg-type]
            (lambda: DataEvents.buckets("arn:aws:s3:::x-*"), "without wildcards"),
            (lambda: DataEvents.buckets("x"), "ARN 'x/' of data events"),
            (lambda: selectors([DataEvents.tables(), DataEvents.tables()], never=[]), "are given twice"),
            (lambda: selectors(["s3"], never=[]), "data events 's3' are not allowed"),  # type: ignore[list-item]
        ],
        ids=["type", "none", "text", "wildcard", "name", "twice", "kind"],
    )
    def test_bad_values(self, value: Any, message: str) -> None:
        with pytest.raises(LogArchiveError, match=message):
            value()


def fields(selector: Template) -> Template:
    return {
        field["Field"]: {key: value for key, value in field.items() if key != "Field"}
        for field in selector["FieldSelectors"]
    }


class TestLogGroup:
    def test_the_role_writes_the_trails_streams_of_one_group_alone(self) -> None:
        stack = new_stack(DELEGATED)
        group = logs.LogGroup.from_log_group_name(stack, "Group", "central")
        trail = AgentTrail(
            stack,
            "Trail",
            **given(stack),
            organization_id=ORGANIZATION,
            management_account=MANAGEMENT,
            log_group=group,
        )
        assert trail.role is not None
        found = template(stack)
        (properties,) = [r["Properties"] for r in of(found, "AWS::CloudTrail::Trail")]
        assert plain(properties["CloudWatchLogsLogGroupArn"], DELEGATED).endswith("log-group:central:*")
        (role,) = [r["Properties"] for r in of(found, "AWS::IAM::Role")]
        (trust,) = plain(role["AssumeRolePolicyDocument"], DELEGATED)["Statement"]
        assert trust["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
        arn = f"arn:aws:cloudtrail:eu-central-1:{MANAGEMENT}:trail/mcp-guardrails-trail"
        assert trust["Condition"] == {"StringEquals": {"aws:SourceArn": arn}}
        (policy,) = [r["Properties"] for r in of(found, "AWS::IAM::ManagedPolicy")]
        (statement,) = plain(policy["PolicyDocument"], DELEGATED)["Statement"]
        streams = f"arn:aws:logs:eu-central-1:{DELEGATED}:log-group:central:log-stream:"
        assert statement["Resource"] == [f"{streams}{MANAGEMENT}_CloudTrail_*", f"{streams}{ORGANIZATION}_*"]


class TestAdopted:
    def test_control_towers_trail_stays_and_a_warning_says_so(self) -> None:
        stack = new_stack()
        trail = AgentTrail(stack, "Trail", **given(stack), adopt=LANDING_ZONE)
        assert template(stack) == {}
        assert trail.trail is None
        arn = plain(stack.resolve(trail.trail_arn))
        assert arn.endswith(f":{MANAGEMENT}:trail/aws-controltower-BaselineCloudTrail")
        (warning,) = warnings(stack)
        assert ":trail/aws-controltower-BaselineCloudTrail is adopted as it is, with bucket, key:" in warning
        assert "Fn::Join" not in warning
        assert "[ack: sudo-mcp-guardrails:agentTrail.adopted]" in warning

    def test_one_beside_it_is_made_when_asked_and_said(self) -> None:
        stack = new_stack()
        trail = AgentTrail(stack, "Trail", **given(stack), adopt=LANDING_ZONE, create=True)
        assert trail.trail is not None
        (warning,) = warnings(stack)
        assert "[ack: sudo-mcp-guardrails:agentTrail.second]" in warning

    def test_a_landing_zone_without_a_trail_gets_one(self) -> None:
        stack = new_stack()
        adopted = AdoptedLandingZone("platform", date(2027, 1, 31), stack_sets=True)
        assert AgentTrail(stack, "Trail", **given(stack), adopt=adopted).trail is not None

    def test_an_existing_one_is_known_by_its_arn(self) -> None:
        stack = new_stack()
        trail = AgentTrail.from_existing(stack, "Trail", trail_arn=TRAIL_ARN)
        assert (trail.trail_arn, trail.bucket, trail.encryption_key, trail.log_group) == (TRAIL_ARN, None, None, None)
        assert template(stack) == {}
        (warning,) = warnings(stack)
        assert f"trail {TRAIL_ARN} is adopted as it is, with nothing else" in warning


class TestOnlyOne:
    def test_a_second_of_the_organization_is_refused_in_any_stack(self) -> None:
        app = cdk.App(analytics_reporting=False)
        first, second = new_stack(app=app), new_stack(DELEGATED, app=app, name="Other")
        AgentTrail(first, "Trail", **given(first), organization_id=ORGANIZATION)
        with pytest.raises(LogArchiveError, match="'o-a1b2c3d4e5' has trail 'Trail/Trail' and 'Other/Trail'"):
            AgentTrail(second, "Trail", **given(second), organization_id=ORGANIZATION)
        AgentTrail(second, "Own", **given_again(second), trail_name="own")

    def test_another_app_has_its_own(self) -> None:
        for _ in range(2):
            made(organization_id=ORGANIZATION)


def given_again(stack: cdk.Stack) -> dict[str, Any]:
    return {
        "bucket": s3.Bucket.from_bucket_arn(stack, "Bucket2", BUCKET_ARN),
        "encryption_key": kms.Key.from_key_arn(stack, "Key2", KEY_ARN),
    }


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"bucket": None}, "trail 'mcp-guardrails-trail' has no bucket"),
        ({"encryption_key": None}, "trail 'mcp-guardrails-trail' has no key"),
        ({"create": False}, "trail 'Trail/Trail' is not made and none is adopted"),
        ({"trail_name": "x y"}, "expected an ARN arn:PARTITION:cloudtrail"),
        ({"management_account": "1"}, "expected an ARN arn:PARTITION:cloudtrail"),
        ({"existing_trail_arn": "theirs"}, "trail 'theirs' is not allowed"),
        ({"existing_trail_arn": TRAIL_ARN, "create": True}, "is there, and create asks for another"),
        ({"adopt": LANDING_ZONE, "insights": True}, "insights of trail .* are not allowed, expected none"),
        ({"adopt": LANDING_ZONE, "data_events": [DataEvents.tables()]}, "data_events of trail"),
    ],
    ids=[
        *("bucket", "key", "nothing", "name", "account", "existing", "both", "adopted-insights", "adopted-data"),
    ],
)
def test_bad_props(props: dict[str, Any], message: str) -> None:
    stack = new_stack()
    with pytest.raises(LogArchiveError, match=message):
        AgentTrail(stack, "Trail", **{**given(stack), **props})


def test_a_bucket_that_lets_another_trail_write_is_refused() -> None:
    stack = new_stack()
    bucket = ImmutableLogBucket(
        stack, "Logs", retention=Retention.for_(Framework.SOC2), trails=[trail_arn("another", account=MANAGEMENT)]
    )
    with pytest.raises(LogArchiveError, match=r"which lets write .*trail/another"):
        AgentTrail(stack, "Trail", bucket=bucket)


@pytest.mark.parametrize("named", [False, True])
def test_a_bucket_of_another_account_needs_a_name_for_its_key(*, named: bool) -> None:
    app = cdk.App(analytics_reporting=False)
    archive_stack, stack = new_stack(DELEGATED, app=app, name="Archive"), new_stack(app=app)
    archive = ImmutableLogBucket(
        archive_stack,
        "Logs",
        retention=Retention.for_(Framework.SOC2),
        trails=[trail_arn("mcp-guardrails-trail", account=MANAGEMENT)],
        bucket_name="archive" if named else None,
    )
    if not named:
        expected = r"key of bucket 'Archive/Logs' in account '111111111111' is not known"
        with pytest.raises(LogArchiveError, match=expected):
            AgentTrail(stack, "Refused", bucket=archive)
        return
    AgentTrail(stack, "Trail", bucket=archive)
    (trail,) = of(template(stack), "AWS::CloudTrail::Trail")
    alias = f"arn:aws:kms:eu-central-1:{DELEGATED}:alias/archive"
    assert (trail["Properties"]["S3BucketName"], plain(trail["Properties"]["KMSKeyId"])) == ("archive", alias)
    aliases = of(template(archive_stack), "AWS::KMS::Alias")
    assert [alias["Properties"]["AliasName"] for alias in aliases] == ["alias/archive"]


def test_a_key_that_is_given_is_named_by_its_arn() -> None:
    app = cdk.App(analytics_reporting=False)
    archive_stack, stack = new_stack(DELEGATED, app=app, name="Archive"), new_stack(app=app)
    archive = ImmutableLogBucket(
        archive_stack,
        "Logs",
        retention=Retention.for_(Framework.SOC2),
        trails=[trail_arn("mcp-guardrails-trail", account=MANAGEMENT)],
        bucket_name="archive",
    )
    AgentTrail(stack, "Trail", bucket=archive, encryption_key=kms.Key.from_key_arn(stack, "Key", KEY_ARN))
    (trail,) = of(template(stack), "AWS::CloudTrail::Trail")
    assert (trail["Properties"]["S3BucketName"], trail["Properties"]["KMSKeyId"]) == ("archive", KEY_ARN)
