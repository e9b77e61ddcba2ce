"""Gap: EventBridge calls an API destination as nobody, once, and loses an event that is not taken.

At AWS the call is made as the target's role, which must trust `events.amazonaws.com` and may call that destination. A
connection that fails, and the answers 401, 407, 409, 429 and 5xx, are tried again (185 times in a day, unless the
target says less). Then, and at once for what cannot succeed, the event goes to the target's dead letter queue, with the
reason in its attributes. Here it is tried at most three times, a tenth of a second apart, and loopback alone is called:
whatever a template names, nothing leaves the machine.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

from __future__ import annotations

import copy
import logging
import threading
import time
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from ministack.core.concurrency import esm_wake
from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import eventbridge, sqs

from . import authorization, principals

SERVICE = "events.amazonaws.com"
TRIES = 3
PAUSE = 0.1
_AGAIN = frozenset({401, 407, 409, 429})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_rule: ContextVar[str] = ContextVar("embedded_api_destination_rule", default="")
_log = logging.getLogger("ministack")


@dataclass(frozen=True)
class Failure:
    """Why an event was not taken, as the dead letter's attributes say it."""

    code: str
    message: str
    exhausted: bool = False
    retries: int = 0


def install() -> None:
    """Deliver to API destinations as their targets' roles, more than once, and keep what fails."""
    invoke = eventbridge._invoke_target

    def invoke_target(target: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None) -> None:
        token = _rule.set(str(rule.get("Arn") or ""))
        try:
            invoke(target, event, rule, view)
        finally:
            _rule.reset(token)

    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_api_destination = _dispatch


def _dispatch(spec: Any, payload: str, target: dict[str, Any]) -> None:
    # The worker needs the account and the rule of this call; PutEvents does not wait for it.
    context = copy_context()
    threading.Thread(
        target=context.run, args=(_deliver, str(spec), payload, copy.deepcopy(target)), daemon=True
    ).start()


def _deliver(arn: str, payload: str, target: dict[str, Any]) -> None:
    failure = refused(arn, target, "events:InvokeApiDestination", _rule.get()) or _sent(arn, payload, target)
    if failure is not None:
        bury(arn, payload, target, _rule.get(), failure)


def refused(arn: str, target: dict[str, Any], action: str, rule: str) -> Failure | None:
    """Return why the target's role may not do this to the target, for the rule; None where it may."""
    authorization.leave_request()
    role = str(target.get("RoleArn") or "")
    principal = principals.service_session(role, "events") if role else None
    if principal is None or not principals.service_may_assume(role, SERVICE, get_account_id(), source_arn=rule):
        return Failure("FAILED_TO_ASSUME_ROLE", f"{SERVICE} may not assume the role {role or 'none'}")
    if authorization.decide(principal, action, arn, region=get_region()) is not None:
        return Failure("NO_PERMISSIONS", f"{principal.arn} may not perform {action} on {arn}")
    return None


def _sent(arn: str, payload: str, target: dict[str, Any]) -> Failure | None:
    """Call the destination until it takes the event; return why it did not."""
    name = arn.split(":api-destination/", 1)[1].split("/", 1)[0]
    destination = eventbridge._api_destinations.get(name)
    if destination is None or destination["ApiDestinationArn"] != arn or destination["ApiDestinationState"] != "ACTIVE":
        return Failure("NO_RESOURCE", f"there is no active API destination {arn}")
    connection_name = str(destination.get("ConnectionArn") or "").rpartition("/")[2]
    connection = eventbridge._connections.get(connection_name)
    if connection is None or connection.get("ConnectionState") != "AUTHORIZED":
        return Failure("NO_RESOURCE", f"there is no authorized connection {connection_name!r}")
    request = eventbridge._build_api_destination_request(
        destination, connection, target.get("HttpParameters") or {}, payload
    )
    if not _is_loopback(request["url"]):
        return Failure("CONNECTION_FAILURE", "the embedded AWS calls loopback alone")
    key = (get_account_id(), get_region(), connection_name)
    allowed = (target.get("RetryPolicy") or {}).get("MaximumRetryAttempts")
    retries = TRIES - 1 if allowed is None else min(int(allowed), TRIES - 1)
    failure = None
    for number in range(retries + 1):
        if number:
            time.sleep(PAUSE)
        failure = _tried(request, connection, key, fresh=number > 0)
        if failure is None or not failure.exhausted:
            break
    return None if failure is None else Failure(failure.code, failure.message, failure.exhausted, number)


def _tried(request: dict[str, Any], connection: dict[str, Any], key: Any, *, fresh: bool) -> Failure | None:
    """Call once; a failure that is `exhausted` is one that another try might mend."""
    try:
        headers = eventbridge._connection_auth_headers(connection, key, fresh)
        status = eventbridge._api_destination_send_sync(request, headers)
    except Exception as error:  # noqa: BLE001 - whatever keeps a call from being made is a failure to connect
        return Failure("CONNECTION_FAILURE", f"{type(error).__name__}: {error}", exhausted=True)
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    again = status in _AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return Failure("SDK_CLIENT_ERROR", f"the endpoint answered {status}", exhausted=again)


def _is_loopback(url: str) -> bool:
    host = (urlsplit(url).hostname or "").lower()
    return host in _LOOPBACK or host.endswith(".localhost")


def bury(arn: str, payload: str, target: dict[str, Any], rule: str, failure: Failure) -> None:
    """Send what failed to the dead letter queue, if there is one and its policy lets the rule in."""
    _log.warning("EventBridge: %s did not take an event: %s %s", arn, failure.code, failure.message)
    queue_arn = str((target.get("DeadLetterConfig") or {}).get("Arn") or "")
    queue = sqs._queue_by_arn(queue_arn) if queue_arn else None
    if queue is None or not sqs.queue_policy_allows(queue_arn, SERVICE, rule, get_account_id()):
        _log.warning("EventBridge: an event for %s is lost, no dead letter queue takes it", arn)
        return
    attributes = {
        "RULE_ARN": rule,
        "TARGET_ARN": arn,
        "ERROR_CODE": failure.code,
        "ERROR_MESSAGE": failure.message,
        **(
            {"EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts", "RETRY_ATTEMPTS": str(failure.retries)}
            if failure.exhausted
            else {}
        ),
    }
    message = {
        "id": new_uuid(),
        "body": payload,
        "message_attributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    }
    sqs._ensure_msg_fields(message)
    queue["messages"].append(message)
    esm_wake.set()
