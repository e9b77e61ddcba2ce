"""Gap: CloudFormation refuses AWS::Events::Connection and AWS::Events::ApiDestination; a connection tells its secret.

Both are made by ministack's own operations. An API destination's ARN ends with an id, as at AWS, so that a role's
policy must name what the attribute says. A connection's secret is not shown again.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-apidestination.html
https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeConnection.html
"""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ministack.core.responses import json_response
from ministack.services import eventbridge
from ministack.services.cloudformation.provisioners import _physical_name

from .support import call, register, truth

if TYPE_CHECKING:
    from collections.abc import Callable

    from .support import Created, Props

_CONNECTION = ("AuthorizationType", "AuthParameters", "Description")
_DESTINATION = ("ConnectionArn", "Description", "HttpMethod", "InvocationEndpoint", "InvocationRateLimitPerSecond")
_SECRETS = frozenset({"ApiKeyValue", "Password", "ClientSecret"})


def _given(props: Props, members: tuple[str, ...]) -> dict[str, Any]:
    return {name: props[name] for name in members if props.get(name) is not None}


def _name(logical_id: str, props: Props, stack_name: str) -> str:
    return str(props.get("Name") or _physical_name(stack_name, logical_id, max_len=64))


def _connect(logical_id: str, props: Props, stack_name: str) -> Created:
    name = _name(logical_id, props, stack_name)
    wish = {"Name": name, **_given(props, _CONNECTION)}
    made = call(eventbridge._create_connection, wish, doing="events:CreateConnection")
    return name, _of_connection(str(made["ConnectionArn"]))


def _reconnect(physical_id: str, old: Props, new: Props, stack_name: str) -> Created:
    if old.get("Name") != new.get("Name"):
        return _connect("", new, stack_name)
    wish = {"Name": physical_id, **_given(new, _CONNECTION)}
    made = call(eventbridge._update_connection, wish, doing="events:UpdateConnection")
    return physical_id, _of_connection(str(made["ConnectionArn"]))


def _disconnect(physical_id: str, _props: Props) -> None:
    call(eventbridge._delete_connection, {"Name": physical_id}, doing="events:DeleteConnection")


def _of_connection(arn: str) -> dict[str, Any]:
    return {"Arn": arn, "ArnForPolicy": arn}


def _aim(logical_id: str, props: Props, stack_name: str) -> Created:
    name = _name(logical_id, props, stack_name)
    wish = {"Name": name, **_given(props, _DESTINATION)}
    made = call(eventbridge._create_api_destination, wish, doing="events:CreateApiDestination")
    record = eventbridge._api_destinations[name]
    record["ApiDestinationArn"] = f"{made['ApiDestinationArn']}/{uuid.uuid4()}"
    return name, _of_destination(record)


def _turn(physical_id: str, old: Props, new: Props, stack_name: str) -> Created:
    if old.get("Name") != new.get("Name"):
        return _aim("", new, stack_name)
    wish = {"Name": physical_id, **_given(new, _DESTINATION)}
    call(eventbridge._update_api_destination, wish, doing="events:UpdateApiDestination")
    return physical_id, _of_destination(eventbridge._api_destinations[physical_id])


def _drop(physical_id: str, _props: Props) -> None:
    call(eventbridge._delete_api_destination, {"Name": physical_id}, doing="events:DeleteApiDestination")


def _of_destination(record: dict[str, Any]) -> dict[str, Any]:
    arn = str(record["ApiDestinationArn"])
    return {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0]}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    if not isinstance(value, dict):
        return value
    hidden = _SECRETS | ({"Value"} if truth(value.get("IsValueSecret")) else set())
    return {name: _without_secrets(each) for name, each in value.items() if name not in hidden}


def _described(describe: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def describe_connection(data: Any) -> Any:
        answer = describe(data)
        if answer[0] != HTTPStatus.OK:
            return answer
        shown = json.loads(answer[2])
        return json_response({**shown, "AuthParameters": _without_secrets(shown.get("AuthParameters"))})

    return describe_connection


def install() -> None:
    """Register the types, and let a connection be described without its secret."""
    register("AWS::Events::Connection", _connect, _disconnect, _reconnect)
    register("AWS::Events::ApiDestination", _aim, _drop, _turn)
    eventbridge._describe_connection = _described(eventbridge._describe_connection)
