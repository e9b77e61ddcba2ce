"""Read files and objects for the evidence; what cannot be read is one line for whoever asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.trail.places import SCHEME

MAX_BYTES: Final = 128 * 1024 * 1024
"""Of one object or file of a record or a head."""


def list_keys(client: Any, bucket: str, prefix: str) -> Iterator[str]:  # noqa: ANN401 - of boto3
    """Yield the keys of a bucket; raises InputError where S3 does not answer."""
    options: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    while True:
        with asking(f"{SCHEME}{bucket}"):
            answer = client.list_objects_v2(**options)
        yield from (str(item["Key"]) for item in answer.get("Contents", []))
        if not answer.get("IsTruncated"):
            return
        options["ContinuationToken"] = answer["NextContinuationToken"]


def read_object(client: Any, bucket: str, key: str) -> bytes:  # noqa: ANN401 - of boto3
    """Return an object; raises InputError where S3 does not answer, or the object is too large."""
    with asking(f"{SCHEME}{bucket}/{key}"):
        body: bytes = client.get_object(Bucket=bucket, Key=key)["Body"].read(MAX_BYTES + 1)
    if len(body) > MAX_BYTES:
        raise InputError(f"{SCHEME}{bucket}/{key} has more than {MAX_BYTES} bytes")
    return body


def read_file(path: Path) -> bytes:
    """Return a file; raises InputError where it cannot be read, or is too large."""
    with reading(path), path.open("rb") as stream:
        text = stream.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise InputError(f"{str(path)!r} has more than {MAX_BYTES} bytes")
    return text


@contextmanager
def asking(what: str, done: str = "read") -> Iterator[None]:
    """Make one line of what AWS refuses, or of an AWS that is not reached.

    Args:
        what: is asked for.
        done: what cannot be done with it then.

    Raises:
        InputError: AWS refuses, or is not reached.
    """
    from sudo_mcp_guardrails.approval.store.aws import code_of

    try:
        yield
    except Exception as error:
        # boto3 is not imported here; its errors are told by where they come from.
        if not code_of(error) and not type(error).__module__.startswith("botocore"):
            raise
        raise InputError(f"{what} cannot be {done}: {error}") from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Make one line of a file that cannot be read; raises InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error.strerror}") from error
