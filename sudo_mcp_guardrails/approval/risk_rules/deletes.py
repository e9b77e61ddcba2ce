"""What is gone afterwards, and whether it can be put back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.plan import Operation
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule, cut
from sudo_mcp_guardrails.approval.risk_rules.values import is_false
from sudo_mcp_guardrails.iam.matching import action_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_LOSES: Final = action_test(
    (
        *("acm-pca:DeleteCertificateAuthority", "aoss:DeleteCollection", "backup:Delete*", "codecommit:Delete*"),
        *("cognito-idp:AdminDeleteUser", "cognito-idp:DeleteUserPool", "docdb-elastic:Delete*", "dynamodb:Delete*"),
        *("dynamodb:PartiQLDelete", "ec2:DeleteSnapshot", "ec2:DeleteVolume"),
        *("ec2:DeregisterImage", "ec2:TerminateInstances", "ecr:BatchDeleteImage", "ecr:DeleteRepository"),
        *("elasticache:Delete*", "elasticfilesystem:Delete*", "es:DeleteDomain", "es:ESHttpDelete", "fsx:Delete*"),
        *(
            "glacier:Delete*",
            "glue:DeleteDatabase",
            "glue:DeleteTable*",
            "kafka:DeleteCluster*",
            "kinesis:DeleteStream",
        ),
        *("kms:DeleteImportedKeyMaterial", "kms:DisableKey", "kms:ScheduleKeyDeletion", "lightsail:Delete*"),
        *("memorydb:Delete*", "neptune-db:Delete*", "qldb:Delete*", "rds:Delete*", "redshift*:Delete*"),
        *(
            "route53:DeleteHostedZone",
            "s3:DeleteBucket",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:PutLifecycleConfiguration",
            "s3-outposts:Delete*",
        ),
        *("s3tables:Delete*", "secretsmanager:DeleteSecret", "sqs:DeleteQueue", "sqs:PurgeQueue"),
        *("storagegateway:Delete*", "timestream:Delete*", "cloudformation:DeleteStack"),
    )
)
"""Actions after which data is gone."""
_KEEPS: Final = frozenset({"Retain", "RetainExceptOnCreate"})
_ACTIONS_THAT_KEEP: Final = frozenset({"ReplaceAndRetain", "ReplaceAndSnapshot", "Retain", "Snapshot"})
"""What a change set says that becomes of a resource (CloudFormation API reference, ResourceChange, PolicyAction)."""
_FINAL_SNAPSHOT: Final = "skipfinalsnapshot"


def _of_change(seen: Seen) -> Iterator[Found]:
    lost = [action for action in seen.actions if _LOSES(action.lower()) and not seen.reads]
    for action in lost:
        yield Found(RiskClass.R3, f"after {action} data is gone that cannot be put back")
    for node in seen.after if seen.is_call else ():
        if node.name == "deleterequest":
            yield Found(RiskClass.R3, "it deletes items that cannot be put back", node.place)
    if not seen.ends or (lost and seen.is_call):
        return
    replaced = seen.change.operation is Operation.REPLACE
    what = "replaces" if replaced else "deletes"
    name = cut(seen.change.type)
    if seen.traits & {"data", "secret"}:
        kept = _kept(seen, replaced=replaced)
        if kept:
            yield Found(RiskClass.R2, f"it {what} {name}, whose data is kept: {kept}")
        else:
            key = ", and all that it encrypted" if "key" in seen.traits else ""
            yield Found(RiskClass.R3, f"it {what} {name}: its data{key} cannot be put back")
    elif not replaced and seen.in_production:
        yield Found(RiskClass.R3, f"it {what} {name} in production")
    elif replaced and seen.in_production:
        yield Found(RiskClass.R2, f"it {what} {name} in production, whose identity changes")


def _kept(seen: Seen, *, replaced: bool) -> str:
    """Return what keeps the data, in words; empty where nothing is known to.

    A change set says what will be done (``PolicyAction``). A template has the policy, and of two that differ the worse
    one counts.
    """
    action = seen.change.options.get("PolicyAction")
    if isinstance(action, str):
        return f"PolicyAction {action}" if action in _ACTIONS_THAT_KEEP else ""
    name = "UpdateReplacePolicy" if replaced else "DeletionPolicy"
    policies = [policy for policy in seen.attribute(name) if policy is not None]
    if policies and all(isinstance(policy, str) and _keeps(seen, policy) for policy in policies):
        return f"{name} {' and '.join(sorted(set(policies)))}"
    if seen.change.type.startswith("aws_") and "snapshot" in seen.traits and is_false(seen.before.get(_FINAL_SNAPSHOT)):
        return "skip_final_snapshot is false"
    return ""


def _keeps(seen: Seen, policy: str) -> bool:
    return policy in _KEEPS or (policy == "Snapshot" and "snapshot" in seen.traits)


RULE: Final = RiskRule(
    id="deletes",
    title="Data that is gone afterwards: R3, or R2 where a policy keeps it. Other deletes in production: R3, other "
    "replacements there: R2.",
    risks=(RiskClass.R2, RiskClass.R3),
    sources=(
        "CloudFormation user guide, DeletionPolicy attribute, UpdateReplacePolicy attribute",
        "the trust model of this project: deletes in production are R3",
    ),
    of_change=_of_change,
)
