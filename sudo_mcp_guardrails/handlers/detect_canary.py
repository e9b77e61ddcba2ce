"""Make a harmless call that is easy to know again: its event must come back through the whole pipeline."""

from __future__ import annotations

import json
from typing import Any

from sudo_mcp_guardrails.detection.telling import CANARY_AGENT


def handler(event: dict[str, Any], context: Any, client: Any = None) -> dict[str, str]:  # noqa: ANN401 - Lambda's and boto3's own
    """Ask STS who this is, with a user agent that says why.

    Args:
        event: The schedule's.
        context: Lambda's.
        client: boto3's client of STS; made when left out.

    Returns:
        The request's id, which the event has too.
    """
    del event, context
    if client is None:
        import boto3  # noqa: PLC0415 - so that the module loads without it
        from botocore.config import Config  # noqa: PLC0415 - as above

        client = boto3.client("sts", config=Config(user_agent_extra=CANARY_AGENT))
    request = str(client.get_caller_identity()["ResponseMetadata"]["RequestId"])
    print(json.dumps({"canary": request}))  # noqa: T201 - the function's log
    return {"request": request}
