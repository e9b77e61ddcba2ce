"""The saved plan file of Terraform: kept under its own hash as it is proposed, and read again by version and hash.

The intake alone writes it, once, beside the rest of an approval, in the bucket that no role on the agents' path
reaches. So the file that is applied is the one that was proposed, and its name already says what is in it. Object Lock
keeps it as long as the record of who approved it. Sources: Terraform documentation, "Command: plan" (``-out``: the file
may hold secrets in clear text); S3 user guide, "How to prevent object overwrites with conditional writes".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any, Final

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.store.aws import MISSING, THERE, code_of
from sudo_mcp_guardrails.approval.store.plan_keys import plan_key

MAX_SAVED: Final = 3 * 1024 * 1024
"""Most bytes of a saved plan: as text it takes a third more, and the intake takes 6 MiB with the plan as JSON."""
PLAN_KEY: Final = "PlanKey"
PLAN_VERSION: Final = "PlanVersion"
PLACE: Final = (PLAN_KEY, PLAN_VERSION)
"""Options of a plan that say where its file is. The broker sets them; an agent may not."""


def decoded(text: object) -> bytes:
    """Return a saved plan from base64.

    Args:
        text: As it was proposed.

    Raises:
        PlanError: It is none, is empty, or has more than 3 MiB.
    """
    if not isinstance(text, str) or len(text) > _encoded(MAX_SAVED):
        raise PlanError(f"savedPlan must be base64 of the file of at most {MAX_SAVED} bytes that terraform plan wrote")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise PlanError("savedPlan is not base64, expected that of the file that terraform plan -out wrote") from None
    if not 0 < len(data) <= MAX_SAVED:
        raise PlanError(f"the saved plan has {len(data)} bytes, allowed are 1 to {MAX_SAVED}")
    return data


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of a saved plan, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def key_of(agent: str, approval: str, digest: str) -> str:
    """Return the key of an approval's saved plan."""
    return plan_key(agent, approval, f"{digest}.tfplan")


def keep(s3: Any, bucket: str, agent: str, approval: str, data: bytes) -> None:  # noqa: ANN401 - of boto3
    """Keep a saved plan, once: a second one of the same name would be another version, and another plan.

    Args:
        s3: boto3's client.
        bucket: Of the evidence.
        agent: Whose approval it is.
        approval: Its id.
        data: The file.
    """
    try:
        s3.put_object(
            Bucket=bucket,
            Key=key_of(agent, approval, digest_of(data)),
            Body=data,
            ContentType="application/octet-stream",
            ChecksumAlgorithm="SHA256",  # Object Lock takes no object without a checksum
            IfNoneMatch="*",
        )
    except Exception as error:
        if code_of(error) not in THERE:
            raise


def pinned(s3: Any, bucket: str, agent: str, approval: str, digest: str) -> dict[str, str]:  # noqa: ANN401 - of boto3
    """Return where an approval's saved plan is, as options of its plan, after comparing its hash.

    Args:
        s3: boto3's client.
        bucket: Of the evidence.
        agent: Whose approval it is.
        approval: Its id.
        digest: The plan's artifact.

    Raises:
        PlanError: It is not there, or another one is.
    """
    key = key_of(agent, approval, digest)
    version = _checked(s3, bucket, key, digest)
    return {PLAN_KEY: key, PLAN_VERSION: version}


def check(  # noqa: PLR0917 - what a file is known by
    s3: Any,  # noqa: ANN401 - of boto3
    bucket: str,
    agent: str,
    approval: str,
    options: Any,  # noqa: ANN401 - JSON
    digest: str,
) -> None:
    """Compare a saved plan, in the version that was approved, with the hash that was approved.

    Args:
        s3: boto3's client.
        bucket: Of the evidence.
        agent: Whose approval it is.
        approval: Its id.
        options: Of the approved plan.
        digest: Its artifact.

    Raises:
        PlanError: It is not there, or another one is, or the plan names another place than the approval's own.
    """
    key, version = (str(options.get(name) or "") if isinstance(options, dict) else "" for name in PLACE)
    expected = key_of(agent, approval, digest)
    if key != expected or not version:
        raise PlanError(f"the saved plan is at {key!r} in version {version!r}, expected {expected!r} and a version")
    _checked(s3, bucket, key, digest, VersionId=version)


def _checked(s3: Any, bucket: str, key: str, digest: str, **version: str) -> str:  # noqa: ANN401 - of boto3
    try:
        answer = s3.get_object(Bucket=bucket, Key=key, **version)
    except Exception as error:
        if code_of(error) not in MISSING:
            raise
        raise PlanError(f"saved plan {key!r} is not there {version or 'at all'}, expected the file proposed") from None
    body = answer["Body"].read(MAX_SAVED + 1)
    found = digest_of(body)
    if found != digest:
        raise PlanError(f"saved plan {key!r} has the hash {found}, expected {digest}")
    return str(answer.get("VersionId") or version.get("VersionId", ""))


def _encoded(size: int) -> int:
    """Return how many characters base64 has for so many bytes."""
    return (size + 2) // 3 * 4
