"""What generated requests and policies speak of: actions with their resources, condition keys, and callers.

The pools are small on purpose: requests and policies that are drawn from the same few values meet often.
Every key may occur for the actions that it is listed for (Service Authorization Reference), since the simulator
drops those that may not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sudo_mcp_guardrails.iam.request import Principal

OWN: Final = "111111111111"
FOREIGN: Final = "222222222222"
ORGANIZATION: Final = "o-abcde12345"


@dataclass(frozen=True)
class Key:
    """A condition key.

    Args:
        name: Its name, such as ``aws:SourceIp``.
        kind: ``string``, ``arn``, ``numeric``, ``date``, ``bool`` or ``ip``.
        values: What requests have.
        patterns: What policies compare with besides these values.
        many: Whether a request can have several values.
    """

    name: str
    kind: str
    values: tuple[str, ...]
    patterns: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True)
class Target:
    """An action and what it can be called on.

    Args:
        action: ``service:Action``.
        resources: ARNs, those of the own account first.
        keys: Keys that occur for it besides :data:`GLOBAL_KEYS`.
        resource_policy: Whether its resources can have a policy.
    """

    action: str
    resources: tuple[str, ...]
    keys: tuple[Key, ...] = ()
    resource_policy: bool = True

    @property
    def keys_of_requests(self) -> tuple[Key, ...]:
        """The keys that a request for it may have without their following from who calls."""
        following = {key.name for key in CALLER_KEYS}
        return tuple(key for key in (*GLOBAL_KEYS, *self.keys) if key.name not in following)


_ROLES: Final = (f"arn:aws:iam::{OWN}:role/worker", f"arn:aws:iam::{OWN}:role/team/admin")
_ENV: Final = Key("aws:ResourceTag/env", "string", ("dev", "prod", "Prod"), ("d*", "*", "???", ""))

CALLER_KEYS: Final = (
    # They follow from who calls and on what: requests have them without being told.
    Key("aws:PrincipalArn", "arn", _ROLES, ("arn:aws:iam::*:role/*", "arn:*:iam::1*:role/team/*", "*")),
    Key("aws:PrincipalAccount", "string", (OWN, FOREIGN), ("1*",)),
    Key("aws:PrincipalTag/team", "string", ("blue", "red", "Blue"), ("bl*", "?lue", "*")),
    Key("aws:PrincipalTag/level", "numeric", ("1", "7"), ("3", "7.0", "-1")),
    Key("aws:RequestedRegion", "string", ("us-east-1", "eu-west-1"), ("us-*", "eu-*")),
    Key("aws:ResourceAccount", "string", (OWN, FOREIGN), ("${aws:PrincipalAccount}",)),
    Key("aws:MultiFactorAuthPresent", "bool", ("true", "false")),
    Key("aws:MultiFactorAuthAge", "numeric", ("60", "4000"), ("3600", "60.0")),
    Key("aws:SourceIdentity", "string", ("run-1", "run-2"), ("run-*", "*")),
    Key("aws:ViaAWSMCPService", "bool", ("true", "false")),
)
GLOBAL_KEYS: Final = (
    *CALLER_KEYS,
    Key("aws:CalledViaAWSMCP", "string", ("aws-mcp.amazonaws.com", "eks-mcp.amazonaws.com"), ("*-mcp.*", "true")),
    Key("aws:SecureTransport", "bool", ("true", "false")),
    Key(
        "aws:SourceIp",
        "ip",
        ("10.1.2.3", "203.0.113.9", "2001:db8::7"),
        ("10.0.0.0/8", "203.0.113.9/32", "2001:db8::/32", "::/0", "0.0.0.0/0", "0.0.0.0/1"),
    ),
    Key("aws:SourceVpce", "string", ("vpce-1a2b", "vpce-3c4d"), ("vpce-1*",)),
    Key(
        "aws:CurrentTime",
        "date",
        ("2026-01-01T00:00:00Z", "2026-11-23T12:00:00Z"),
        ("2026-06-01T00:00:00Z", "1767225600"),
    ),
    Key("aws:EpochTime", "numeric", ("1767225600", "1795435200"), ("1780000000",)),
    Key("aws:TokenIssueTime", "date", ("2026-01-01T00:00:00Z", "2026-11-23T12:00:00Z"), ("2026-11-23T00:00:00+00:00",)),
    Key("aws:PrincipalOrgID", "string", (ORGANIZATION, "o-zzzzz99999"), ("o-*",)),
    Key("aws:UserAgent", "string", ("aws-cli/2", "Boto3/1.43"), ("*cli*", "boto*", "aws-cli/?")),
    Key(
        "aws:SourceArn",
        "arn",
        (f"arn:aws:sns:us-east-1:{OWN}:topic", "arn:aws:s3:::bucket"),
        ("arn:aws:sns:*:*:*", "arn:*:s3:::*"),
    ),
    Key("aws:TagKeys", "string", ("env", "team", "cost"), ("e*", "*"), many=True),
    Key(
        "aws:CalledVia",
        "string",
        ("athena.amazonaws.com", "cloudformation.amazonaws.com"),
        ("a*.amazonaws.com",),
        many=True,
    ),
    Key(
        "aws:PrincipalOrgPaths",
        "string",
        (f"{ORGANIZATION}/r-1/ou-1/", f"{ORGANIZATION}/r-1/ou-2/"),
        (f"{ORGANIZATION}/*", "*/ou-1/*"),
        many=True,
    ),
    Key("aws:RequestTag/env", "string", ("dev", "prod"), ("d*", "${aws:PrincipalTag/team}")),
)

TARGETS: Final = (
    Target(
        "s3:GetObject",
        ("arn:aws:s3:::bucket/blue/key", "arn:aws:s3:::bucket/a:b", "arn:aws:s3:::other/key"),
        (Key("s3:ExistingObjectTag/env", "string", ("dev", "prod"), ("p*",)),),
    ),
    Target(
        "s3:PutObject",
        ("arn:aws:s3:::bucket/blue/key", "arn:aws:s3:::other/key"),
        (Key("s3:x-amz-acl", "string", ("private", "public-read"), ("public*",)),),
    ),
    Target(
        "s3:ListBucket",
        ("arn:aws:s3:::bucket", "arn:aws:s3:::other"),
        (
            Key("s3:prefix", "string", ("blue/", "red/x", ""), ("${aws:PrincipalTag/team}/*", "blue/*", "")),
            Key("s3:max-keys", "numeric", ("10", "1000"), ("100", "10.0")),
        ),
    ),
    Target("s3:ListAllMyBuckets", ("*",), resource_policy=False),
    Target(
        "dynamodb:GetItem",
        (f"arn:aws:dynamodb:us-east-1:{OWN}:table/blue-orders", f"arn:aws:dynamodb:eu-west-1:{FOREIGN}:table/orders"),
        (Key("dynamodb:LeadingKeys", "string", ("u1", "u2"), ("u*", "${aws:PrincipalTag/team}"), many=True),),
    ),
    Target("sqs:SendMessage", (f"arn:aws:sqs:us-east-1:{OWN}:blue-queue", f"arn:aws:sqs:us-east-1:{FOREIGN}:queue")),
    Target("sns:Publish", (f"arn:aws:sns:us-east-1:{OWN}:topic", f"arn:aws:sns:us-east-1:{FOREIGN}:topic")),
    Target(
        "lambda:InvokeFunction",
        (f"arn:aws:lambda:us-east-1:{OWN}:function:blue-fn", f"arn:aws:lambda:eu-west-1:{OWN}:function:fn:PROD"),
    ),
    Target(
        "secretsmanager:GetSecretValue",
        (
            f"arn:aws:secretsmanager:us-east-1:{OWN}:secret:blue/db-AbCdEf",
            f"arn:aws:secretsmanager:us-east-1:{FOREIGN}:secret:db-AbCdEf",
        ),
        (_ENV, Key("secretsmanager:VersionStage", "string", ("AWSCURRENT", "AWSPREVIOUS"), ("AWS*",))),
    ),
    Target(
        "ec2:TerminateInstances",
        (
            f"arn:aws:ec2:us-east-1:{OWN}:instance/i-0123456789abcdef0",
            f"arn:aws:ec2:eu-west-1:{OWN}:instance/i-0fedcba9876543210",
        ),
        (_ENV, Key("ec2:InstanceType", "string", ("t3.micro", "p5.48xlarge"), ("t?.*", "p*"))),
        resource_policy=False,
    ),
    Target(
        "ec2:DescribeInstances",
        ("*",),
        (Key("ec2:Region", "string", ("us-east-1", "eu-west-1"), ("us-*",)),),
        resource_policy=False,
    ),
    Target(
        "iam:PassRole",
        (f"arn:aws:iam::{OWN}:role/team/admin", f"arn:aws:iam::{OWN}:role/blue-job"),
        (
            Key(
                "iam:PassedToService",
                "string",
                ("lambda.amazonaws.com", "ec2.amazonaws.com"),
                ("*.amazonaws.com", "lambda*"),
            ),
            Key(
                "iam:AssociatedResourceArn",
                "arn",
                (f"arn:aws:lambda:us-east-1:{OWN}:function:fn",),
                ("arn:aws:lambda:*:*:function:*",),
            ),
        ),
        resource_policy=False,
    ),
    Target(
        "iam:CreateRole",
        (f"arn:aws:iam::{OWN}:role/blue-job", f"arn:aws:iam::{OWN}:role/team/x"),
        (
            Key(
                "iam:PermissionsBoundary",
                "arn",
                (f"arn:aws:iam::{OWN}:policy/boundary",),
                (f"arn:aws:iam::{OWN}:policy/*",),
            ),
        ),
        resource_policy=False,
    ),
    Target(
        "sts:AssumeRole",
        (f"arn:aws:iam::{OWN}:role/team/admin", f"arn:aws:iam::{FOREIGN}:role/audit"),
        (
            Key("sts:ExternalId", "string", ("x-1", "x-2"), ("x-*",)),
            Key("sts:RoleSessionName", "string", ("s", "other"), ("s*",)),
        ),
    ),
    Target(
        "kms:Decrypt",
        (f"arn:aws:kms:us-east-1:{OWN}:key/12345678-1234-1234-1234-123456789012",),
        (Key("kms:EncryptionContextKeys", "string", ("app", "env"), ("a*",), many=True),),
    ),
)

PRINCIPALS: Final = (
    Principal(_ROLES[0], session="s", tags={"team": "blue", "level": "7"}, source_identity="run-1"),
    Principal(_ROLES[0], session="s", tags={"team": "red"}, mfa_age=60),
    Principal(_ROLES[1], session="other", tags={"team": "Blue", "level": "1"}),
    Principal(f"arn:aws:iam::{OWN}:user/alice", tags={"team": "blue"}, mfa_age=4000),
    Principal(f"arn:aws:iam::{FOREIGN}:role/worker", session="s", tags={"team": "blue"}),
)
