"""The log archive's policies, decided by the evaluator: who gets through, and which statement stops the others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.iam import Layers, evaluate
from sudo_mcp_guardrails.iam.request import Principal, Request
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.log_archive import (
    LogArchive,
    LogArchiveError,
    bucket_policy,
    trail_account,
    trail_arn,
)
from sudo_mcp_guardrails.policies.log_archive_keys import key_policy, log_group_key_policy
from sudo_mcp_guardrails.policies.log_intake import destination_policy
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.trail_delivery import is_same_trail

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import PolicyDocument

MANAGEMENT, ARCHIVE, READER, STRANGER = "999999999999", "111111111111", "222222222222", "333333333333"
BUCKET = "arn:aws:s3:::logs"
KEY = f"arn:aws:kms:eu-central-1:{ARCHIVE}:key/1"
TRAIL = f"arn:aws:cloudtrail:eu-central-1:{MANAGEMENT}:trail/mcp-guardrails-trail"
VALUES = {"Partition": "aws", "AccountId": ARCHIVE, "Region": "eu-central-1"}
LOGS = LogArchive(BUCKET, KEY, (TRAIL,), "o-a1b2c3d4e5", (READER,), floor_days=365)
OBJECT = f"{BUCKET}/AWSLogs/o-a1b2c3d4e5/{STRANGER}/CloudTrail/eu-central-1/2026/11/23/x.json.gz"
DIGEST = f"{BUCKET}/AWSLogs/{MANAGEMENT}/CloudTrail-Digest/eu-central-1/2026/11/23/x.json.gz"

CLOUDTRAIL = Principal("cloudtrail.amazonaws.com")
ADMIN = Principal(f"arn:aws:iam::{ARCHIVE}:role/admin", session="ann")
AGENT = Principal(f"arn:aws:iam::{ARCHIVE}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-apply", session="run-1")
GUEST = Principal(f"arn:aws:iam::{READER}:role/pipeline", session="s")
DELIVERY = {
    "aws:SourceArn": TRAIL,
    "aws:SecureTransport": "true",
    "s3:x-amz-acl": "bucket-owner-full-control",
    "s3:x-amz-server-side-encryption": "aws:kms",
    "s3:x-amz-server-side-encryption-aws-kms-key-id": KEY,
}
TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}


def decide(
    document: PolicyDocument, action: str, resource: str, who: Principal, context: dict[str, Any]
) -> tuple[bool, set[str]]:
    """Whether a request passes, and which statements of the resource's policy decided."""
    identity = () if who.is_service else (FULL_ACCESS,)
    request = Request(action, resource, who, context, region="eu-central-1", resource_account=ARCHIVE)
    decision = evaluate(request, Layers(identity=identity, resource=document.resolve(VALUES)))
    return decision.allowed, {sid for layer, sid in decision.statements if layer == "resource"}


PASSES = [
    ("delivery", "s3:PutObject", OBJECT, CLOUDTRAIL, DELIVERY),
    ("management", "s3:PutObject", f"{BUCKET}/AWSLogs/{MANAGEMENT}/x", CLOUDTRAIL, DELIVERY),
    ("default-encryption", "s3:PutObject", OBJECT, CLOUDTRAIL, {k: v for k, v in DELIVERY.items() if "encr" not in k}),
    (
        "digest-by-s3-key",
        "s3:PutObject",
        DIGEST,
        CLOUDTRAIL,
        {**{k: v for k, v in DELIVERY.items() if "encr" not in k}, "s3:x-amz-server-side-encryption": "AES256"},
    ),
    ("acl", "s3:GetBucketAcl", BUCKET, CLOUDTRAIL, {"aws:SourceArn": TRAIL, "aws:SecureTransport": "true"}),
    ("read", "s3:GetObject", OBJECT, ADMIN, TLS),
    ("read-from-elsewhere", "s3:GetObject", OBJECT, GUEST, TLS),
    ("longer-lock", "s3:PutObjectRetention", OBJECT, ADMIN, {**TLS, "s3:object-lock-remaining-retention-days": "365"}),
    ("legal-hold", "s3:PutObjectLegalHold", OBJECT, ADMIN, TLS),
    ("lifecycle-change-by-people", "s3:PutLifecycleConfiguration", BUCKET, ADMIN, TLS),
]

STOPS = [
    ("plain-http", "s3:GetObject", OBJECT, ADMIN, {"aws:SecureTransport": "false"}, "LogBucketTls"),
    ("old-tls", "s3:GetObject", OBJECT, ADMIN, {**TLS, "s3:TlsVersion": "1.1"}, "LogBucketTlsVersion"),
    ("admin-writes", "s3:PutObject", OBJECT, ADMIN, TLS, "LogBucketOnlyTrail"),
    ("replica", "s3:ReplicateObject", OBJECT, ADMIN, TLS, "LogBucketOnlyTrail"),
    (
        "foreign-trail",
        "s3:PutObject",
        OBJECT,
        CLOUDTRAIL,
        {**DELIVERY, "aws:SourceArn": f"arn:aws:cloudtrail:eu-central-1:{STRANGER}:trail/mcp-guardrails-trail"},
        "LogBucketOnlyTrail",
    ),
    (
        "foreign-key",
        "s3:PutObject",
        OBJECT,
        CLOUDTRAIL,
        {**DELIVERY, "s3:x-amz-server-side-encryption-aws-kms-key-id": KEY.replace(ARCHIVE, STRANGER)},
        "LogBucketOnlyKey",
    ),
    (
        "log-by-s3-key",
        "s3:PutObject",
        OBJECT,
        CLOUDTRAIL,
        {**{k: v for k, v in DELIVERY.items() if "encr" not in k}, "s3:x-amz-server-side-encryption": "AES256"},
        "LogBucketOnlyKms",
    ),
    ("hide", "s3:DeleteObject", OBJECT, ADMIN, TLS, "LogBucketNoDelete"),
    ("delete", "s3:DeleteObjectVersion", OBJECT, ADMIN, TLS, "LogBucketNoDelete"),
    (
        "shorter-lock",
        "s3:PutObjectRetention",
        OBJECT,
        ADMIN,
        {**TLS, "s3:object-lock-remaining-retention-days": "364"},
        "LogBucketRetentionFloor",
    ),
    ("bypass", "s3:BypassGovernanceRetention", OBJECT, ADMIN, TLS, "LogBucketNoBypass"),
    ("agent-bypass", "s3:BypassGovernanceRetention", OBJECT, AGENT, TLS, "LogBucketNoAgents"),
    ("agent-lifecycle", "s3:PutLifecycleConfiguration", BUCKET, AGENT, TLS, "LogBucketNoAgents"),
    ("agent-policy", "s3:DeleteBucketPolicy", BUCKET, AGENT, TLS, "LogBucketNoAgents"),
    ("agent-bucket", "s3:DeleteBucket", BUCKET, AGENT, TLS, "LogBucketNoAgents"),
]


class TestBucket:
    @pytest.mark.parametrize(
        ("action", "resource", "who", "context"), [p[1:] for p in PASSES], ids=[p[0] for p in PASSES]
    )
    def test_passes(self, action: str, resource: str, who: Principal, context: dict[str, Any]) -> None:
        allowed, why = decide(bucket_policy(LOGS), action, resource, who, context)
        assert allowed, why

    @pytest.mark.parametrize(
        ("action", "resource", "who", "context", "sid"), [s[1:] for s in STOPS], ids=[s[0] for s in STOPS]
    )
    def test_stops(self, action: str, resource: str, who: Principal, context: dict[str, Any], sid: str) -> None:
        allowed, why = decide(bucket_policy(LOGS), action, resource, who, context)
        assert not allowed
        assert sid in why

    def test_who_is_named_lifts_locks_and_nobody_else(self) -> None:
        document = bucket_policy(replace(LOGS, bypass=(ADMIN.arn, "arn:aws:iam::111111111111:user/ann")))
        other = Principal(f"arn:aws:iam::{ARCHIVE}:role/other", session="ann")
        assert decide(document, "s3:BypassGovernanceRetention", OBJECT, ADMIN, TLS)[0]
        assert not decide(document, "s3:BypassGovernanceRetention", OBJECT, other, TLS)[0]
        assert not decide(document, "s3:BypassGovernanceRetention", OBJECT, AGENT, TLS)[0]
        assert not decide(document, "s3:DeleteObjectVersion", OBJECT, ADMIN, TLS)[0]
        short = {**TLS, "s3:object-lock-remaining-retention-days": "1"}
        assert not decide(document, "s3:PutObjectRetention", OBJECT, ADMIN, short)[0]

    def test_every_deny_is_needed_by_some_scenario(self) -> None:
        denies = {s.sid for s in bucket_policy(LOGS).statements if s.effect == "Deny"}
        alone = set()
        for sid in denies:
            mutant = bucket_policy(LOGS).without(sid)
            # An Allow for everyone, so that only a Deny stops anything.
            rest = replace(
                mutant,
                statements=(
                    *mutant.statements,
                    replace(mutant.statements[0], sid="All", effect="Allow", conditions=()),
                ),
            )
            if any(decide(rest, *scenario[1:5])[0] for scenario in STOPS):
                alone.add(sid)
        assert alone == denies

    def test_who_does_not_read_is_not_named(self) -> None:
        without = bucket_policy(replace(LOGS, readers=()))
        assert not decide(without, "s3:GetObject", OBJECT, GUEST, TLS)[0]
        assert "LogBucketRead" not in {s.sid for s in without.statements}

    def test_it_fits_into_a_bucket(self) -> None:
        assert bucket_policy(LOGS).check_size(20_480) < 6_000


class TestKey:
    def test_the_trail_encrypts_and_no_other(self) -> None:
        document = key_policy(LOGS)
        context = {"aws:SourceArn": TRAIL, "kms:EncryptionContext:aws:cloudtrail:arn": TRAIL}
        assert decide(document, "kms:GenerateDataKey", KEY, CLOUDTRAIL, context)[0]
        digest = {"aws:SourceArn": TRAIL, "kms:EncryptionContext:aws:s3:arn": BUCKET}
        assert decide(document, "kms:GenerateDataKey", KEY, CLOUDTRAIL, digest)[0]
        other = TRAIL.replace(MANAGEMENT, STRANGER)
        assert not decide(document, "kms:GenerateDataKey", KEY, CLOUDTRAIL, {**context, "aws:SourceArn": other})[0]
        foreign = {**context, "kms:EncryptionContext:aws:cloudtrail:arn": other}
        assert not decide(document, "kms:GenerateDataKey", KEY, CLOUDTRAIL, foreign)[0]
        assert decide(document, "kms:DescribeKey", KEY, CLOUDTRAIL, {"aws:SourceArn": TRAIL})[0]
        assert not decide(document, "kms:DescribeKey", KEY, CLOUDTRAIL, {})[0]

    @pytest.mark.parametrize("suffix", ["amazonaws.com", "amazonaws.com.cn"])
    def test_readers_of_other_accounts_decrypt_through_s3_alone(self, suffix: str) -> None:
        document = key_policy(LOGS)
        assert decide(document, "kms:Decrypt", KEY, GUEST, {"kms:ViaService": f"s3.eu-central-1.{suffix}"})[0]
        assert not decide(document, "kms:Decrypt", KEY, GUEST, {"kms:ViaService": f"sqs.eu-central-1.{suffix}"})[0]
        assert not decide(document, "kms:Decrypt", KEY, GUEST, {})[0]

    def test_notifications_of_this_account_are_encrypted(self) -> None:
        s3 = Principal("s3.amazonaws.com")
        assert decide(key_policy(LOGS), "kms:GenerateDataKey", KEY, s3, {"aws:SourceAccount": ARCHIVE})[0]
        assert not decide(key_policy(LOGS), "kms:GenerateDataKey", KEY, s3, {"aws:SourceAccount": STRANGER})[0]

    @pytest.mark.parametrize("action", ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy", "kms:Decrypt"])
    def test_agents_have_nothing_of_it(self, action: str) -> None:
        for document, sid in (
            (key_policy(LOGS), "LogKeyNoAgents"),
            (log_group_key_policy(GuardrailNames(), service="logs.eu-central-1.amazonaws.com"), "LogGroupKeyNoAgents"),
        ):
            assert decide(document, action, KEY, AGENT, {}) == (False, {sid})
            assert decide(document, action, KEY, ADMIN, {})[0]

    def test_cloudwatch_encrypts_log_groups_of_this_account(self) -> None:
        document = log_group_key_policy(GuardrailNames(), service="logs.eu-central-1.amazonaws.com")
        service = Principal("logs.eu-central-1.amazonaws.com")
        for account, allowed in ((ARCHIVE, True), (STRANGER, False)):
            context = {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:eu-central-1:{account}:log-group:x"}
            assert decide(document, "kms:GenerateDataKey", KEY, service, context)[0] is allowed


def test_only_the_organization_subscribes() -> None:
    document = destination_policy("central", "o-a1b2c3d4e5")
    arn = f"arn:aws:logs:eu-central-1:{ARCHIVE}:destination:central"
    member = Principal(f"arn:aws:iam::{STRANGER}:role/deploy", session="s")
    for organization, allowed in (("o-a1b2c3d4e5", True), ("o-zzzzzzzzzz", False)):
        context = {"aws:PrincipalOrgID": organization}
        assert decide(document, "logs:PutSubscriptionFilter", arn, member, context)[0] is allowed


def test_sids_are_unique() -> None:
    documents = (
        bucket_policy(LOGS),
        key_policy(LOGS),
        log_group_key_policy(GuardrailNames(), service="logs.eu-central-1.amazonaws.com"),
        destination_policy("central", "o-a1b2c3d4e5"),
    )
    sids = [statement.sid for document in documents for statement in document.statements]
    assert len(sids) == len(set(sids))


class TestNames:
    def test_a_trail_is_known_before_it_is_made(self) -> None:
        assert trail_account(trail_arn("t-1", account=MANAGEMENT)) == MANAGEMENT
        assert trail_account(trail_arn("t-1")) == "${AWS::AccountId}"

    @pytest.mark.parametrize(
        ("one", "other", "same"),
        [
            (trail_arn("trail", account=MANAGEMENT), TRAIL.replace("mcp-guardrails-trail", "trail"), True),
            (trail_arn("trail", account=MANAGEMENT), TRAIL, False),
            (trail_arn("trail", account=MANAGEMENT), trail_arn("trail", account=STRANGER), False),
            (trail_arn("trail", account=MANAGEMENT, region="us-east-1"), trail_arn("trail", account=MANAGEMENT), False),
            (trail_arn("trail", account=MANAGEMENT), trail_arn("trail"), True),
        ],
        ids=["said-otherwise", "name", "account", "region", "account-not-known"],
    )
    def test_whether_two_arns_may_be_of_one_trail(self, one: str, other: str, *, same: bool) -> None:
        assert is_same_trail(one, other, {"Region": "eu-central-1"}) is same


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trails": ()}, "log archive without trails"),
        ({"trails": ("mcp-guardrails-trail",)}, "trail 'mcp-guardrails-trail' is not allowed"),
        ({"trails": (TRAIL.replace(MANAGEMENT, "*"),)}, "expected an ARN arn:PARTITION"),
        ({"trails": (7,)}, "trail 7 is not allowed"),
        ({"organization_id": "a1b2c3"}, "organization 'a1b2c3' is not allowed"),
        ({"readers": ("*",)}, "reader '\\*' of the log archive"),
        ({"readers": ("22222222222",)}, "reader '22222222222'"),
        ({"readers": (f"arn:aws:iam::{READER}:role/*",)}, "expected 12 digits or a whole ARN"),
        ({"readers": (None,)}, "reader None"),
        ({"floor_days": 0}, "floor of 0 days"),
    ],
    ids=str,
)
def test_bad_input(change: dict[str, Any], message: str) -> None:
    with pytest.raises(LogArchiveError, match=message):
        replace(LOGS, **change)
