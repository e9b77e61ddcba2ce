"""A bucket behind a real boto3 client: requests are answered before they are sent, so that what is signed, parsed,
paged and raised is botocore's own.
"""

from __future__ import annotations

import hashlib
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = 3


class Raw(BytesIO):
    """What urllib3 gives as a body."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


class FakeS3:
    """Objects with versions; lists at most three at once."""

    def __init__(self, bucket: str, objects: Mapping[str, bytes] | None = None) -> None:
        self.bucket = bucket
        self.versions: dict[str, list[tuple[str, bytes, dict[str, str]]]] = {}
        self.requests: list[str] = []
        self.errors: dict[str, tuple[int, str]] = {}
        for key, data in (objects or {}).items():
            self.put(key, data)
        self.client = boto3.client(
            "s3",
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        self.client.meta.events.register("before-send.s3", self._answer)

    def put(self, key: str, data: bytes, metadata: dict[str, str] | None = None) -> None:
        versions = self.versions.setdefault(key, [])
        versions.append((f"v{len(versions) + 1}", data, metadata or {}))

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        url = urlsplit(request.url)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        _, bucket, *rest = url.path.split("/", 2)
        assert bucket == self.bucket
        key = unquote(rest[0]) if rest else ""
        if error := self.errors.get(key):
            return reply(error[0], f"<Error><Code>{error[1]}</Code><Message>no</Message></Error>".encode())
        if key:
            self.requests.append(f"get {key}")
            return self._get(key, query, request.headers)
        self.requests.append(f"list {query.get('prefix', '')} {query.get('delimiter', '')}".strip())
        return reply(200, self._versions(query) if "versions" in query else self._list(query))

    def _get(self, key: str, query: dict[str, str], headers: Any) -> AWSResponse:
        versions = self.versions.get(key, [])
        if "versionId" in query:
            versions = [each for each in versions if each[0] == query["versionId"]]
        if not versions:
            return reply(404, b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>")
        _, data, metadata = versions[-1]
        wanted = headers.get("If-Match")
        if wanted is not None and text(wanted) != etag(data):
            return reply(412, b"<Error><Code>PreconditionFailed</Code><Message>other</Message></Error>")
        return reply(
            200, data, {"ETag": etag(data), **{f"x-amz-meta-{name}": value for name, value in metadata.items()}}
        )

    def _list(self, query: dict[str, str]) -> bytes:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        after = max(query.get("start-after", ""), query.get("continuation-token", ""))
        found: dict[str, str] = {}
        for key in sorted(key for key in self.versions if self.versions[key] and key.startswith(prefix)):
            end = key.find(delimiter, len(prefix)) if delimiter else -1
            name = key if end < 0 else key[: end + 1]
            data = self.versions[key][-1][1]
            found[name] = (
                f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
                if end >= 0
                else f"<Contents><Key>{escape(name)}</Key><Size>{len(data)}</Size>"
                f"<ETag>{escape(etag(data))}</ETag></Contents>"
            )
        names = [name for name in found if name > after]
        more = len(names) > PAGE
        token = f"<NextContinuationToken>{escape(names[PAGE - 1])}</NextContinuationToken>" if more else ""
        return (
            "<ListBucketResult>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}"
            + "".join(found[name] for name in names[:PAGE])
            + "</ListBucketResult>"
        ).encode()

    def _versions(self, query: dict[str, str]) -> bytes:
        rows = [
            f"<Version><Key>{escape(key)}</Key><VersionId>{name}</VersionId><ETag>{escape(etag(data))}</ETag></Version>"
            for key, versions in sorted(self.versions.items())
            if key.startswith(query.get("prefix", ""))
            for name, data, _ in reversed(versions)
        ]
        return f"<ListVersionsResult><IsTruncated>false</IsTruncated>{''.join(rows)}</ListVersionsResult>".encode()


def reply(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> AWSResponse:
    return AWSResponse("http://s3", status, {"content-length": str(len(body)), **(headers or {})}, Raw(body))


def etag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
