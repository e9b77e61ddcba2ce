"""Seeded, made-up work of agents, to measure baselines on: what agents of a few kinds do, and what goes wrong.

No trail of agents is public: figures that come of this say so. Agents of one kind share tasks, and each has habits of
its own; work drifts a little, is denied now and then, has releases with bursts, and days off.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.reading import read_pieces

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY: Final = 86_400
START: Final = 1_790_000_000 // DAY * DAY
"""In September 2026."""

_KINDS: Final[dict[str, dict[str, int]]] = {
    "read": {
        "s3:ListBuckets": 8, "s3:GetBucketPolicy": 6, "s3:GetBucketLocation": 9, "ec2:DescribeInstances": 20,
        "ec2:DescribeSecurityGroups": 12, "ec2:DescribeVpcs": 7, "ec2:DescribeSubnets": 6, "ec2:DescribeImages": 2,
        "lambda:ListFunctions": 9, "lambda:GetFunction": 8, "dynamodb:DescribeTable": 7, "dynamodb:ListTables": 4,
        "logs:DescribeLogGroups": 9, "logs:FilterLogEvents": 7, "monitoring:GetMetricData": 9,
        "monitoring:DescribeAlarms": 4, "cloudformation:DescribeStacks": 12, "cloudformation:ListStackResources": 5,
        "iam:ListRoles": 3, "iam:GetRole": 5, "rds:DescribeDBInstances": 4, "sqs:ListQueues": 2, "kms:ListKeys": 1,
        "sns:ListTopics": 2, "ecs:DescribeServices": 3, "ecs:ListClusters": 2, "tag:GetResources": 2,
    },
    "plan": {
        "cloudformation:CreateChangeSet": 9, "cloudformation:DescribeChangeSet": 20, "cloudformation:GetTemplate": 8,
        "cloudformation:DescribeStacks": 15, "cloudformation:DeleteChangeSet": 3, "cloudformation:ValidateTemplate": 4,
        "s3:PutObject": 9, "s3:GetObject": 7, "s3:HeadObject": 5, "ec2:DescribeVpcs": 4, "iam:GetRole": 4,
        "ssm:GetParameter": 3, "lambda:GetFunction": 3, "ec2:DescribeSubnets": 2, "kms:DescribeKey": 2,
    },
    "apply": {
        "cloudformation:ExecuteChangeSet": 9, "cloudformation:DescribeStackEvents": 30, "s3:GetObject": 5,
        "cloudformation:DescribeStacks": 20, "lambda:UpdateFunctionCode": 6, "lambda:PublishVersion": 5,
        "lambda:UpdateAlias": 5, "dynamodb:UpdateTable": 2, "s3:PutObject": 6, "s3:DeleteObject": 3,
        "logs:PutRetentionPolicy": 2, "ecs:UpdateService": 4, "ecs:DescribeServices": 9, "sqs:SetQueueAttributes": 1,
    },
}  # fmt: skip
_RARE: Final = (
    "ec2:DescribeFlowLogs", "s3:GetBucketTagging", "iam:ListAttachedRolePolicies", "ecr:DescribeImages",
    "route53:ListHostedZones", "acm:ListCertificates", "events:ListRules", "states:ListStateMachines",
    "elasticloadbalancing:DescribeLoadBalancers", "secretsmanager:ListSecrets", "cloudfront:ListDistributions",
    "config:DescribeConfigRules", "backup:ListBackupJobs", "kinesis:ListStreams", "glue:GetTables",
    "servicequotas:ListServiceQuotas",
)  # fmt: skip
"""What every agent does once in a while, most of it never again."""
ATTACKS: Final[dict[str, tuple[str, ...]]] = {
    "secrets": ("secretsmanager:ListSecrets", *("secretsmanager:GetSecretValue",) * 12),
    "discovery": (
        "iam:ListUsers", "iam:ListAccessKeys", "iam:GetAccountAuthorizationDetails", "organizations:ListAccounts",
        "sts:GetCallerIdentity", "guardduty:ListDetectors", "cloudtrail:DescribeTrails", "ses:GetAccount",
        "bedrock:ListFoundationModels", "ec2:DescribeSnapshots",
    ),
    "exposure": (
        "ec2:AuthorizeSecurityGroupIngress", "ec2:DescribeInstances", "s3:PutBucketPolicy",
        "ec2:ModifySnapshotAttribute", "rds:ModifyDBSnapshotAttribute", "ec2:DescribeSnapshots",
    ),
    "destruction": (*("s3:DeleteBucket",) * 5, *("dynamodb:DeleteTable",) * 25, "rds:DeleteDBInstance"),
    "persistence": (
        "iam:CreateUser", "iam:CreateAccessKey", "iam:AttachUserPolicy", "lambda:AddPermission",
        "iam:UpdateAssumeRolePolicy",
    ),
    "mining": ("ec2:DescribeRegions", *("ec2:RunInstances",) * 15, "servicequotas:RequestServiceQuotaIncrease"),
    "bulk": (*("s3:GetObject",) * 30, *("logs:FilterLogEvents",) * 10),
}  # fmt: skip
"""What a session goes on with that somebody else has taken over; the last has no call that peers do not make too."""
_READS: Final = ("Describe", "List", "Get", "Head", "Filter", "Validate")


class Session(NamedTuple):
    """One session: whose, on which day, its events and the attack in it, if any."""

    agent: str
    run: str
    day: int
    events: list[Attributed]
    attack: str | None


class Made:
    """Agents and their days.

    Args:
        seed: decides all of it.
        agents: how many, of three kinds in turn.
    """

    def __init__(self, seed: int, agents: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - made-up work, no secret
        self._count = 0
        self.agents = [self._agent(number) for number in range(agents)]

    def _agent(self, number: int) -> dict[str, Any]:
        kind = ("read", "plan", "apply")[number % 3]
        weights = {action: weight * self._random.choice((0, 1, 1, 1, 2, 4)) for action, weight in _KINDS[kind].items()}
        weights = {action: weight for action, weight in weights.items() if weight} or dict(_KINDS[kind])
        return {
            "name": f"agent-{number}",
            "kind": kind,
            "weights": weights,
            "source": f"198.51.{number % 100}.{number % 250}",
            "program": self._random.choice(("Boto3/1.44.5 md/Botocore", "aws-cli/2.31.1", "aws-sdk-js/3.900.0")),
            "account": self._random.choice(("111122223333", "444455556666")),
            "pace": self._random.choice((2, 4, 6)),
        }

    def day(self, day: int) -> Iterator[Session]:
        """Yield a day's sessions of all agents, none of them an attack."""
        for agent in self.agents:
            if self._random.random() < 0.15:  # noqa: PLR2004 - a day off now and then
                continue
            for _ in range(self._random.randint(1, agent["pace"])):
                yield self.session(agent, day)

    def session(self, agent: dict[str, Any], day: int, attack: str | None = None) -> Session:
        """Return one session; an attack comes after the first half of its work."""
        draw = self._random
        length = draw.randint(8, 60) * (3 if draw.random() < 0.05 else 1)  # noqa: PLR2004 - a release is longer
        # Work has a focus: a few actions are most of a session.
        weights = {action: weight * draw.choice((1, 1, 1, 5)) for action, weight in agent["weights"].items()}
        actions = draw.choices(list(weights), list(weights.values()), k=length)
        for place in range(length):
            if draw.random() < 0.004:  # noqa: PLR2004 - once in five to ten sessions
                actions[place] = draw.choice(_RARE)
        if attack is not None:
            actions[length // 2 :] = ATTACKS[attack]
        self._count += 1
        run = f"run-{self._count:026}"
        found = Attribution(By.SESSION_TAGS, agent=agent["name"], run=run, capability=agent["kind"])
        begin = START + day * DAY + draw.randint(7 * 3600, 18 * 3600)
        records = [self._event(agent, action, begin + place * 7, attack) for place, action in enumerate(actions)]
        (content,) = read_pieces("made.json", json.dumps({"Records": records}).encode())
        return Session(agent["name"], run, day, [Attributed(event, found) for event in content.events], attack)

    def _event(self, agent: dict[str, Any], action: str, time: int, attack: str | None) -> dict[str, Any]:
        self._count += 1
        service, _, name = action.partition(":")
        read = name.startswith(_READS)
        denied = self._random.random() < 0.01  # noqa: PLR2004 - one call in a hundred
        hour, rest = divmod(time % DAY, 3600)
        return {
            "eventVersion": "1.11",
            "eventID": f"00000000-0000-4000-8000-{self._count:012}",
            "eventTime": f"{_date(time)}T{hour:02}:{rest // 60:02}:{rest % 60:02}Z",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "eventType": "AwsApiCall",
            "awsRegion": "eu-central-1" if attack != "mining" or read else "ap-southeast-2",
            "recipientAccountId": agent["account"],
            "sourceIPAddress": agent["source"],
            "userAgent": agent["program"],
            "readOnly": read,
            **({"errorCode": "AccessDenied"} if denied else {}),
            "userIdentity": {"type": "AssumedRole", "arn": f"arn:aws:sts::{agent['account']}:assumed-role/r/s"},
        }


def _date(time: int) -> str:
    from datetime import datetime, timezone  # noqa: PLC0415 - beside its only use

    return datetime.fromtimestamp(time, timezone.utc).date().isoformat()
