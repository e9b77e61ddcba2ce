"""Where records of evidence are: a directory, a file of lines, a bucket or a table; and the options that say so.

A place is read chain by chain. What it holds is not believed: a record's name says which chain and number it should be
of, and who checks compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sudo_mcp_guardrails.cli.approvals.files import list_keys, read_file, read_object
from sudo_mcp_guardrails.cli.approvals.place_aws import TABLE, BucketPlace, TablePlace
from sudo_mcp_guardrails.cli.approvals.place_directory import DirectoryPlace
from sudo_mcp_guardrails.cli.trail.places import SCHEME, bucket_and_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.cli.approvals.stored import Place, Stored
    from sudo_mcp_guardrails.trail.aws import AwsAccess

PlacesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="PLACE…", help="Directory of records, file of JSON lines, s3://BUCKET or table:NAME; several make one."
    ),
]


class Joined:
    """Several places as one, such as the evidence table and the trust table.

    Args:
        places: of which each has other chains, or the same records again.
    """

    def __init__(self, places: list[Place]) -> None:
        self._places = places
        self._of: dict[str, list[Place]] = {}
        for place in places:
            for chain in place.chains():
                self._of.setdefault(chain, []).append(place)

    def chains(self) -> list[str]:
        """Return the names of the chains."""
        return sorted(self._of)

    def stored(self, chain: str) -> Iterator[Stored]:
        """Yield what is there of a chain."""
        for place in self._of.get(chain, ()):
            yield from place.stored(chain)


def open_places(named: list[str], aws: AwsAccess) -> Joined:
    """Return what the arguments name.

    Args:
        named: directories, files, ``s3://BUCKET`` or ``table:NAME``.
        aws: how to reach AWS, where one of them is there.

    Raises:
        InputError: there is no such place.
    """
    return Joined([_open(each, aws) for each in named])


def _open(named: str, aws: AwsAccess) -> Place:
    if named.startswith(SCHEME):
        bucket, prefix = bucket_and_key(named)
        return BucketPlace(aws.client("s3"), bucket, prefix)
    if named.startswith(TABLE):
        return TablePlace(aws.client("dynamodb"), named.removeprefix(TABLE))
    return DirectoryPlace(Path(named))


def documents(named: str, aws: AwsAccess) -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of all ``*.json`` in a directory or below a prefix, or of the file that is named.

    Raises:
        InputError: there is no such place.
    """
    if named.startswith(SCHEME):
        bucket, prefix = bucket_and_key(named)
        client = aws.client("s3")
        for key in list_keys(client, bucket, prefix):
            if key.endswith(".json"):
                yield key, read_object(client, bucket, key)
        return
    path = Path(named)
    for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
        yield str(file), read_file(file)
