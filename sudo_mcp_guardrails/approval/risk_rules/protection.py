"""Changes after which data could be lost, or read by others, that is protected now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.plan import Operation
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule
from sudo_mcp_guardrails.approval.risk_rules.values import UNREAD, is_false, is_true, nodes, number_of, text_of
from sudo_mcp_guardrails.iam.matching import action_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_KEEPING: Final = {
    "automatedsnapshotretentionperiod": "automatic snapshots",
    "backuppolicy": "automatic backups",
    "backupretentionperiod": "automatic backups",
    "deletionprotection": "protection against deletion",
    "deletionprotectionenabled": "protection against deletion",
    "disableapitermination": "protection against termination",
    "enablekeyrotation": "rotation of the key",
    "encrypted": "encryption",
    "kmskeyid": "the key that it is encrypted with",
    "kmsmasterkeyid": "the key that it is encrypted with",
    "objectlockconfiguration": "Object Lock",
    "objectlockenabled": "Object Lock",
    "pointintimerecoveryenabled": "point-in-time recovery",
    "pointintimerecoveryspecification": "point-in-time recovery",
    "preventdestroy": "protection against deletion",
    "snapshotretentionlimit": "automatic snapshots",
    "sseenabled": "encryption",
    "ssespecification": "encryption",
    "bucketencryption": "encryption",
    "storageencrypted": "encryption",
    "terminationprotectionenabled": "protection against deletion",
    "versioningconfiguration": "versions of objects",
}
"""Property, by plain name, to what is lost where it is switched off or taken away."""
_LOWERS: Final = frozenset(
    {"automatedsnapshotretentionperiod", "backupretentionperiod", "pendingwindowindays", "snapshotretentionlimit"}
)
_KEPT: Final = ("Retain", "RetainExceptOnCreate", "Snapshot")
_DELETES: Final = frozenset({"forcedestroy", "skipfinalsnapshot", "deleteautomatedbackups", "forcedelete"})
_UNPROTECTS: Final = action_test(
    (
        *(
            "cloudformation:UpdateTerminationProtection",
            "dynamodb:UpdateContinuousBackups",
            "dynamodb:UpdateTimeToLive",
        ),
        *("ec2:DisableEbsEncryptionByDefault", "kms:DisableKeyRotation", "s3:BypassGovernanceRetention"),
        *("s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning", "s3:PutEncryptionConfiguration"),
        *("s3:PutObjectLegalHold", "s3:PutObjectRetention", "ssm:ModifyDocumentPermission"),
    )
)


def _of_change(seen: Seen) -> Iterator[Found]:
    for action in seen.actions:
        if _UNPROTECTS(action.lower()):
            yield Found(RiskClass.R3, f"{action} decides how data is protected")
    if seen.change.operation is Operation.UPDATE and seen.change.after is not None:
        yield from _lost(seen)
        kept, keeps = seen.attribute("DeletionPolicy")
        if kept in _KEPT and keeps not in _KEPT and seen.traits & {"data", "secret"}:
            yield Found(RiskClass.R3, "its data is no longer kept when it is deleted", "DeletionPolicy")
    for node in seen.after:
        if node.name in _DELETES and is_true(node.value):
            yield Found(RiskClass.R2, "it would be deleted with all that is in it", node.place)


def _lost(seen: Seen) -> Iterator[Found]:
    """Yield what is switched off: what is there now, and not any more then."""
    now = {node.name: node.value for node in nodes(seen.change.before) if node.name in _KEEPING.keys() | _LOWERS}
    then = {node.name: (node.place, node.value) for node in seen.after if node.name in _KEEPING.keys() | _LOWERS}
    for name, value in sorted(now.items()):
        place, next_value = then.get(name, (name, None))
        if name in _LOWERS and number_of(value) > number_of(next_value):
            yield Found(RiskClass.R3, f"it lowers {name} to {number_of(next_value):g}", place)
        elif name in _KEEPING and not _off(value) and (next_value is None or _off(next_value)):
            yield Found(RiskClass.R3, f"it loses {_KEEPING[name]}", place)
        elif name in _KEEPING and value != next_value and text_of(next_value) is UNREAD:
            yield Found(RiskClass.R3, f"it may lose {_KEEPING[name]}, which a deployment alone can tell", place)


def _off(value: Any) -> bool:  # noqa: ANN401 - JSON
    if isinstance(value, (dict, list)):
        flags = [node.value for node in nodes(value) if not isinstance(node.value, (dict, list))]
        return not flags or any(map(is_false, flags))
    return value is None or is_false(value) or value in {0, ""}


RULE: Final = RiskRule(
    id="protection",
    title="Backups, versions, encryption, Object Lock or protection against deletion are switched off or shortened: "
    "R3; a resource that would be deleted with all that is in it: R2.",
    risks=(RiskClass.R2, RiskClass.R3),
    sources=("the trust model of this project: what cannot be restored is R3",),
    of_change=_of_change,
)
