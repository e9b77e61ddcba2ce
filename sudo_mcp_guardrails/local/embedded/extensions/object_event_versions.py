"""Gap: an "Object Created" event of EventBridge names no version of the object.

Of a bucket with versions the event carries `version-id`, so that a reader gets the very bytes that were told of.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

import json
from contextvars import ContextVar
from typing import Any

from ministack.services import eventbridge, s3

_version: ContextVar[str] = ContextVar("embedded_object_version", default="")


def install() -> None:
    """Add the version to the event on its way."""
    fire, dispatch = s3._fire_s3_event, eventbridge._dispatch_event

    def fire_with_version(*arguments: Any, version_id: str | None = None, **more: Any) -> None:
        token = _version.set(version_id or "")
        try:
            fire(*arguments, version_id=version_id, **more)
        finally:
            _version.reset(token)

    def dispatch_with_version(event: dict[str, Any], view: Any = None) -> None:
        version = _version.get()
        if version and version != "null" and event.get("Source") == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event, view = {**event, "Detail": json.dumps(detail)}, None
        dispatch(event, view)

    s3._fire_s3_event = fire_with_version
    eventbridge._dispatch_event = dispatch_with_version
