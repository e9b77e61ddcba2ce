"""Gap: EventBridge delivers to any SQS queue, whatever the queue's policy says, and knows no dead letter queue.

At AWS the queue must let `events.amazonaws.com` send, as its policy's conditions on `aws:SourceArn` and
`aws:SourceAccount` say; what could not be delivered goes to the target's dead letter queue, which must let it too.
ministack 1.5.33 asks for the policy where S3 and SNS deliver, and not where EventBridge does.
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ministack.core.arn import parse_arn
from ministack.core.responses import get_account_id
from ministack.services import eventbridge, sqs

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = "events.amazonaws.com"
_log = logging.getLogger("ministack")
_nobody: Mapping[str, str] = MappingProxyType({})
_sender: ContextVar[Mapping[str, str]] = ContextVar("embedded_event_sender", default=_nobody)


def install() -> None:
    """Ask for the queue's policy before each delivery for a rule."""
    invoke, to_queue = eventbridge._invoke_target, eventbridge._dispatch_to_sqs

    def invoke_target(target: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None) -> None:
        arn = str(rule.get("Arn") or "")
        dead = str((target.get("DeadLetterConfig") or {}).get("Arn") or "")
        # A schedule of EventBridge Scheduler comes this way too; it sends by its role, not by the queue's policy.
        token = _sender.set({"rule": arn, "dead": dead} if ":rule/" in arn else _nobody)
        try:
            invoke(target, event, rule, view)
        finally:
            _sender.reset(token)

    def dispatch_to_sqs(spec: Any, payload: str, parameters: Any = None) -> None:
        sender = _sender.get()
        if not sender or _may_send(str(spec), sender["rule"]):
            to_queue(spec, payload, parameters)
            return
        _log.warning("EventBridge: the policy of queue %s lets no event of %s in", spec, sender["rule"])
        if sender["dead"] and _may_send(sender["dead"], sender["rule"]):
            to_queue(parse_arn(sender["dead"]), payload, None)

    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_sqs = dispatch_to_sqs


def _may_send(queue: str, rule: str) -> bool:
    return bool(sqs.queue_policy_allows(queue, SERVICE, rule, get_account_id()))
