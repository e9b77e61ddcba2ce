"""Gap: ministack checks who may call a function URL with IAM authentication, but does not tell the function.

At AWS the event carries the verified caller in `requestContext.authorizer.iam`.
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-request-payload
"""

from __future__ import annotations

from typing import Any

from ministack.core import iam_evaluator, router
from ministack.services import lambda_svc


def install() -> None:
    """Add the caller to every event of a function URL with IAM authentication."""
    build = lambda_svc._build_function_url_event

    def with_caller(*args: Any, **kwargs: Any) -> Any:
        event = build(*args, **kwargs)
        if kwargs.get("anonymous"):
            return event
        headers, query = args[5], args[7]
        caller = iam_evaluator.resolve_caller_identity(router.extract_access_key_id(headers, query))
        if caller is not None:
            event["requestContext"]["authorizer"] = {
                "iam": {
                    "accessKey": caller["accessKey"],
                    "accountId": caller["accountId"],
                    "callerId": caller["userId"],
                    "principalOrgId": caller["principalOrgId"],
                    "userArn": caller["userArn"],
                    "userId": caller["userId"],
                }
            }
        return event

    lambda_svc._build_function_url_event = with_caller
