"""Gap: an S3 write with `aws:kms` and no key id is refused, where AWS takes the managed key `aws/s3`.

The bucket of the CDK bootstrap encrypts with `aws:kms`, so every asset that the CDK CLI publishes meets this. The
alias is filled in where ministack 1.5.33 asks for a key id; no key material stands behind it, and AWS's managed key
is not subject to a key policy of the account's either.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import s3

from .support import PARTITION

_KEY_ID = "x-amz-server-side-encryption-aws-kms-key-id"


def install() -> None:
    """Fill in the managed key before ministack resolves a write's encryption."""
    resolve = s3._resolve_sse_write_headers

    def resolve_with_managed_key(headers: dict[str, str], bucket_name: str) -> Any:
        if headers.get("x-amz-server-side-encryption") == "aws:kms" and not headers.get(_KEY_ID):
            headers = {**headers, _KEY_ID: f"arn:{PARTITION}:kms:{get_region()}:{get_account_id()}:alias/aws/s3"}
        return resolve(headers, bucket_name)

    s3._resolve_sse_write_headers = resolve_with_managed_key
