"""Gap: encryption, lifecycle, ownership, ACL and logging of AWS::S3::Bucket are dropped in silence.

ministack 1.5.33 has the API for each and its CloudFormation handler reads none. What a bucket denies may rest on them
(default encryption with a key whose policy denies, an ACL that opens it), so they go through the service's own calls.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.services import s3

from . import s3_xml
from .support import after, call

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Props

_CANNED_ACLS = {
    "Private": "private",
    "PublicRead": "public-read",
    "PublicReadWrite": "public-read-write",
    "AuthenticatedRead": "authenticated-read",
    "LogDeliveryWrite": "log-delivery-write",
    "BucketOwnerRead": "bucket-owner-read",
    "BucketOwnerFullControl": "bucket-owner-full-control",
    "AwsExecRead": "aws-exec-read",
}


def _put(operation: Callable[..., tuple[int, dict[str, str], bytes]], bucket: str, body: bytes) -> None:
    call(operation, bucket, body, doing=operation.__name__.lstrip("_"))


def _apply(bucket: str, old: Props, new: Props) -> None:
    # Ownership first: with BucketOwnerEnforced, which is the default, an ACL is refused.
    if new.get("OwnershipControls"):
        _put(s3._put_bucket_ownership_controls, bucket, s3_xml.ownership(new["OwnershipControls"]))
    elif old.get("OwnershipControls"):
        call(s3._delete_bucket_ownership_controls, bucket, doing="s3:DeleteBucketOwnershipControls")
    if new.get("BucketEncryption"):
        _put(s3._put_bucket_encryption, bucket, s3_xml.encryption(new["BucketEncryption"]))
    elif old.get("BucketEncryption"):
        call(s3._delete_bucket_encryption, bucket, doing="s3:DeleteBucketEncryption")
    if new.get("LifecycleConfiguration"):
        _put(s3._put_bucket_lifecycle, bucket, s3_xml.lifecycle(new["LifecycleConfiguration"]))
    elif old.get("LifecycleConfiguration"):
        call(s3._delete_bucket_lifecycle, bucket, doing="s3:DeleteBucketLifecycle")
    if new.get("LoggingConfiguration"):
        _put(s3._put_bucket_logging, bucket, s3_xml.logging(new["LoggingConfiguration"], bucket))
    elif old.get("LoggingConfiguration"):
        _put(s3._put_bucket_logging, bucket, s3_xml.document("BucketLoggingStatus"))
    _apply_acl(bucket, old.get("AccessControl"), new.get("AccessControl"))


def _apply_acl(bucket: str, old: str | None, new: str | None) -> None:
    before, wanted = old or "Private", new or "Private"
    if before == wanted == "Private":
        return  # what every bucket starts with; with ACLs disabled even this value would be refused
    if wanted not in _CANNED_ACLS:
        message = f"AccessControl {wanted!r} is none of {', '.join(sorted(_CANNED_ACLS))}"
        raise ValueError(message)
    headers = {"x-amz-acl": _CANNED_ACLS[wanted]}
    call(s3._put_bucket_acl, bucket, b"", headers, doing="s3:PutBucketAcl")


def install() -> None:
    """Apply the properties after the bucket was created or updated."""
    after("AWS::S3::Bucket", _apply)
