"""What several extensions share: calling a service from a CloudFormation handler, and changing handlers."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

if TYPE_CHECKING:
    from collections.abc import Callable

PARTITION = "aws"  # the only one that ministack has
REFUSED = 400  # HTTP status from which an answer is an error
Props = dict[str, Any]
Created = tuple[str, dict[str, Any]]
Answer = tuple[int, dict[str, str], bytes]


def call(operation: Callable[..., Answer], *arguments: Any, doing: str) -> Any:
    """Run a service's own operation and return its parsed JSON answer, or its raw bytes.

    Raises:
        ValueError: the service refused; CloudFormation makes the message the resource's reason.
    """
    status, _, body = operation(*arguments)
    if status >= REFUSED:
        message = f"{doing} failed: {error_text(body)}"
        raise ValueError(message)
    try:
        return json.loads(body) if body else {}
    except ValueError:
        return body


def error_text(body: bytes | str) -> str:
    """The message of a JSON or XML error answer on one line."""
    text = body.decode("utf-8", errors="replace") if isinstance(body, bytes) else body
    try:
        parsed = json.loads(text)
    except ValueError:
        found = re.findall(r"<(?:Code|Message)>([^<]*)<", text)
        return ": ".join(found) or text[:300]
    if not isinstance(parsed, dict):
        return text[:300]
    kind = str(parsed.get("__type", parsed.get("code", "error"))).rpartition("#")[2]
    return f"{kind}: {parsed.get('message') or parsed.get('Message') or ''}"


def register(
    resource_type: str,
    create: Callable[[str, Props, str], Created],
    delete: Callable[[str, Props], None],
    update: Callable[[str, Props, Props, str], Created] | None = None,
) -> None:
    """Teach CloudFormation a resource type that ministack refuses as unrecognized.

    Args:
        resource_type: `AWS::Service::Type`.
        create: (logical id, properties, stack name) to (physical id, attributes).
        delete: (physical id, properties).
        update: (physical id, old properties, new properties, stack name) to (physical id, attributes).

    Raises:
        RuntimeError: ministack knows the type already, so this extension is out of date.
    """
    if resource_type in _RESOURCE_HANDLERS:
        message = f"ministack already has a handler of {resource_type}"
        raise RuntimeError(message)
    handler: dict[str, Any] = {"create": create, "delete": delete}
    if update is not None:
        handler["update"] = update
    _RESOURCE_HANDLERS[resource_type] = handler


def after(resource_type: str, apply: Callable[[str, Props, Props], None]) -> None:
    """Run `apply(physical id, old properties, new properties)` after the type's own create and update.

    Old properties are empty on a create. When `apply` raises on a create, the resource is deleted again, so that a
    property that could not be applied leaves nothing half protected behind.
    """
    handler = _RESOURCE_HANDLERS[resource_type]
    create, delete, update = handler["create"], handler["delete"], handler.get("update")

    def create_and_apply(logical_id: str, props: Props, stack_name: str) -> Created:
        physical_id, attributes = create(logical_id, props, stack_name)
        try:
            apply(physical_id, {}, props)
        except Exception:
            delete(physical_id, props)
            raise
        return physical_id, attributes

    handler["create"] = create_and_apply
    if update is None:
        return

    def update_and_apply(physical_id: str, old: Props, new: Props, *rest: Any) -> Created:
        new_id, attributes = update(physical_id, old, new, *rest)
        # A replacement went through the create above or through ministack's own: applying twice changes nothing.
        apply(new_id, old if new_id == physical_id else {}, new)
        return new_id, attributes

    handler["update"] = update_and_apply


def truth(value: Any) -> bool:
    """A template's boolean, which may come as text."""
    return str(value).lower() == "true"
