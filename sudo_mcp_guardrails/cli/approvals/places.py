"""Where records of evidence are: a directory, a file of lines, a bucket or a table; and the options that say so.

A place is read chain by chain. What it holds is not believed: a record's name says which chain and number it should be
of, and who checks compares.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, Protocol

import typer

from sudo_mcp_guardrails.cli.approvals.files import asking, list_keys, read_file, read_object, reading
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.trail.places import SCHEME, bucket_and_key

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.aws import AwsAccess

TABLE: Final = "table:"
COPIES: Final = "records/"
"""What keys of the copies begin with, in the bucket and in a copy of it."""
NOT_READ: Final = ""
"""The chain of what cannot be read, and so belongs to none."""
MAX_RECORDS: Final = 5_000_000
"""Most records of one place."""
_MAX_LINE: Final = 4 * 1024 * 1024
_RECORD: Final = re.compile(r"(?P<chain>.+)/(?P<number>\d{8})\.json", re.ASCII | re.DOTALL)

PlacesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="PLACE…", help="Directory of records, file of JSON lines, s3://BUCKET or table:NAME; several make one."
    ),
]


class Stored(NamedTuple):
    """What stands where a record should be.

    Attributes:
        name: of the file, the object, the line or the item.
        number: that the place gives it; 0 where the place gives none.
        text: one line of JSON, as it was found.
    """

    name: str
    number: int
    text: bytes


class Place(Protocol):
    """Records, by chain."""

    def chains(self) -> list[str]:
        """Return the names of the chains, in order; :data:`NOT_READ` among them where something belongs to none."""

    def stored(self, chain: str) -> Iterator[Stored]:
        """Yield what is there of a chain, in any order."""


class DirectoryPlace:
    """Files ``<chain>/<number>.json`` below a directory, or below ``records/`` in it, and files ``*.jsonl``.

    Args:
        path: of the directory, or of one file of JSON lines.

    Raises:
        InputError: there is no such directory or file, or too much in it.
    """

    def __init__(self, path: Path) -> None:
        self._files: dict[str, list[tuple[int, Path]]] = {}
        self._lines: dict[str, list[Stored]] = {}
        if path.is_file():
            self._take_lines(path)
            return
        if not path.is_dir():
            raise InputError(f"there is no {str(path)!r}, expected a directory of records or a file of JSON lines")
        below = path / COPIES.rstrip("/")
        root = below if below.is_dir() else path
        count = 0
        for folder, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                found = _RECORD.fullmatch(file.relative_to(root).as_posix())
                if found:
                    self._files.setdefault(found["chain"], []).append((int(found["number"]), file))
                    count = _counted(count, str(path))
                elif file.suffix == ".jsonl":
                    self._take_lines(file)

    def chains(self) -> list[str]:
        """Return the names of the chains."""
        return sorted({*self._files, *self._lines})

    def stored(self, chain: str) -> Iterator[Stored]:
        """Yield the files and lines of a chain."""
        for number, file in self._files.get(chain, ()):
            yield Stored(str(file), number, read_file(file))
        yield from self._lines.get(chain, ())

    def _take_lines(self, file: Path) -> None:
        from sudo_mcp_guardrails.approval.errors import EvidenceError
        from sudo_mcp_guardrails.approval.evidence import Record

        count = 0
        with reading(file), file.open("rb") as stream:
            number = 0
            while line := stream.readline(_MAX_LINE + 1):
                number += 1
                if len(line) > _MAX_LINE:
                    raise InputError(f"line {number} of {str(file)!r} has more than {_MAX_LINE} bytes")
                if not line.strip():
                    continue
                try:
                    chain = Record.from_line(line).chain
                except EvidenceError:
                    chain = NOT_READ
                self._lines.setdefault(chain, []).append(Stored(f"{file}:{number}", 0, line))
                count = _counted(count, str(file))


class BucketPlace:
    """Objects ``records/<chain>/<number>.json``, as the workflow copies its records.

    Args:
        client: boto3's client of S3; may list the bucket and get objects.
        bucket: its name.
        prefix: before ``records/``; empty as the workflow writes them.
    """

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:  # noqa: ANN401 - of boto3
        self._client, self._bucket = client, bucket
        self._keys: dict[str, list[tuple[int, str]]] = {}
        start = f"{prefix.rstrip('/')}/{COPIES}" if prefix else COPIES
        for count, key in enumerate(list_keys(client, bucket, start)):
            _counted(count, f"{SCHEME}{bucket}")
            found = _RECORD.fullmatch(key.removeprefix(start))
            if found:
                self._keys.setdefault(found["chain"], []).append((int(found["number"]), key))

    def chains(self) -> list[str]:
        """Return the names of the chains."""
        return sorted(self._keys)

    def stored(self, chain: str) -> Iterator[Stored]:
        """Yield the objects of a chain."""
        for number, key in self._keys.get(chain, ()):
            yield Stored(key, number, read_object(self._client, self._bucket, key))


class TablePlace:
    """Items of the evidence table, or of the trust table.

    Args:
        client: boto3's client of DynamoDB; may scan and query the table.
        table: its name.
    """

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - of boto3
        self._client, self._table = client, table

    def chains(self) -> list[str]:
        """Return the names of the chains; reads the whole table."""
        from sudo_mcp_guardrails.approval.store.aws import pages, text_of

        found: dict[str, None] = {}
        with asking(f"table {self._table!r}"):
            for count, item in enumerate(
                pages(
                    self._client,
                    "scan",
                    TableName=self._table,
                    ProjectionExpression="#chain",
                    # Beside the chains the table remembers what was proposed lately: that has no record.
                    FilterExpression="attribute_exists(#record)",
                    ExpressionAttributeNames={"#chain": "chain", "#record": "record"},
                    ConsistentRead=True,
                )
            ):
                _counted(count, f"{TABLE}{self._table}")
                found[text_of(item, "chain")] = None
        return sorted(found)

    def stored(self, chain: str) -> Iterator[Stored]:
        """Yield the items of a chain."""
        from sudo_mcp_guardrails.approval.store.aws import pages, text_of

        with asking(f"table {self._table!r}"):
            for item in pages(
                self._client,
                "query",
                TableName=self._table,
                KeyConditionExpression="#chain = :chain",
                ExpressionAttributeNames={"#chain": "chain"},
                ExpressionAttributeValues={":chain": {"S": chain}},
                ConsistentRead=True,
            ):
                number = str(item["number"]["N"])
                yield Stored(f"{chain} {number}", int(number), text_of(item, "record").encode())


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


def _counted(count: int, place: str) -> int:
    if count >= MAX_RECORDS:
        raise InputError(f"{place!r} has more than {MAX_RECORDS} records; verify it in parts")
    return count + 1
