"""Gap: CloudTrail records neither denied calls nor who really called, and delivers nothing.

ministack 1.5.33 keeps an event history on request, with the access key as the user's name and without denied calls; it
writes no log files and sends no events. Here every API call is recorded after it was answered, allowed or denied, with
the true `userIdentity` (session issuer and source identity of an assumed role), and goes to the event history, to
the bucket of each trail that logs, and to EventBridge. Calls that CloudFormation or Step Functions make inside
ministack do not pass the router and are not recorded.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-concepts.html
"""

from __future__ import annotations

import logging
from typing import Any

from ministack import app as server
from ministack.core import iam_actions
from ministack.core.responses import get_region

from . import cloudtrail_delivery, cloudtrail_record

_log = logging.getLogger("ministack")


def _record(request: tuple[str, str, dict[str, str], bytes, Any, str], answer: Any) -> None:
    method, path, headers, body, query, request_id = request
    routing = server._routing_params(method, path, headers, body, query)
    service = server.detect_service(method, path, headers, routing)
    action = iam_actions.extract_iam_action(service, method, path, headers, body, routing)
    if action is None:
        return
    status, _, answer_body = answer
    call = cloudtrail_record.Call(
        action=action,
        method=method,
        path=path,
        headers=headers,
        query=query,
        body=body,
        access_key=server.extract_access_key_id(headers, query) or "",
        region=get_region(),
        request_id=request_id,
        status=status,
        answer=answer_body if isinstance(answer_body, bytes) else b"",
    )
    cloudtrail_delivery.deliver(cloudtrail_record.build(call))


def install() -> None:
    """Record every call that ministack's router answered."""
    dispatch = server._dispatch_service_request

    async def recorded(*request: Any) -> Any:
        answer = await dispatch(*request)
        try:
            _record(request, answer)
        except Exception:  # noqa: BLE001 - whatever it is, it is logged
            # The call itself stands; a record that cannot be made must be seen in the log, not break the caller.
            _log.exception("CloudTrail could not record %s %s", *request[:2])
        return answer

    server._dispatch_service_request = recorded
    # ministack's own, poorer history would show every call twice.
    server._maybe_record_cloudtrail = lambda *_: None
