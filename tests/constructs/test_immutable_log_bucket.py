"""The bucket of the trail as a resource: its locks, its policy and its key, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from sudo_mcp_guardrails.compliance.frameworks import Framework
from sudo_mcp_guardrails.compliance.retention import Retention
from sudo_mcp_guardrails.constructs.immutable_log_bucket import ImmutableLogBucket, LockMode
from sudo_mcp_guardrails.iam.documents import resolve
from sudo_mcp_guardrails.policies.log_archive import LogArchiveError, trail_arn
from sudo_mcp_guardrails.policies.log_archive_keys import key_policy

if TYPE_CHECKING:
    from collections.abc import Callable

ARCHIVE, MANAGEMENT, READER = "111111111111", "999999999999", "222222222222"
ORGANIZATION = "o-a1b2c3d4e5"
TRAIL = trail_arn("mcp-guardrails-trail", account=MANAGEMENT)
HIPAA = Retention.for_(Framework.HIPAA, Framework.PCI_DSS)
BREAK_GLASS = f"arn:aws:iam::{ARCHIVE}:role/emergency"
Template = dict[str, Any]


def new_stack(region: str = "eu-central-1") -> cdk.Stack:
    app = cdk.App(analytics_reporting=False)
    return cdk.Stack(app, "Archive", env=cdk.Environment(account=ARCHIVE, region=region))


def new_bucket(stack: cdk.Stack | None = None, **props: Any) -> ImmutableLogBucket:
    given = {"retention": HIPAA, "trails": [TRAIL], "organization_id": ORGANIZATION, **props}
    return ImmutableLogBucket(stack or new_stack(), "Logs", **given)


def resources(bucket: ImmutableLogBucket) -> Template:
    found: Template = assertions.Template.from_stack(cdk.Stack.of(bucket)).to_json()["Resources"]
    return found


def only(found: Template, kind: str) -> Template:
    (resource,) = [r for r in found.values() if r["Type"] == kind]
    properties: Template = resource["Properties"]
    return properties


def plain(value: Any, partition: str = "aws", region: str = "eu-central-1") -> Any:
    """A property with its joins carried out, and the bucket and key by short names."""
    match value:
        case {"Fn::Join": ["", list(parts)]}:
            return "".join(plain(part, partition, region) for part in parts)
        case {"Ref": name}:
            return resolve(f"${{{name}}}", {"Partition": partition, "AccountId": ARCHIVE, "Region": region})
        case {"Fn::GetAtt": [name, "Arn"]}:
            return "KEY" if "Key" in name else "BUCKET"
        case dict():
            return {key: plain(item, partition, region) for key, item in value.items()}
        case list():
            return [plain(item, partition, region) for item in value]
        case _:
            return value


def warnings(stack: cdk.Stack) -> list[str]:
    found = assertions.Annotations.from_stack(stack).find_warning("*", assertions.Match.any_value())
    return [str(entry.entry.data) for entry in found]


class TestBucket:
    @pytest.mark.parametrize("mode", LockMode)
    def test_everything_is_locked_for_the_retention(self, mode: LockMode) -> None:
        found = only(resources(new_bucket(mode=mode)), "AWS::S3::Bucket")
        assert found["ObjectLockEnabled"] is True
        assert found["ObjectLockConfiguration"] == {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Days": 2192, "Mode": mode.value}},
        }
        assert found["VersioningConfiguration"] == {"Status": "Enabled"}

    def test_it_is_private_and_encrypted_with_its_own_key(self) -> None:
        found = resources(new_bucket())
        bucket = only(found, "AWS::S3::Bucket")
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        (rule,) = plain(bucket["BucketEncryption"])["ServerSideEncryptionConfiguration"]
        assert rule == {
            "BucketKeyEnabled": True,
            "ServerSideEncryptionByDefault": {"KMSMasterKeyID": "KEY", "SSEAlgorithm": "aws:kms"},
        }
        assert only(found, "AWS::KMS::Key")["EnableKeyRotation"] is True
        assert "BucketName" not in bucket

    def test_nothing_goes_with_the_stack(self) -> None:
        for resource in resources(new_bucket()).values():
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")

    def test_the_policies_say_what_the_data_says(self) -> None:
        bucket = new_bucket(readers=[READER])
        found = resources(bucket)
        said = plain(only(found, "AWS::S3::BucketPolicy")["PolicyDocument"])
        tokens = {bucket.bucket.bucket_arn: "BUCKET", bucket.encryption_key.key_arn: "KEY"}
        expected = bucket.policy.resolve({"Partition": "aws", "AccountId": ARCHIVE, "Region": "eu-central-1"}).to_dict()
        assert by_sid(said) == by_sid(replaced(expected, tokens))
        assert len(by_sid(said)) == 12
        key = plain(only(found, "AWS::KMS::Key")["KeyPolicy"])
        values = {"Partition": "aws", "AccountId": ARCHIVE, "Region": "eu-central-1"}
        assert by_sid(key) == by_sid(key_policy(bucket._archive).resolve(values).to_dict())

    def test_the_floor_is_the_retention_unless_it_is_said(self) -> None:
        cases: tuple[tuple[Template, str], ...] = (({}, "2192"), ({"floor": 365}, "365"))
        for props, days in cases:
            said = by_sid(plain(only(resources(new_bucket(**props)), "AWS::S3::BucketPolicy")["PolicyDocument"]))
            condition = {"NumericLessThan": {"s3:object-lock-remaining-retention-days": days}}
            assert said["LogBucketRetentionFloor"]["Condition"] == condition

    @pytest.mark.parametrize("mode", LockMode)
    def test_nobody_lifts_a_lock(self, mode: LockMode) -> None:
        said = by_sid(plain(only(resources(new_bucket(mode=mode)), "AWS::S3::BucketPolicy")["PolicyDocument"]))
        deny = said["LogBucketNoBypass"]
        assert (deny["Effect"], deny["Principal"]) == (["Deny"], ["*"])
        assert deny["Action"] == ["s3:BypassGovernanceRetention"]
        assert "Condition" not in deny

    def test_in_governance_mode_those_who_are_named_lift_locks_and_synthesis_says_so(self) -> None:
        stack = new_stack()
        found = resources(new_bucket(stack, mode=LockMode.GOVERNANCE, bypass=[BREAK_GLASS]))
        said = by_sid(plain(only(found, "AWS::S3::BucketPolicy")["PolicyDocument"]))
        assert said["LogBucketNoBypass"]["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": BREAK_GLASS}}
        bypass, governance = sorted(warnings(stack))
        assert f"{BREAK_GLASS} may lift the locks" in governance + bypass
        assert "immutableLogBucket.bypass]" in governance + bypass
        assert "immutableLogBucket.governance]" in governance + bypass

    def test_a_key_that_is_there_is_used(self) -> None:
        stack = new_stack()
        key = kms.Key.from_key_arn(stack, "Given", f"arn:aws:kms:eu-central-1:{ARCHIVE}:key/1")
        found = resources(new_bucket(stack, encryption_key=key))
        assert not [r for r in found.values() if r["Type"] == "AWS::KMS::Key"]
        said = by_sid(plain(only(found, "AWS::S3::BucketPolicy")["PolicyDocument"]))
        assert f"{ARCHIVE}:key/1" in str(said["LogBucketOnlyKey"])

    def test_access_logs_go_to_another_bucket(self) -> None:
        stack = new_stack()
        target = s3.Bucket.from_bucket_name(stack, "Access", "access")
        found = only(resources(new_bucket(stack, access_log_bucket=target)), "AWS::S3::Bucket")
        assert found["LoggingConfiguration"] == {"DestinationBucketName": "access"}


class TestLifecycle:
    @pytest.mark.parametrize(
        ("retention", "moves"),
        [
            (HIPAA, [("GLACIER_IR", 90), ("DEEP_ARCHIVE", 365)]),
            (Retention.for_(Framework.PCI_DSS), [("GLACIER_IR", 90)]),
            (Retention.for_(Framework.FEDRAMP), [("GLACIER_IR", 365), ("DEEP_ARCHIVE", 455)]),
            (Retention.custom(544, reason="x"), [("GLACIER_IR", 90)]),
            (Retention.custom(545, reason="x"), [("GLACIER_IR", 90), ("DEEP_ARCHIVE", 365)]),
            (Retention.custom(30, reason="x"), []),
        ],
        ids=["hipaa", "pci", "fedramp", "too-short-for-deep", "just-long-enough", "short"],
    )
    def test_files_get_cheaper_and_go(self, retention: Retention, moves: list[tuple[str, int]]) -> None:
        found = only(resources(new_bucket(retention=retention)), "AWS::S3::Bucket")
        rule, markers = found["LifecycleConfiguration"]["Rules"]
        assert [(t["StorageClass"], t["TransitionInDays"]) for t in rule.get("Transitions", [])] == moves
        assert rule["ExpirationInDays"] == retention.days
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
        assert markers["ExpiredObjectDeleteMarker"] is True

    def test_they_can_stay(self) -> None:
        found = only(resources(new_bucket(expire=False)), "AWS::S3::Bucket")
        (rule,) = found["LifecycleConfiguration"]["Rules"]
        assert "ExpirationInDays" not in rule
        assert "NoncurrentVersionExpiration" not in rule


class TestWarnings:
    def test_the_default_has_none(self) -> None:
        stack = new_stack()
        new_bucket(stack)
        assert warnings(stack) == []

    @pytest.mark.parametrize(
        ("props", "id_"),
        [
            ({"mode": LockMode.GOVERNANCE}, "governance"),
            ({"floor": 30}, "floor"),
            ({"retention": Retention.for_(Framework.SOX, Framework.GDPR)}, "minimisation"),
        ],
        ids=["governance", "floor", "minimisation"],
    )
    def test_what_is_weakened_or_in_conflict_is_said(self, props: dict[str, Any], id_: str) -> None:
        stack = new_stack()
        new_bucket(stack, **props)
        (warning,) = warnings(stack)
        assert f"[ack: sudo-mcp-guardrails:immutableLogBucket.{id_}]" in warning


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-east-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")],
    ids=["aws", "us-gov", "cn"],
)
def test_partitions(region: str, partition: str) -> None:
    found = resources(new_bucket(new_stack(region), readers=[READER]))
    text = str(plain(found, partition, region))
    assert f"arn:{partition}:cloudtrail:{region}:{MANAGEMENT}:trail/mcp-guardrails-trail" in text
    assert f"arn:{partition}:iam::{READER}:root" in text
    assert not [other for other in {"aws", "aws-us-gov", "aws-cn"} - {partition} if f"arn:{other}:" in text]


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"retention": 365}, "retention 365 is not allowed, expected a Retention"),
        ({"mode": "COMPLIANCE"}, "mode 'COMPLIANCE' is not allowed, expected a LockMode"),
        ({"floor": 0}, "floor of 0 days is not allowed, expected 1 to 2192"),
        ({"floor": 2193}, "floor of 2193 days"),
        ({"trails": []}, "log archive without trails"),
        ({"trails": TRAIL}, "expected a list of ARNs"),
        ({"trails": ["x"]}, "trail 'x' is not allowed"),
        ({"organization_id": "x"}, "organization 'x' is not allowed"),
        ({"readers": ["*"]}, "reader '\\*'"),
        ({"bypass": [BREAK_GLASS]}, "in mode COMPLIANCE is not allowed, expected GOVERNANCE"),
        ({"mode": LockMode.GOVERNANCE, "bypass": BREAK_GLASS}, "bypass .* expected a list of ARNs"),
        ({"mode": LockMode.GOVERNANCE, "bypass": ["arn:aws:iam::111111111111:role/*"]}, "bypass .* is not allowed"),
        ({"mode": LockMode.GOVERNANCE, "bypass": ["arn:aws:iam::111111111111:root"]}, "whole ARN of a role or user"),
        (
            {"mode": LockMode.GOVERNANCE, "bypass": ["arn:aws:iam::111111111111:role/mcp-guardrails/agents/a/a-read"]},
            "a role or user, no agent's",
        ),
        ({"archive_after": cdk.Duration.days(2192)}, "archive after 2192 days is not allowed, expected 1 to 2191"),
    ],
    ids=[
        *("retention", "mode", "floor", "high-floor", "no-trail", "text", "trail", "organization", "reader"),
        *("bypass-compliance", "bypass-text", "bypass-pattern", "bypass-root", "bypass-agent", "archive"),
    ],
)
def test_bad_props(props: dict[str, Any], message: str) -> None:
    stack = new_stack()
    with pytest.raises(LogArchiveError, match=message):
        new_bucket(stack, **props)


def by_sid(document: Template) -> dict[str, Any]:
    """A policy's statements by Sid, in one form: single values as lists, everyone as a star."""
    found = {}
    for statement in document["Statement"]:
        normal = {
            key: value if isinstance(value, dict) else [value] if isinstance(value, str) else sorted(value)
            for key, value in statement.items()
        }
        if statement.get("Principal") in ("*", {"AWS": "*"}):
            normal["Principal"] = ["*"]
        found[statement["Sid"]] = normal
    return found


def replaced(value: Any, tokens: dict[str, str]) -> Any:
    def text(item: str) -> str:
        for token, name in tokens.items():
            item = item.replace(token, name)
        return item

    return walk(value, text)


def walk(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case list():
            return [walk(item, change) for item in value]
        case dict():
            return {key: walk(item, change) for key, item in value.items()}
        case _:
            return value
