"""Gap: an event source mapping reads any queue, whatever the function's role may.

At AWS the Lambda service reads the queue as the function's role: it needs `sqs:ReceiveMessage`, `sqs:DeleteMessage`
and `sqs:GetQueueAttributes`, without which no mapping is made, and `kms:Decrypt` on the key of an encrypted queue. Both
are asked when the mapping is made, and before each batch, so that what is taken away later stops it.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from __future__ import annotations

import logging
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import error_response_json, get_region
from ministack.services import kms, lambda_svc, sqs

from . import authorization, principals

_NEEDED = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_log = logging.getLogger("ministack")


def missing(role: str, queue_arn: str, session: str) -> str:
    """Return what a role lacks to read a queue, empty where nothing is missing.

    Args:
        role: ARN of the function's role.
        queue_arn: the queue.
        session: name of the session that Lambda opens on the role, which is the function's name.
    """
    queue = sqs._queue_by_arn(queue_arn)
    if queue is None:
        return f"queue {queue_arn}"
    principal = principals.service_session(role, session)
    if principal is None:
        return f"role {role}"
    wanted = [(action, queue_arn) for action in _NEEDED]
    key = queue["attributes"].get("KmsMasterKeyId") or ""
    if key and not key.endswith("alias/aws/sqs"):
        record = kms._resolve_key(key)
        if record is None or record["KeyState"] != "Enabled":
            return f"key {key}"
        wanted.append(("kms:Decrypt", record["Arn"]))
    context = {"kms:viaservice": f"sqs.{get_region()}.amazonaws.com"}
    # The service speaks TLS; the poller has no request that would say so.
    token = iam_evaluator._request_origin.set(("", True))
    try:
        for action, resource in wanted:
            extra = context if action.startswith("kms:") else None
            if authorization.decide(principal, action, resource, region=get_region(), context=extra) is not None:
                return f"{action} on {resource}"
    finally:
        iam_evaluator._request_origin.reset(token)
    return ""


def install() -> None:
    """Ask when a mapping is made, and before each batch."""
    create, concurrency = lambda_svc._create_esm, lambda_svc._sqs_esm_concurrency

    def create_esm(data: dict[str, Any]) -> Any:
        queue = str(data.get("EventSourceArn", ""))
        name, qualifier, error = lambda_svc._resolve_existing_esm_function(data.get("FunctionName", ""))
        if ":sqs:" in queue and not error:
            record, config = lambda_svc._get_func_record_for_qualifier(name, qualifier)
            lacks = missing(str((config or record["config"]).get("Role", "")), queue, name) if record else ""
            if lacks:
                message = f"The provided execution role does not have permissions to read {queue}: it lacks {lacks}"
                return error_response_json("InvalidParameterValueException", message, 400)
        return create(data)

    def esm_concurrency(esm: dict[str, Any], record: Any, config: Any, queue: Any = None) -> int:
        # The poller asks this right before it takes messages: none at once is how it leaves them where they are.
        lacks = missing(str((config or {}).get("Role", "")), esm["EventSourceArn"], esm["FunctionName"])
        if lacks:
            problem = f"PROBLEM: the function's role lacks {lacks}"
            if esm.get("LastProcessingResult") != problem:
                _log.warning("mapping %s reads nothing, %s", esm["UUID"], problem)
            esm["LastProcessingResult"] = problem
            return 0
        return int(concurrency(esm, record, config, queue))

    lambda_svc._create_esm = create_esm
    lambda_svc._sqs_esm_concurrency = esm_concurrency
