"""Gap: ObjectLockEnabled and ObjectLockConfiguration of AWS::S3::Bucket are dropped in silence.

ministack 1.5.33 enforces Object Lock on a bucket that CreateBucket or PutObjectLockConfiguration locked; a bucket
from CloudFormation stays unlocked, so a log archive that is meant to be immutable is not. Object Lock can never be
switched off again, so an update that drops it is refused.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.services import s3

from . import s3_xml
from .support import after, call, truth

if TYPE_CHECKING:
    from .support import Props


def _apply(bucket: str, old: Props, new: Props) -> None:
    locked = truth(new.get("ObjectLockEnabled", False))
    configuration = new.get("ObjectLockConfiguration")
    if configuration and not locked:
        message = "ObjectLockConfiguration needs ObjectLockEnabled: true"
        raise ValueError(message)
    if not locked:
        if truth(old.get("ObjectLockEnabled", False)):
            message = f"Object Lock of bucket {bucket} cannot be switched off again"
            raise ValueError(message)
        return
    if not s3._bucket_object_lock.get(bucket):
        s3._bucket_object_lock[bucket] = {"enabled": True, "default_retention": None}
        s3._bucket_versioning[bucket] = "Enabled"
    if configuration or old.get("ObjectLockConfiguration"):
        body = s3_xml.object_lock(configuration or {})
        call(s3._put_object_lock_configuration, bucket, body, doing="s3:PutObjectLockConfiguration")


def install() -> None:
    """Lock the bucket after it was created or updated."""
    after("AWS::S3::Bucket", _apply)
