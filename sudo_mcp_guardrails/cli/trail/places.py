"""Where files come from: options and arguments, and the source that they name."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.aws import AwsAccess
    from sudo_mcp_guardrails.trail.source import KeepingSource
    from sudo_mcp_guardrails.trail.sources.keys import KeyRange

SCHEME: Final = "s3://"
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

SourceArgument = Annotated[
    str, typer.Argument(metavar="DIR|s3://BUCKET/PREFIX", help="Directory, file, or bucket of trail files.")
]
EndpointOption = Annotated[
    str | None, typer.Option("--endpoint-url", metavar="URL", help="Endpoint of AWS, such as the embedded AWS's.")
]
ProfileOption = Annotated[str | None, typer.Option("--profile", help="Profile of the AWS configuration.")]
RegionOption = Annotated[str | None, typer.Option("--region", help="Region of AWS.")]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="YYYY-MM-DD", help="First day of delivery, UTC; by the files' names.")
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="YYYY-MM-DD", help="Last day of delivery, UTC; by the files' names.")
]


def access(profile: str | None, region: str | None, endpoint_url: str | None) -> AwsAccess:
    """Return how to reach AWS; nothing is asked yet."""
    from sudo_mcp_guardrails.trail.aws import AwsAccess

    return AwsAccess(profile, region, endpoint_url)


def open_source(named: str, aws: AwsAccess, keys: KeyRange | None = None) -> KeepingSource:
    """Return the source that an argument names.

    Args:
        named: a directory, a file, or ``s3://BUCKET/PREFIX``.
        aws: how to reach S3.
        keys: which of its files.

    Raises:
        InputError: the bucket's name is none.
        TrailError: there is no such directory.
    """
    from sudo_mcp_guardrails.trail.sources.directory import DirectorySource
    from sudo_mcp_guardrails.trail.sources.s3 import S3Source

    if named.startswith(SCHEME):
        bucket, prefix = bucket_and_key(named)
        return S3Source(aws.client("s3"), bucket, prefix, keys)
    return DirectorySource(Path(named), keys)


def bucket_and_key(named: str) -> tuple[str, str]:
    """Split ``s3://BUCKET/KEY``.

    Raises:
        InputError: the bucket's name is none.
    """
    bucket, _, key = named.removeprefix(SCHEME).partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise InputError(f"{named!r} names no bucket, expected 's3://BUCKET/PREFIX'")
    return bucket, key


def days(since: str | None, until: str | None) -> KeyRange | None:
    """Return the range of two options; None where neither is given.

    Raises:
        InputError: one is no day.
        TrailError: the first is after the last.
    """
    from sudo_mcp_guardrails.trail.sources.keys import KeyRange

    if since is None and until is None:
        return None
    return KeyRange(since=day("--since", since), until=day("--until", until))


def day(option: str, given: str | None) -> date | None:
    """Return the day that an option gives.

    Raises:
        InputError: it is none.
    """
    if given is None:
        return None
    try:
        if _DAY.fullmatch(given):
            return date.fromisoformat(given)
    except ValueError:
        pass  # the thirtieth of February
    raise InputError(f"{option} {given!r} is no day, expected YYYY-MM-DD")
