"""S3 in memory: objects with tags, conditional writes, listings, as far as the functions of the monitoring use it."""

# ruff: noqa: N803 - the names are boto3's

from __future__ import annotations

import hashlib
import io
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = 3


class Bucket:
    """Objects by ``bucket/key``."""

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.objects: dict[str, bytes] = {}
        self.written: dict[str, float] = {}
        self.clock = clock
        self.before_put: Callable[[str], None] | None = None
        self.down: set[str] = set()
        self.calls: list[tuple[str, str]] = []

    def keys(self, prefix: str) -> list[str]:
        return sorted(key.partition("/")[2] for key in self.objects if key.partition("/")[2].startswith(prefix))

    def get_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:
        self.calls.append(("get", Key))
        if Key in self.down:
            raise ConnectionError(Key)
        data = self.objects.get(f"{Bucket}/{Key}")
        if data is None:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(data), "ContentLength": len(data), "ETag": _tag(data)}

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, IfMatch: str = "", IfNoneMatch: str = "", **_: Any
    ) -> dict[str, Any]:
        self.calls.append(("put", Key))
        if Key in self.down:
            raise ConnectionError(Key)
        if self.before_put is not None:
            self.before_put(Key)
        held = self.objects.get(f"{Bucket}/{Key}")
        if (IfNoneMatch and held is not None) or (IfMatch and (held is None or _tag(held) != IfMatch)):
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        self.objects[f"{Bucket}/{Key}"] = Body
        self.written[f"{Bucket}/{Key}"] = self.clock()
        return {"ETag": _tag(Body)}

    def list_objects_v2(self, *, Bucket: str, Prefix: str, ContinuationToken: str = "") -> dict[str, Any]:
        self.calls.append(("list", Prefix))
        keys = [key for key in self.keys(Prefix) if key > ContinuationToken]
        found = [
            {"Key": key, "LastModified": datetime.fromtimestamp(self.written[f"{Bucket}/{key}"], timezone.utc)}
            for key in keys[:PAGE]
        ]
        more = {"NextContinuationToken": keys[PAGE - 1]} if len(keys) > PAGE else {}
        return {"Contents": found, "IsTruncated": bool(more), **more}

    def delete_objects(self, *, Bucket: str, Delete: Any) -> dict[str, Any]:
        for one in Delete["Objects"]:
            self.calls.append(("delete", one["Key"]))
            self.objects.pop(f"{Bucket}/{one['Key']}", None)
        return {}


def _tag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'  # noqa: S324 - as S3 does
