"""A bucket's CloudFormation properties as the XML documents of the S3 API.

Not an extension. A member that has no place in the XML is refused, so that no part of a property is lost in silence.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

from .support import truth

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_RULE_MEMBERS = frozenset(
    {
        "Id",
        "Status",
        "Prefix",
        "TagFilters",
        "ExpirationInDays",
        "ExpirationDate",
        "ExpiredObjectDeleteMarker",
        "AbortIncompleteMultipartUpload",
        "NoncurrentVersionExpiration",
        "NoncurrentVersionExpirationInDays",
        "NoncurrentVersionTransitions",
        "Transitions",
        "ObjectSizeGreaterThan",
        "ObjectSizeLessThan",
    }
)


def element(name: str, *content: str) -> str:
    """One element around content that is XML already."""
    return f"<{name}>{''.join(content)}</{name}>"


def leaf(name: str, value: Any) -> str:
    """One element around a value, nothing where there is none."""
    if value is None:
        return ""
    return element(name, escape(str(value).lower() if isinstance(value, bool) else str(value)))


def document(name: str, *content: str) -> bytes:
    """A document in the S3 namespace."""
    return f'<{name} xmlns="{_NAMESPACE}">{"".join(content)}</{name}>'.encode()


def known(value: dict[str, Any], members: frozenset[str], where: str) -> dict[str, Any]:
    """The value itself.

    Raises:
        ValueError: it has a member that `members` does not list.
    """
    strange = sorted(set(value) - members)
    if strange:
        message = f"{where} has {', '.join(strange)}, which the embedded AWS does not implement"
        raise ValueError(message)
    return value


def encryption(value: dict[str, Any]) -> bytes:
    """`BucketEncryption` for PutBucketEncryption."""
    members = frozenset({"ServerSideEncryptionConfiguration"})
    rules = known(value, members, "BucketEncryption").get("ServerSideEncryptionConfiguration") or []
    rendered = []
    for rule in rules:
        known(rule, frozenset({"ServerSideEncryptionByDefault", "BucketKeyEnabled"}), "BucketEncryption")
        default = rule.get("ServerSideEncryptionByDefault") or {}
        algorithm = leaf("SSEAlgorithm", default.get("SSEAlgorithm"))
        key = leaf("KMSMasterKeyID", default.get("KMSMasterKeyID"))
        bucket_key = leaf("BucketKeyEnabled", truth(rule.get("BucketKeyEnabled", False)))
        rendered.append(element("Rule", element("ApplyServerSideEncryptionByDefault", algorithm, key), bucket_key))
    return document("ServerSideEncryptionConfiguration", *rendered)


def lifecycle(value: dict[str, Any]) -> bytes:
    """`LifecycleConfiguration` for PutBucketLifecycleConfiguration."""
    return document("LifecycleConfiguration", *(_lifecycle_rule(rule) for rule in value.get("Rules") or []))


def _lifecycle_rule(rule: dict[str, Any]) -> str:
    known(rule, _RULE_MEMBERS, "LifecycleConfiguration")
    parts = [leaf("ID", rule.get("Id")), _lifecycle_filter(rule), leaf("Status", rule.get("Status"))]
    expiration = [
        leaf("Days", rule.get("ExpirationInDays")),
        leaf("Date", rule.get("ExpirationDate")),
        leaf("ExpiredObjectDeleteMarker", rule.get("ExpiredObjectDeleteMarker")),
    ]
    if any(expiration):
        parts.append(element("Expiration", *expiration))
    for transition in rule.get("Transitions") or []:
        days = leaf("Days", transition.get("TransitionInDays"))
        parts.append(element("Transition", days, leaf("StorageClass", transition.get("StorageClass"))))
    for transition in rule.get("NoncurrentVersionTransitions") or []:
        days = leaf("NoncurrentDays", transition.get("TransitionInDays"))
        parts.append(element("NoncurrentVersionTransition", days, leaf("StorageClass", transition.get("StorageClass"))))
    noncurrent = rule.get("NoncurrentVersionExpiration") or {}
    expire_after = noncurrent.get("NoncurrentDays", rule.get("NoncurrentVersionExpirationInDays"))
    if expire_after is not None:
        kept = leaf("NewerNoncurrentVersions", noncurrent.get("NewerNoncurrentVersions"))
        parts.append(element("NoncurrentVersionExpiration", leaf("NoncurrentDays", expire_after), kept))
    abort = rule.get("AbortIncompleteMultipartUpload")
    if abort:
        initiated = leaf("DaysAfterInitiation", abort.get("DaysAfterInitiation"))
        parts.append(element("AbortIncompleteMultipartUpload", initiated))
    return element("Rule", *parts)


def _lifecycle_filter(rule: dict[str, Any]) -> str:
    """Several conditions stand in an And, one or none directly in the Filter."""
    conditions = [leaf("Prefix", rule.get("Prefix"))]
    conditions += [
        element("Tag", leaf("Key", tag["Key"]), leaf("Value", tag["Value"])) for tag in rule.get("TagFilters") or []
    ]
    conditions.append(leaf("ObjectSizeGreaterThan", rule.get("ObjectSizeGreaterThan")))
    conditions.append(leaf("ObjectSizeLessThan", rule.get("ObjectSizeLessThan")))
    given = [condition for condition in conditions if condition]
    return element("Filter", element("And", *given) if len(given) > 1 else (given or [leaf("Prefix", "")])[0])


def object_lock(value: dict[str, Any]) -> bytes:
    """`ObjectLockConfiguration` for PutObjectLockConfiguration."""
    known(value, frozenset({"ObjectLockEnabled", "Rule"}), "ObjectLockConfiguration")
    rule = ""
    retention = (value.get("Rule") or {}).get("DefaultRetention")
    if retention:
        members = (leaf(name, retention.get(name)) for name in ("Mode", "Days", "Years"))
        rule = element("Rule", element("DefaultRetention", *members))
    return document("ObjectLockConfiguration", leaf("ObjectLockEnabled", "Enabled"), rule)


def ownership(value: dict[str, Any]) -> bytes:
    """`OwnershipControls` for PutBucketOwnershipControls."""
    rules = (element("Rule", leaf("ObjectOwnership", rule["ObjectOwnership"])) for rule in value.get("Rules") or [])
    return document("OwnershipControls", *rules)


def logging(value: dict[str, Any], bucket: str) -> bytes:
    """`LoggingConfiguration` for PutBucketLogging; without a destination a bucket logs to itself."""
    known(value, frozenset({"DestinationBucketName", "LogFilePrefix"}), "LoggingConfiguration")
    target = leaf("TargetBucket", value.get("DestinationBucketName") or bucket)
    prefix = element("TargetPrefix", escape(value.get("LogFilePrefix") or ""))
    return document("BucketLoggingStatus", element("LoggingEnabled", target, prefix))
