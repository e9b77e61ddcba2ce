"""The calls behind the high-level commands of the CLI: ``aws s3 cp``, ``mv``, ``rm``, ``sync``, ``ls`` and their kin.

Source: AWS CLI command reference, ``s3``. A transfer of more than 8 MB is a multipart upload, which takes the same
permission.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.meaning.command_line import Unclear
from sudo_mcp_guardrails.gateway.meaning.declared import HOLE, DeclaredCall

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.meaning.command_line import CommandLine

_URL: Final = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/(?P<key>.*))?", re.DOTALL)
_ARN_URL: Final = "s3://arn:"
_FLAGS: Final = frozenset(
    {
        *("delete", "dryrun", "exact-timestamps", "follow-symlinks", "force", "human-readable", "no-follow-symlinks"),
        *("no-guess-mime-type", "no-progress", "only-show-errors", "quiet", "recursive", "size-only", "summarize"),
    }
)
_VALUES: Final = {
    "acl": "ACL",
    "cache-control": "CacheControl",
    "content-disposition": "ContentDisposition",
    "content-encoding": "ContentEncoding",
    "content-type": "ContentType",
    "exclude": "",
    "expires-in": "",
    "include": "",
    "page-size": "",
    "sse": "ServerSideEncryption",
    "sse-kms-key-id": "SSEKMSKeyId",
    "storage-class": "StorageClass",
}
_TWO: Final = frozenset({"cp", "mv", "sync"})


def s3_calls(line: CommandLine, region: str, number: int) -> tuple[tuple[DeclaredCall, ...], bool]:
    """Return the calls of a command, and whether it hands out a signed URL.

    Raises:
        Unclear: It is not understood here.
    """
    places, flags, sent = _taken_apart(line)
    made = _Made(region, number, sent, several="recursive" in flags or line.operation == "sync")
    operation = line.operation
    if operation in _TWO and len(places) == 2:  # noqa: PLR2004 - from, to
        made.transfer(places[0], places[1], moves=operation == "mv", deletes="delete" in flags)
    elif operation == "ls" and not places:
        made.add("ListBuckets", {})
    elif operation == "ls" and len(places) == 1:
        made.list(places[0])
    elif operation == "rm" and len(places) == 1:
        made.delete(places[0])
    elif operation == "mb" and len(places) == 1:
        made.add("CreateBucket", {"Bucket": _split(places[0])[0]})
    elif operation == "rb" and len(places) == 1:
        bucket, _ = _split(places[0])
        if "force" in flags:
            made.several = True
            made.delete(f"s3://{bucket}/")
        made.add("DeleteBucket", {"Bucket": bucket})
    elif operation == "presign" and len(places) == 1:
        bucket, key = _split(places[0])
        made.add("GetObject", {"Bucket": bucket, "Key": key})
        return tuple(made.calls), True
    else:
        raise Unclear(f"s3 {operation} with {len(places)} places is not understood here")
    return tuple(made.calls), False


class _Made:
    """Collects calls."""

    def __init__(self, region: str, number: int, sent: dict[str, Any], *, several: bool) -> None:
        self._region = region
        self._number = number
        self._sent = sent
        self.several = several
        self.calls: list[DeclaredCall] = []

    def add(self, operation: str, parameters: dict[str, Any]) -> None:
        times = 1 if operation in {"ListBuckets", "CreateBucket", "DeleteBucket"} else None
        self.calls.append(DeclaredCall("s3", operation, self._region, parameters, at_most=times, line=self._number))

    def list(self, place: str) -> None:
        bucket, key = _split(place)
        self.add("ListObjectsV2", {"Bucket": bucket, "Prefix": key, "ContinuationToken": HOLE, "Delimiter": HOLE})

    def delete(self, place: str) -> None:
        bucket, key = _split(place)
        if self.several:
            self.list(place)
        self.add("DeleteObject", {"Bucket": bucket, "Key": HOLE if self.several else key})

    def transfer(self, source: str, target: str, *, moves: bool, deletes: bool) -> None:
        sides = [place.startswith("s3://") for place in (source, target)]
        if not any(sides):
            raise Unclear("neither place is in S3")
        if self.several:
            for place, is_there in zip((source, target), sides, strict=True):
                if is_there:
                    self.list(place)
        if sides[0]:
            bucket, key = _split(source)
            here = {"Bucket": bucket, "Key": HOLE if self.several else key}
            self.add("HeadObject", here)
            if not sides[1]:
                self.add("GetObject", here)
        if sides[1]:
            self._put(source, target, sides[0])
            if deletes:
                self.add("DeleteObject", {"Bucket": _split(target)[0], "Key": HOLE})
        if moves and sides[0]:
            self.delete(source)

    def _put(self, source: str, target: str, is_copy: bool) -> None:  # noqa: FBT001 - private
        bucket, key = _split(target)
        # A key that ends with a slash, or none, gets the name of what is put there.
        into = HOLE if self.several or key.endswith("/") or not key else key
        there = {"Bucket": bucket, "Key": into, **self._sent}
        if not is_copy:
            self.add("PutObject", {**there, "Body": HOLE})
            return
        other, name = _split(source)
        self.add("CopyObject", {**there, "CopySource": HOLE if self.several else f"{other}/{name}"})
        self.add("GetObjectTagging", {"Bucket": other, "Key": HOLE if self.several else name})
        self.add("PutObjectTagging", {"Bucket": bucket, "Key": into, "Tagging": HOLE})


def _taken_apart(line: CommandLine) -> tuple[list[str], set[str], dict[str, Any]]:
    """Return the places, the flags, and what is sent along; a flag takes no value, so what follows it is a place."""
    places = list(line.rest)
    flags: set[str] = set()
    sent: dict[str, Any] = {}
    for name, values in line.options.items():
        if name in _FLAGS:
            flags.add(name)
            places += values
        elif name in _VALUES and values:
            if _VALUES[name]:
                sent[_VALUES[name]] = values[0]
            places += values[1:]
        else:
            raise Unclear(f"--{name} of s3 {line.operation} is not understood here")
    return places, flags, sent


def _split(place: str) -> tuple[str, str]:
    match = None if place.startswith(_ARN_URL) else _URL.fullmatch(place)
    if match is None:
        raise Unclear("a place is no s3:// URL of a bucket")
    return match["bucket"], match["key"] or ""
